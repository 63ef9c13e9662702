// Command go-library sends or receives NetGear frames with package netgear
// alone: no GStreamer, only libzmq.
//
//	go run ./examples/programs/go-library receive [ADDRESS [PORT]]      default: * 5555
//	go run ./examples/programs/go-library send [ADDRESS [PORT]]         default: localhost 5555
//
// It sends a moving picture with a number beside each frame, FRAMES=n of them,
// or prints what it receives until the sender says goodbye. Ctrl-C ends it. The
// other end: itself, netgearsrc or netgearsink, or VidGear's NetGear().
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

const usage = `Sends or receives NetGear frames with package netgear alone, without GStreamer. FRAMES=n stops the sender.

Usage: go-library receive [ADDRESS [PORT]]      default: * 5555
       go-library send [ADDRESS [PORT]]         default: localhost 5555
Example: go run ./examples/programs/go-library receive '*' 5555
`

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == "send":
		err = send(ctx, os.Args[2:])
	case len(os.Args) > 1 && os.Args[1] == "receive":
		err = receive(ctx, os.Args[2:])
	case len(os.Args) > 1 && (os.Args[1] == "-h" || os.Args[1] == "--help"):
		fmt.Print(usage)
	default:
		err = errors.New("want send or receive (-h shows more)")
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// config returns NetGear's defaults with what the command line says.
func config(role netgear.Role, args []string) (netgear.Config, error) {
	cfg := netgear.DefaultConfig(role)
	if len(args) > 0 {
		cfg.Address = args[0]
	}
	if len(args) > 1 {
		n, err := strconv.ParseUint(args[1], 10, 16)
		if err != nil {
			return cfg, err
		}
		cfg.Port = uint(n)
	}
	return cfg, nil
}

// observer is called from goroutines of the library; what it does must be short.
var observer = netgear.Observer{
	Warning:     func(err error) { log.Print("warning: ", err) }, // it is being mended
	PeerAdded:   func(endpoint string) { fmt.Println("peer added:", endpoint) },
	PeerRemoved: func(endpoint string) { fmt.Println("peer removed:", endpoint) },
}

func send(ctx context.Context, args []string) error {
	cfg, err := config(netgear.SenderRole, args)
	if err != nil {
		return err
	}
	sender, err := netgear.NewSender(cfg, observer)
	if err != nil {
		return err
	}
	defer func() { _ = sender.Close() }()

	const width, height, rate = 320, 240, 25
	frames, _ := strconv.Atoi(os.Getenv("FRAMES")) // 0: without end
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for n := 0; frames == 0 || n < frames; n++ {
		picture := make([]byte, width*height*3) // blue, green, red, row by row, as OpenCV has it
		for i := range width * height {
			picture[3*i+2] = byte(i%width + 4*n) //nolint:gosec // it wraps round on purpose
		}
		// It returns when the frame is confirmed, and tries again by itself until then.
		err := sender.Send(ctx, &netgear.Frame{
			Header: wire.Header{
				DType: "uint8", Shape: wire.MakeShape(height, width, 3),
				HasMessage: true, Message: wire.ValueFromText(strconv.Itoa(n)), // any JSON
			},
			Payload: netgear.Payload{Bytes: picture}, // the sender's from now on
		})
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return goodbye(sender)
		}
	}
	fmt.Printf("sent %d frames\n", sender.Stats().Frames)
	return goodbye(sender)
}

// goodbye tells the receiver, which gets io.EOF, or whatever its language has
// for that.
func goodbye(sender *netgear.Sender) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return sender.Finish(ctx)
}

func receive(ctx context.Context, args []string) error {
	cfg, err := config(netgear.ReceiverRole, args)
	if err != nil {
		return err
	}
	receiver, err := netgear.NewReceiver(cfg, observer)
	if err != nil {
		return err
	}
	defer func() { _ = receiver.Close() }()
	for {
		var frame netgear.Frame
		err := receiver.Recv(ctx, &frame)
		if errors.Is(err, io.EOF) {
			fmt.Printf("received %d frames\n", receiver.Stats().Frames)
			return nil
		}
		if err != nil {
			return err
		}
		h := &frame.Header
		if n := receiver.Stats().Frames; n%10 == 0 {
			if h.Compressed { // JPEG, which image/jpeg decodes
				fmt.Printf("frame %d: JPEG of %d bytes, message %s\n", n, len(frame.Payload.Bytes), h.Message)
			} else {
				fmt.Printf("frame %d: %s %v, message %s\n", n, h.DType, h.Shape.Dims(), h.Message)
			}
		}
		frame.Payload.Release() // the bytes are libzmq's, and not valid after this
	}
}
