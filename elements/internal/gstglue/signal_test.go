package gstglue

import (
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// closing is an end that is closed at once.
type closing struct{ End }

func (closing) Close() error { return nil }

// What an end reports after it was closed, as that its peers are gone, reaches the
// program, and in order. What does not fit behind a slow handler is dropped and counted.
func TestSignalsAfterTheEnd(t *testing.T) {
	gst.Init(nil)
	fake, err := gst.NewElement("identity")
	if err != nil {
		t.Fatal(err)
	}
	c := NewCore(netgear.ReceiverRole)
	c.Init(Element{fake.Unsafe(), SourceRole})
	if err := c.Start(func(netgear.Config) (End, error) { return closing{}, nil }, func(*netgear.Config, *netgear.Property) {}); err != nil {
		t.Fatal(err)
	}
	c.Stop()

	begun, release := make(chan bool), make(chan bool)
	called := make(chan int, maxPending)
	if !c.dispatch.post(func(Element) { close(begun); <-release }) {
		t.Fatal("nothing is posted after the end")
	}
	select {
	case <-begun:
	case <-time.After(10 * time.Second):
		t.Fatal("no handler is called after the end")
	}
	for i := range maxPending + 3 {
		if ok := c.dispatch.post(func(Element) { called <- i }); ok != (i < maxPending) {
			t.Errorf("number %d was posted: %v", i, ok)
		}
	}
	close(release)
	for want := range maxPending {
		if got := <-called; got != want {
			t.Errorf("number %d was called as number %d", got, want)
		}
	}
	if got := c.Dropped(); got != 3 {
		t.Errorf("%d were dropped, want 3", got)
	}
}
