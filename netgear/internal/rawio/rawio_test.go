package rawio

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

func pair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func TestRoundTrip(t *testing.T) {
	a, b := pair(t)
	parts := [][]byte{[]byte("head"), {}, bytes.Repeat([]byte{7}, 60_000), []byte("tail")}
	want := bytes.Join(parts, nil)
	n, err := Send(uintptr(a), parts)
	if n != len(want) || err != nil {
		t.Fatalf("Send = %d, %v: want %d", n, err, len(want))
	}
	got := make([]byte, 2*Most)
	n, err = Read(uintptr(b), got)
	if err != nil || !bytes.Equal(got[:n], want) {
		t.Fatalf("Read = %d bytes, %v: want the %d that were sent", n, err, len(want))
	}
}

func TestNothingWaits(t *testing.T) {
	a, b := pair(t)
	if n, err := Read(uintptr(b), make([]byte, 8)); n != 0 || err != unix.EAGAIN { //nolint:errorlint // it is the number itself
		t.Errorf("Read of an empty socket = %d, %v: want EAGAIN", n, err)
	}
	full := [][]byte{make([]byte, Most)}
	var err error
	for range 1000 {
		if _, err = Send(uintptr(a), full); err != nil {
			break
		}
	}
	if err != unix.EAGAIN { //nolint:errorlint // it is the number itself
		t.Errorf("Send to a full socket: %v: want EAGAIN", err)
	}
	if n, err := Read(uintptr(b), nil); n != 0 || err != nil {
		t.Errorf("Read into nothing = %d, %v", n, err)
	}
}

// A broken pipe must not end the process.
func TestPeerGone(t *testing.T) {
	a, b := pair(t)
	_ = unix.Shutdown(b, unix.SHUT_RD)
	if _, err := Send(uintptr(a), [][]byte{[]byte("x")}); err != unix.EPIPE { //nolint:errorlint // it is the number itself
		t.Errorf("Send to nobody: %v: want EPIPE", err)
	}
	_ = unix.Shutdown(b, unix.SHUT_WR)
	if n, err := Read(uintptr(a), make([]byte, 8)); n != 0 || err != nil {
		t.Errorf("Read at the end = %d, %v: want 0, nil", n, err)
	}
	if _, err := Read(1<<30, make([]byte, 8)); err != unix.EBADF { //nolint:errorlint // it is the number itself
		t.Errorf("Read of no descriptor: %v: want EBADF", err)
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		parts [][]byte
		want  bool
	}{
		{nil, true},
		{[][]byte{make([]byte, Most)}, true},
		{[][]byte{make([]byte, Most), {1}}, false},
		{[][]byte{{1}, {2}, {3}, {4}}, true},
		{[][]byte{{1}, {2}, {3}, {4}, {5}}, false},
	} {
		if got := Fits(c.parts); got != c.want {
			t.Errorf("Fits(%d parts) = %v", len(c.parts), got)
		}
	}
}
