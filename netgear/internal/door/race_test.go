//go:build race

package door

// mostGrowth is in MB. The race detector takes five to ten times the memory that the
// process takes without it.
const mostGrowth = 4 * 64
