package zmsg_test

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// mappedMB is how much memory the process has asked the system for.
func mappedMB(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[0])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() >> 20
}

// The memory of a large message is used again by the next one of its size, also for
// sizes that differ a little.
func TestLargeMemoryIsUsedAgain(t *testing.T) {
	zmsg.Trim()
	for _, sizes := range [][2]int{{6_220_800, 6_220_800}, {300_000, 310_000}, {256 << 10, 256<<10 + 1}} {
		var m zmsg.Message
		at := func(size int) *byte {
			if err := m.Make(size); err != nil {
				t.Fatal(err)
			}
			b := m.Bytes()
			if len(b) != size {
				t.Fatalf("%d bytes: want %d", len(b), size)
			}
			b[0], b[size-1] = 1, 2 // it is all ours
			m.Close()
			return unsafe.SliceData(b)
		}
		if first, second := at(sizes[0]), at(sizes[1]); first != second {
			t.Errorf("%v bytes have memory of their own each", sizes)
		}
	}
}

// Little memory waits, however much was in use, and none after Trim.
func TestLargeMemoryGoesBack(t *testing.T) {
	zmsg.Trim()
	const messages, size = 40, 10 << 20
	before := mappedMB(t)
	var all [messages]zmsg.Message
	for i := range all {
		if err := all[i].Make(size); err != nil {
			t.Fatal(err)
		}
	}
	if used := mappedMB(t) - before; used < messages*size>>20 {
		t.Errorf("%d MB are in use: want %d", used, messages*size>>20)
	}
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(all[i].Close)
	}
	wg.Wait()
	if kept := zmsg.Kept(); kept > 16<<20 || kept < 10<<20 {
		t.Errorf("%d bytes wait: want some 10 MB", kept)
	}
	if left := mappedMB(t) - before; left > messages*size>>20/2 {
		t.Errorf("%d MB did not go back", left)
	}
	if zmsg.Trim(); zmsg.Kept() != 0 {
		t.Errorf("%d bytes wait after Trim", zmsg.Kept())
	}
	var huge zmsg.Message
	if err := huge.Make(1 << 62); err == nil {
		t.Error("a message of 2^62 bytes was made")
	}
}

// A message can be shared, and each share is closed by itself.
func TestShare(t *testing.T) {
	for _, size := range []int{0, 10, 1000, 1 << 20} {
		var a, b zmsg.Message
		if err := a.Make(size); err != nil {
			t.Fatal(err)
		}
		for i := range a.Bytes() {
			a.Bytes()[i] = byte(i)
		}
		if err := b.Share(&a); err != nil {
			t.Fatal(err)
		}
		a.SetConnection(7)
		a.Close()
		if a.Connection() != -1 {
			t.Error("a closed message has a connection")
		}
		got := b.Bytes()
		if len(got) != size || size > 0 && got[size-1] != byte(size-1) {
			t.Errorf("the share of %d bytes has %d", size, len(got))
		}
		b.SetConnection(0)
		var c zmsg.Message
		c.Take(&b)
		if c.Connection() != 0 || c.Len() != size || b.Len() != 0 {
			t.Errorf("it moved as %d bytes of connection %d, and %d stayed", c.Len(), c.Connection(), b.Len())
		}
		c.Close()
	}
}
