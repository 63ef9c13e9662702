package netgear_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// A sender and a receiver in one program. Either may as well be Python's
// NetGear(pattern=1) with receive_mode=False or True.
func Example() {
	ctx := context.Background()

	in := netgear.DefaultConfig(netgear.ReceiverRole)
	in.Address, in.Port, in.Pattern = "127.0.0.1", 0, wire.ReqRep // any free port
	receiver, err := netgear.NewReceiver(in, netgear.Observer{})
	if err != nil {
		log.Fatal(err)
	}
	defer receiver.Close()

	out := netgear.DefaultConfig(netgear.SenderRole)
	out.Address, out.Port, out.Pattern = "127.0.0.1", receiver.CurrentPort(), wire.ReqRep
	sender, err := netgear.NewSender(out, netgear.Observer{})
	if err != nil {
		log.Fatal(err)
	}
	defer sender.Close()

	go func() {
		for i := range 3 {
			err := sender.Send(ctx, &netgear.Frame{
				// A numpy array: 2 rows of 4 pixels, blue, green and red.
				Header:  wire.Header{DType: "uint8", Shape: wire.MakeShape(2, 4, 3)},
				Payload: netgear.Payload{Bytes: make([]byte, 2*4*3)},
			})
			if err != nil {
				log.Printf("frame %d: %v", i, err)
			}
		}
		if err := sender.Finish(ctx); err != nil { // the receiver gets io.EOF
			log.Print(err)
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

// Settings can come from a URI, which names what is wrong with it.
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
