//go:build !race

package door

// mostGrowth is in MB: how much a process may grow for what strangers do.
const mostGrowth = 64
