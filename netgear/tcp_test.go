package netgear_test

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// unknownOption is what tcpOptions returns for one of newOptions that this kernel lacks.
const unknownOption = -1

// newOptions are those that many kernels lack.
var newOptions = []int{unix.TCP_RTO_MIN_US, unix.TCP_RTO_MAX_MS}

// tcpOptions returns what every TCP connection of this process from or to a port
// has set, in the order of the options that the caller names.
func tcpOptions(t *testing.T, port uint, options [][2]int) (all [][]int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		local, err := unix.Getsockname(fd)
		if err != nil {
			continue
		}
		remote, err := unix.Getpeername(fd)
		if err != nil {
			continue // it listens
		}
		if portOf(local) != port && portOf(remote) != port {
			continue
		}
		var values []int
		for _, o := range options {
			n, err := unix.GetsockoptInt(fd, o[0], o[1])
			if errors.Is(err, unix.ENOPROTOOPT) && slices.Contains(newOptions, o[1]) {
				n = unknownOption
			} else if err != nil {
				t.Fatal(err)
			}
			values = append(values, n)
		}
		all = append(all, values)
	}
	return all
}

func portOf(sa unix.Sockaddr) uint {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return uint(a.Port)
	case *unix.SockaddrInet6:
		return uint(a.Port)
	}
	return 0
}

// Both ends of a connection find a peer that vanished without a word: with
// keepalive in 3+3*1 s, and in the request timeout what is on its way to it.
func TestVanishedPeersAreFound(t *testing.T) {
	const timeout = 2500 * time.Millisecond
	in := config(netgear.ReceiverRole, wire.Pair)
	in.RequestTimeout = timeout
	r := receiver(t, in)
	out := config(netgear.SenderRole, wire.Pair)
	out.RequestTimeout = timeout
	s := sender(t, out, r.CurrentPort())
	stream(deadline(t), t, s, r, wire.Pair, 1)
	all := tcpOptions(t, r.CurrentPort(), [][2]int{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT},
		{unix.IPPROTO_TCP, unix.TCP_THIN_LINEAR_TIMEOUTS},
		{unix.IPPROTO_TCP, unix.TCP_RTO_MIN_US},
		{unix.IPPROTO_TCP, unix.TCP_RTO_MAX_MS},
	})
	if len(all) != 2 {
		t.Fatalf("%d connections, want both ends of one", len(all))
	}
	for _, got := range all {
		for i, want := range []int{1, 3, 1, 3, int(timeout.Milliseconds()), 1, 100_000, 1000} {
			if got[i] != want && got[i] != unknownOption {
				t.Errorf("options %v: number %d is %d, want %d", got, i, got[i], want)
			}
		}
	}
}

// A port that was closed is free at once, for the same process too.
func TestPortsAreFreeAtOnce(t *testing.T) {
	cfg := config(netgear.ReceiverRole, wire.Pair)
	r := receiver(t, cfg)
	cfg.Port = r.CurrentPort()
	for range 20 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		next, err := netgear.NewReceiver(cfg, netgear.Observer{})
		if err != nil {
			t.Fatal(err)
		}
		r = next
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
