// Command go-in-step hands out what several cameras saw at one moment, with package
// netgear alone: no GStreamer, only libzmq.
//
//	go run ./examples/programs/go-in-step [PORT...]      default: 5566 5567 5568
//
// Frame.Captured is when a picture was taken, on this machine's clock, without NTP and
// whatever the network did to it. Every tenth set is printed with its spread, the time
// between its first and its last picture. The program ends with the cameras, or with
// Ctrl-C. The other end: netgearsink in pattern=pair, one for each port.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
)

const usage = `Hands out what several cameras saw at one moment, with the spread.

Usage: go-in-step [PORT...]      default: 5566 5567 5568
Example: go run ./examples/programs/go-in-step 5566 5567 5568
`

// picture is one frame of one camera. It must be released.
type picture struct {
	camera int
	taken  time.Time
	netgear.Payload
}

func main() {
	log.SetFlags(0)
	ports := os.Args[1:]
	switch {
	case len(ports) == 0:
		ports = []string{"5566", "5567", "5568"}
	case ports[0] == "-h", ports[0] == "--help":
		fmt.Print(usage)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	pictures := make(chan picture)
	ended := make(chan error)
	for camera, port := range ports {
		go func() { ended <- receive(ctx, camera, port, pictures) }()
	}
	s := step{waiting: make([][]picture, len(ports))}
	var spreads []time.Duration
	for cameras := len(ports); cameras > 0; {
		select {
		case err := <-ended:
			if cameras--; err != nil && ctx.Err() == nil {
				log.Fatal(err)
			}
		case p := <-pictures:
			s.put(p)
			for set := s.next(); set != nil; set = s.next() {
				if apart := spread(set); apart <= tolerance {
					spreads = append(spreads, apart)
					if n := len(spreads); n%10 == 0 {
						fmt.Printf("set %d: %d pictures, spread %.1f ms\n", n, len(set), ms(apart))
					}
				}
				set[0].Release()
			}
		}
	}
	if n := len(spreads); n > 0 {
		slices.Sort(spreads)
		fmt.Printf("%d sets, spread %.1f ms in the middle, %.1f ms at the most\n", n, ms(spreads[n/2]), ms(spreads[n-1]))
	}
}

// receive passes on the frames of one camera until that says goodbye.
func receive(ctx context.Context, camera int, port string, pictures chan<- picture) error {
	cfg := netgear.DefaultConfig(netgear.ReceiverRole)
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return err
	}
	cfg.Port = uint(n)
	receiver, err := netgear.NewReceiver(cfg, netgear.Observer{Warning: func(err error) { log.Print("warning: ", err) }})
	if err != nil {
		return err
	}
	defer func() { _ = receiver.Close() }()
	for {
		var f netgear.Frame
		if err := receiver.Recv(ctx, &f); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if f.Captured.IsZero() { // the first frame: the clocks are being compared
			f.Payload.Release()
			continue
		}
		select {
		case pictures <- picture{camera, f.Captured, f.Payload}:
		case <-ctx.Done():
			f.Payload.Release()
			return ctx.Err()
		}
	}
}

// step puts pictures together that were taken at one moment.
type step struct{ waiting [][]picture }

// tolerance is how far apart the pictures of a set are at most: cameras of 30 frames/s
// have one every 33 ms.
const tolerance = 25 * time.Millisecond

// limit is how many pictures wait for those of a camera that is slow or gone.
const limit = 100

func (s *step) put(p picture) {
	queue := &s.waiting[p.camera]
	if *queue = append(*queue, p); len(*queue) > limit {
		drop(queue)
	}
}

// next returns a set for the oldest picture of the first camera: of each of the others
// the one that was taken nearest to it. It returns nil while one may still come that is
// nearer. The first picture of a set belongs to the caller, the others stay here.
func (s *step) next() (set []picture) {
	if len(s.waiting[0]) == 0 {
		return nil
	}
	at := s.waiting[0][0].taken
	for _, queue := range s.waiting[1:] {
		if len(queue) == 0 || queue[len(queue)-1].taken.Before(at) {
			return nil
		}
	}
	for i := range s.waiting {
		queue := &s.waiting[i]
		for i > 0 && len(*queue) > 1 && (*queue)[1].taken.Sub(at).Abs() <= (*queue)[0].taken.Sub(at).Abs() {
			drop(queue)
		}
		set = append(set, (*queue)[0])
	}
	s.waiting[0] = s.waiting[0][1:]
	return set
}

func drop(queue *[]picture) {
	(*queue)[0].Release()
	*queue = (*queue)[1:]
}

// spread returns the time from the first picture taken to the last.
func spread(set []picture) time.Duration {
	first, last := set[0].taken, set[0].taken
	for _, p := range set {
		if p.taken.Before(first) {
			first = p.taken
		}
		if p.taken.After(last) {
			last = p.taken
		}
	}
	return last.Sub(first)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
