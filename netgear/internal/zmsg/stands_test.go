package zmsg_test

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// A signal that comes meanwhile, as Go's runtime sends them to busy threads, does not
// make a connection look closed.
func TestStandsDespiteSignals(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, thread := os.Getpid(), unix.Gettid()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Tgkill(pid, thread, unix.SIGURG) // the runtime takes it
			}
		}
	}()
	for i := range 100_000 {
		if !zmsg.Stands(ends[0]) {
			t.Errorf("closed at look %d", i)
			break
		}
	}
	close(stop)
	<-stopped
	unix.Close(ends[1])
	if zmsg.Stands(ends[0]) {
		t.Error("it stands although the other end is closed")
	}
}
