// Package door stands between the network and a libzmq socket. It accepts and
// makes the connections itself and carries their bytes to libzmq over Unix
// sockets inside the process:
//
//	peer === TCP or Unix === door --- Unix --- libzmq
//
// On the way it reads ZMTP's framing: the greeting, and of each frame its flags
// and its length. What a peer sends beyond its Limits ends that connection
// before libzmq sees it. So no peer can fill the memory of the process, use up
// its descriptors, or lead libzmq to one of its assertions:
//
//   - libzmq never sees a PING. It answers one at a bad moment with
//     "Assertion failed: !_io_error", and the process is gone. The door answers
//     PINGs itself.
//   - Towards libzmq the door only ever half-closes. A full close raises the
//     error flag that this assertion is about, also for what is encrypted.
//
// Where nothing is encrypted, only the handshake goes to libzmq. Messages go between
// the peer and a Post, which the owner of the socket uses in its place.
//
// The door does not know what the messages mean.
package door
