package netgear_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// A sender and a receiver of raw pictures in one program. Python's NetGear(pattern=1)
// can take the place of either, with receive_mode=False or True.
func Example() {
	ctx := context.Background()
	in := netgear.DefaultConfig(netgear.ReceiverRole)
	in.Address, in.Port, in.Pattern = "127.0.0.1", 0, wire.ReqRep // 0: any free port
	receiver, err := netgear.NewReceiver(in, netgear.Observer{})
	if err != nil {
		log.Fatal(err)
	}
	defer receiver.Close()

	go func() {
		out := netgear.DefaultConfig(netgear.SenderRole)
		out.Address, out.Port, out.Pattern = "127.0.0.1", receiver.CurrentPort(), wire.ReqRep
		sender, err := netgear.NewSender(out, netgear.Observer{})
		if err != nil {
			log.Fatal(err)
		}
		defer sender.Close()
		for range 3 {
			frame, err := netgear.NewRaw("BGR", 4, 2, make([]byte, 4*2*3))
			if err == nil {
				err = sender.Send(ctx, frame) // returns when it is confirmed
			}
			if err != nil {
				log.Fatal(err)
			}
		}
		if err := sender.Finish(ctx); err != nil { // the receiver gets io.EOF
			log.Fatal(err)
		}
	}()

	for {
		var frame netgear.Frame
		err := receiver.Recv(ctx, &frame)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(frame.Header.Ext.Seq, frame.Header.DType, frame.Header.Shape.Dims(), len(frame.Payload.Bytes), "bytes")
		frame.Payload.Release()
	}
	fmt.Println("end")
	// Output:
	// 0 uint8 [2 4 3] 24 bytes
	// 1 uint8 [2 4 3] 24 bytes
	// 2 uint8 [2 4 3] 24 bytes
	// end
}

// A JPEG travels as it is. A NetGear receiver in Python gets a decoded picture.
func ExampleNewJPEG() {
	ctx := context.Background()
	receiver, sender := connected(wire.Pair)
	defer receiver.Close()
	defer sender.Close()

	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewRGBA(image.Rect(0, 0, 64, 48)), nil); err != nil {
		log.Fatal(err)
	}
	go func() {
		frame, err := netgear.NewJPEG(file.Bytes())
		if err == nil {
			err = sender.Send(ctx, frame)
		}
		if err != nil {
			log.Fatal(err)
		}
	}()

	var frame netgear.Frame
	if err := receiver.Recv(ctx, &frame); err != nil {
		log.Fatal(err)
	}
	defer frame.Payload.Release()
	picture, err := jpeg.DecodeConfig(bytes.NewReader(frame.Payload.Bytes))
	fmt.Println(frame.Header.Compressed, picture.Width, picture.Height, err)

	_, err = netgear.NewJPEG(file.Bytes()[:file.Len()/2])
	fmt.Println(errors.Is(err, wire.ErrMalformed))
	// Output:
	// true 64 48 <nil>
	// true
}

// In pub-sub nothing is confirmed: any number of receivers may connect to a sender
// that binds, and each gets the newest frames from then on.
func Example_pubSub() {
	ctx, cancel := context.WithCancel(context.Background())
	out := netgear.DefaultConfig(netgear.SenderRole)
	out.Address, out.Port, out.Pattern, out.Bind = "127.0.0.1", 0, wire.PubSub, true
	sender, err := netgear.NewSender(out, netgear.Observer{})
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			frame, err := netgear.NewRaw("GRAY8", 4, 2, make([]byte, 4*2))
			if err != nil {
				log.Fatal(err)
			}
			frame.Live = true // it waits for nobody
			if err := sender.Send(ctx, frame); err != nil && ctx.Err() == nil {
				log.Print(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()

	for i := range 2 {
		in := netgear.DefaultConfig(netgear.ReceiverRole)
		in.Address, in.Port, in.Pattern, in.Bind = "127.0.0.1", sender.CurrentPort(), wire.PubSub, false
		receiver, err := netgear.NewReceiver(in, netgear.Observer{})
		if err != nil {
			log.Fatal(err)
		}
		defer receiver.Close()
		var frame netgear.Frame
		if err := receiver.Recv(ctx, &frame); err != nil {
			log.Fatal(err)
		}
		fmt.Println("receiver", i, frame.Header.DType, frame.Header.Shape.Dims())
		frame.Payload.Release()
	}
	cancel()
	<-ended
	sender.Close()
	// Output:
	// receiver 0 uint8 [2 4]
	// receiver 1 uint8 [2 4]
}

// In bidirectional mode data, or an array, goes back with each confirmation.
func Example_bidirectional() {
	ctx := context.Background()
	in := netgear.DefaultConfig(netgear.ReceiverRole)
	in.Address, in.Port, in.Pattern, in.Bidirectional = "127.0.0.1", 0, wire.ReqRep, true
	in.ReturnData = `{"zoom": 2}` // until SetReturnData or SetReturnFrame changes it
	receiver, err := netgear.NewReceiver(in, netgear.Observer{})
	if err != nil {
		log.Fatal(err)
	}
	defer receiver.Close()

	out := netgear.DefaultConfig(netgear.SenderRole)
	out.Address, out.Port, out.Pattern, out.Bidirectional = "127.0.0.1", receiver.CurrentPort(), wire.ReqRep, true
	out.Message = "camera 1" // goes with every frame
	sender, err := netgear.NewSender(out, netgear.Observer{
		Reply: func(r *wire.Reply, array netgear.Payload) {
			fmt.Printf("sender got %s\n", r.Data)
			array.Release()
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer sender.Close()

	go func() {
		var frame netgear.Frame
		if err := receiver.Recv(ctx, &frame); err != nil {
			log.Fatal(err)
		}
		frame.Payload.Release()
	}()
	frame, err := netgear.NewRaw("BGR", 4, 2, make([]byte, 4*2*3))
	if err == nil {
		err = sender.Send(ctx, frame)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// sender got {"zoom": 2}
}

// With IronHouse everything is encrypted, and only clients with a key of their own
// get in. IssueClientKey makes the folder that one of them needs.
func Example_secure() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "netgear")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	server, camera := filepath.Join(folder, "server"), filepath.Join(folder, "camera")
	if err := errors.Join(os.Mkdir(server, 0o700), os.Mkdir(camera, 0o700)); err != nil {
		log.Fatal(err)
	}
	if err := netgear.IssueClientKey(server, "camera", camera); err != nil {
		log.Fatal(err)
	}

	in := netgear.DefaultConfig(netgear.ReceiverRole)
	in.Address, in.Port, in.Pattern = "127.0.0.1", 0, wire.ReqRep
	in.SecureMode, in.CertLocation = netgear.IronHouse, server
	receiver, err := netgear.NewReceiver(in, netgear.Observer{})
	if err != nil {
		log.Fatal(err)
	}
	defer receiver.Close()

	go func() {
		out := netgear.DefaultConfig(netgear.SenderRole)
		out.Address, out.Port, out.Pattern = "127.0.0.1", receiver.CurrentPort(), wire.ReqRep
		out.SecureMode, out.CertLocation = netgear.IronHouse, camera
		sender, err := netgear.NewSender(out, netgear.Observer{})
		if err != nil {
			log.Fatal(err)
		}
		defer sender.Close()
		frame, err := netgear.NewRaw("GRAY8", 4, 2, make([]byte, 4*2))
		if err == nil {
			err = errors.Join(sender.Send(ctx, frame), sender.Finish(ctx))
		}
		if err != nil {
			log.Fatal(err)
		}
	}()
	for {
		var frame netgear.Frame
		err := receiver.Recv(ctx, &frame)
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(receiver.Stats().Secure, frame.Header.Shape.Dims())
		frame.Payload.Release()
	}
	// Output:
	// true [2 4]
	// EOF
}

// In multi-server mode one receiver takes the frames of several senders, each at a
// port of its own, which is its name.
func Example_multiServer() {
	ctx := context.Background()
	first, second := anyPort(), anyPort()
	in := netgear.DefaultConfig(netgear.ReceiverRole)
	in.Address, in.Pattern, in.MultiServer = "127.0.0.1", wire.ReqRep, true
	in.Ports = fmt.Sprintf("%d,%d", first, second)
	receiver, err := netgear.NewReceiver(in, netgear.Observer{})
	if err != nil {
		log.Fatal(err)
	}
	defer receiver.Close()

	names := map[string]string{fmt.Sprint(first): "first", fmt.Sprint(second): "second"}
	both := make(chan struct{})
	for _, port := range []uint{first, second} {
		go func() {
			out := netgear.DefaultConfig(netgear.SenderRole)
			out.Address, out.Port, out.Pattern, out.MultiServer = "127.0.0.1", port, wire.ReqRep, true
			sender, err := netgear.NewSender(out, netgear.Observer{})
			if err != nil {
				log.Fatal(err)
			}
			defer sender.Close()
			frame, err := netgear.NewRaw("GRAY8", 4, 2, make([]byte, 4*2))
			if err == nil {
				err = sender.Send(ctx, frame)
			}
			<-both
			if err = errors.Join(err, sender.Finish(ctx)); err != nil {
				log.Fatal(err)
			}
		}()
	}
	for range 2 {
		var frame netgear.Frame
		if err := receiver.Recv(ctx, &frame); err != nil {
			log.Fatal(err)
		}
		fmt.Println(names[frame.Header.Port], frame.Header.Shape.Dims())
		frame.Payload.Release()
	}
	close(both)
	fmt.Println(receiver.Recv(ctx, &netgear.Frame{})) // the last of them has ended
	// Unordered output:
	// first [2 4]
	// second [2 4]
	// EOF
}

// Settings can come from a URI. The error names what is wrong with it.
func ExampleParseURI() {
	cfg := netgear.DefaultConfig(netgear.SenderRole)
	if err := netgear.ParseURI(&cfg, netgear.SenderRole, "netgear://10.0.0.7:6000?pattern=pub-sub&request-timeout=2.5"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(cfg.Address, cfg.Port, cfg.Pattern, cfg.RequestTimeout)

	err := netgear.ParseURI(&cfg, netgear.SenderRole, "netgear://10.0.0.7:6000?pattern=pubb")
	fmt.Println(err)
	// Output:
	// 10.0.0.7 6000 pub-sub 2.5s
	// netgear: settings: pattern "pubb": want pair, req-rep or pub-sub
}

// connected returns a receiver at a free port, and a sender that connects to it.
func connected(pattern wire.Pattern) (*netgear.Receiver, *netgear.Sender) {
	in := netgear.DefaultConfig(netgear.ReceiverRole)
	in.Address, in.Port, in.Pattern = "127.0.0.1", 0, pattern
	receiver, err := netgear.NewReceiver(in, netgear.Observer{})
	if err != nil {
		log.Fatal(err)
	}
	out := netgear.DefaultConfig(netgear.SenderRole)
	out.Address, out.Port, out.Pattern = "127.0.0.1", receiver.CurrentPort(), pattern
	sender, err := netgear.NewSender(out, netgear.Observer{})
	if err != nil {
		log.Fatal(err)
	}
	return receiver, sender
}

// anyPort returns a port of 127.0.0.1 that nobody has.
func anyPort() uint {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	return uint(l.Addr().(*net.TCPAddr).Port)
}
