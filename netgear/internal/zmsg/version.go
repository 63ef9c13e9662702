package zmsg

/*
#include <zmq.h>
*/
import "C"

// errVersion is why zmq4 makes no contexts, or nil. zmq4 sets it when the
// program starts and knows libzmq up to 4.3.5: with a later one it wants the very
// version that it was compiled against. Within 4.3 libzmq keeps its binary
// interface, so a plugin must outlive an update of it.
//
//go:linkname errVersion github.com/pebbe/zmq4.initVersionError
var errVersion error

func init() {
	var major, minor, patch C.int
	C.zmq_version(&major, &minor, &patch)
	built := [...]int{C.ZMQ_VERSION_MAJOR, C.ZMQ_VERSION_MINOR, C.ZMQ_VERSION_PATCH}
	if compatible(built, [...]int{int(major), int(minor), int(patch)}) {
		errVersion = nil
	}
}

// compatible reports whether what was compiled against one version of libzmq runs
// with another.
func compatible(built, runs [3]int) bool {
	return runs[0] == built[0] && runs[1] == built[1] && runs[2] >= built[2]
}
