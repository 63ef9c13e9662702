package e2e

import (
	"fmt"
	"syscall"
	"testing"
)

// shared are the patterns of the multi modes.
var shared = []pattern{reqRep, pubSub}

// Three NetGear servers to one source, one of them with its port as a number:
// each frame has its server's port, and the stream ends after the last goodbye.
func TestServersToOneSource(t *testing.T) {
	const frames = 8
	eachPattern(t, shared, func(t *testing.T, p pattern) {
		a, b, c := freePort(t), freePort(t), freePort(t)
		r := watch(t, "netgearsrc multiserver-mode=true pattern=%v address=127.0.0.1 ports=%d,%d,%d ! appsink name=out sync=false", p, a, b, c)
		var servers []script
		for i, port := range []int{a, b, c} {
			key := "--port-key"
			if i == 1 {
				key = "--port-key-int"
			}
			servers = append(servers, peer(t, "send --pattern %d --port %d %s %d --frames %d --interval 0.05 --timeout 8 --format bgr --width %d --height 20 --bye-when-told",
				p, port, key, port, frames, 32+i))
		}
		for _, s := range servers { // the last known one to say goodbye ends the stream
			s.event("sent", frames)
		}
		for _, s := range servers {
			s.Kill(syscall.SIGUSR1)
		}
		for _, s := range servers {
			s.Exits(0)
		}
		r.Exits(0)
		of := map[any]int{}
		for _, e := range r.events("buffer") {
			of[e.Port]++
		}
		for _, port := range []int{a, b, c} {
			// A publisher's first frame may come before the subscription.
			if n := of[fmt.Sprint(port)]; n != frames && (p != pubSub || n < frames-1) {
				t.Errorf("%d frames of port %d, want %d: %v", n, port, frames, of)
			}
		}
	})
}

// Three sinks to one NetGear client.
func TestSinksToOneClient(t *testing.T) {
	const frames = 8
	eachPattern(t, shared, func(t *testing.T, p pattern) {
		a, b := freePort(t), freePort(t)
		r := peer(t, "recv --pattern %d --port %d,%d --multiserver", p, a, b)
		r.event("ready", 1)
		var sinks []pipeline
		for _, port := range []int{a, b} {
			sinks = append(sinks, launch(t, "videotestsrc num-buffers=%d is-live=true ! %s ! netgearsink multiserver-mode=true address=127.0.0.1 port=%d pattern=%v",
				frames, testPicture, port, p))
		}
		for _, s := range sinks {
			s.Exits(0)
		}
		r.Exits(0)
		of := map[string]int{}
		for _, e := range r.events("frame") {
			of[string(e.Header["port"])]++
		}
		for _, port := range []int{a, b} {
			if n := of[fmt.Sprintf("%q", fmt.Sprint(port))]; n != frames && (p != pubSub || n < frames-1) {
				t.Errorf("%d frames of port %d, want %d: %v", n, port, frames, of)
			}
		}
	})
}

// One sink to two NetGear clients: in turn with req-rep, all to all with
// pub-sub, and every client is told the end.
func TestSinkToClients(t *testing.T) {
	const frames = 8
	eachPattern(t, shared, func(t *testing.T, p pattern) {
		a, b := freePort(t), freePort(t)
		var clients []script
		for _, port := range []int{a, b} {
			c := peer(t, "recv --pattern %d --port %d --multiclient %d --return-json \"me\" --subscriber-timeout 10 --until-terminate", p, port, port)
			c.event("ready", 1)
			clients = append(clients, c)
		}
		s := launch(t, "-m videotestsrc num-buffers=%d is-live=true ! %s ! netgearsink multiclient-mode=true post-messages=true address=127.0.0.1 ports=%d,%d pattern=%v",
			frames, testPicture, a, b, p)
		s.Exits(0)
		sum := 0
		for _, c := range clients {
			c.Exits(0)
			if len(c.events("terminate")) != 1 {
				t.Error("a client was not told the end")
			}
			n := len(c.events("frame"))
			sum += n
			if p == reqRep && n < 2 || p == pubSub && n < frames-2 {
				t.Errorf("a client got %d frames of %d", n, frames)
			}
		}
		if p == reqRep {
			if sum != frames {
				t.Errorf("%d frames in all, want %d", sum, frames)
			}
			for _, port := range []int{a, b} {
				if n := s.Count(fmt.Sprintf(`netgear-return-data, port=\(string\)%d, json=\(string\)"\\"me\\""`, port)); n < 2 {
					t.Errorf("%d answers of port %d on the bus", n, port)
				}
			}
		}
	})
}

// Data and frames both ways with a NetGear peer.
func TestBidirectional(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		t.Run("sink", func(t *testing.T) {
			r := peer(t, "recv --pattern %d --port 0 --bidirectional --return-array raw --width 30 --height 20", p)
			s := launch(t, "videotestsrc num-buffers=6 ! %s ! netgearsink name=s bidirectional-mode=true sync=false address=127.0.0.1 port=%d pattern=%v message=hi s.return_src ! identity silent=false ! fakesink sync=false",
				testPicture, r.port(), p)
			s.Exits(0)
			r.Exits(0)
			s.Says(`return_src: caps = video/x-raw, format=\(string\)BGR, width=\(int\)30, height=\(int\)20`)
			if m := string(r.event("frame", 4).Header["message"]); m != `"hi"` {
				t.Errorf("message %s", m)
			}
		})
		t.Run("source", func(t *testing.T) {
			r := launch(t, "-m netgearsrc name=c bidirectional-mode=true post-messages=true address=127.0.0.1 port=0 pattern=%v ! fakesink videotestsrc is-live=true ! video/x-raw,format=BGR,width=31,height=17 ! c.return_sink", p)
			s := peer(t, "send --pattern %d --port %d --bidirectional --frames 12 --interval 0.05 --format bgr --message [1,NaN]", p, r.BoundPort())
			s.Exits(0)
			r.Exits(0)
			r.Says(`netgear-message, port=\(string\)\d+, json=\(string\).*NaN`)
			if e := s.event("sent", 12); e.Array == nil || fmt.Sprint(e.Array.Shape) != "[17 31 3]" {
				t.Errorf("the last answer is %+v, want a frame of 17 rows", e)
			}
		})
	})
}

// Two pipelines make a call, also when one end plays a file: what shows the
// returned frames does not keep the pipeline from PLAYING.
func TestVideoCall(t *testing.T) {
	for _, live := range []string{"true", "false"} {
		t.Run("is-live="+live, func(t *testing.T) {
			r := launch(t, "netgearsrc name=c bidirectional-mode=true address=127.0.0.1 port=0 ! jpegdec ! fakesink videotestsrc is-live=true ! jpegenc ! c.return_sink")
			s := launch(t, "videotestsrc num-buffers=20 is-live=%s ! jpegenc ! netgearsink name=s bidirectional-mode=true address=127.0.0.1 port=%d s.return_src ! jpegdec ! identity silent=false name=back ! fakesink",
				live, r.BoundPort())
			s.Exits(0)
			r.Exits(0)
			if n := s.Count(`back: last-message = chain`); n < 15 {
				t.Errorf("%d frames came back of 20", n)
			}
		})
	}
}

// What cannot work is refused with one error that names both settings, before
// any socket is opened.
func TestContradictionsAreRefused(t *testing.T) {
	for _, c := range []struct{ settings, first, second string }{
		{"multiserver-mode=true multiclient-mode=true pattern=req-rep ports=5566", "multiserver-mode", "multiclient-mode"},
		{"multiserver-mode=true pattern=pair ports=5566", "multiserver-mode", "pattern"},
		{"multiclient-mode=true pattern=pair", "multiclient-mode", "pattern"},
		{"bidirectional-mode=true pattern=pub-sub", "bidirectional-mode", "pattern"},
		{"multiserver-mode=true pattern=req-rep", "multiserver-mode", "ports"},
	} {
		t.Run(c.settings, func(t *testing.T) {
			t.Parallel()
			w := watch(t, "netgearsrc %s ! fakesink", c.settings)
			w.Fails()
			e := w.event("message", 1)
			if e.Kind != "error" || e.Domain != "library" || e.Code != "settings" {
				t.Errorf("posted %+v, want an error library/settings", e)
			}
			for _, name := range []string{c.first, c.second} {
				if !containsWord(e.Text, name) {
					t.Errorf("%q does not name %s", e.Text, name)
				}
			}
		})
	}
}
