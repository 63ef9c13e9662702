package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
)

// What has no caps is an error that says so, and nothing of it is sent: no
// receiver could tell what it is.
func TestBuffersWithoutCaps(t *testing.T) {
	file := filepath.Join(t.TempDir(), "00000")
	writeFile(t, file, make([]byte, 9216))
	push := fmt.Sprintf(`--push {"file":%q,"count":3} `, file)
	for _, c := range []struct{ name, before string }{
		{"appsrc", push + "appsrc name=in"},
		{"live appsrc", push + "appsrc name=in is-live=true format=time"},
		{"appsrc of bytes with times", strings.Replace(push, `"count":3`, `"times":[0,20000000]`, 1) + "appsrc name=in size=9216"},
		{"filesrc", "filesrc location=" + file},
		{"multifilesrc", "multifilesrc location=" + filepath.Join(filepath.Dir(file), "%05d") + " num-buffers=3"},
		{"fakesrc", "fakesrc num-buffers=3 sizetype=fixed sizemax=10 is-live=true"},
		{"behind a queue", "fakesrc num-buffers=3 sizetype=fixed sizemax=10 ! queue"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			receiver, err := zmq4.NewSocket(zmq4.PAIR)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { receiver.Close() })
			port := freePort(t)
			if err := errors.Join(receiver.SetLinger(0), receiver.Bind(fmt.Sprintf("tcp://127.0.0.1:%d", port))); err != nil {
				t.Fatal(err)
			}
			s := watch(t, "%s ! netgearsink address=127.0.0.1 port=%d", c.before, port)
			s.posts("", posted{"sink-no-caps", errdoc.Sink})
			s.Exits(1)
			if parts, err := receiver.RecvMessageBytes(zmq4.DONTWAIT); err == nil {
				t.Errorf("%q was sent", parts[0])
			}
		})
	}
}
