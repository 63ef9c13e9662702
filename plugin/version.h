// The version of the project, here and nowhere else: the plugin, the packages and the list of parts take it from here.
#define NETGEAR_VERSION "0.1.0"
// The day of its release.
#define NETGEAR_RELEASED "2026-11-26"
