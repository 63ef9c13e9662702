// Command go-elements receives NetGear frames in a Go program, through
// GStreamer, with the elements linked in: no plugin file is needed, and none may
// be loaded.
//
//	go run ./examples/programs/go-elements [ADDRESS [PORT]]      default: * 5555
//
// It prints who comes and goes and how bright each tenth picture is, and ends
// with the sender, or with Ctrl-C. The other end: any sender.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"github.com/gst-netgear/gst-netgear/elements"
)

const usage = `Receives NetGear frames with the elements linked into a Go program, and prints how bright each tenth picture is.

Usage: go-elements [ADDRESS [PORT]]      default: * 5555
Example: go run ./examples/programs/go-elements '*' 5555
`

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 && (os.Args[1] == "-h" || os.Args[1] == "--help") {
		fmt.Print(usage)
		return
	}
	address, port := "*", "5555"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if len(os.Args) > 2 {
		port = os.Args[2]
	}
	if err := run(address, port); err != nil {
		log.Fatal(err)
	}
}

func run(address, port string) error {
	gst.Init(nil)
	if err := elements.Register(); err != nil { // instead of the plugin file, and after gst.Init
		return err
	}
	pipeline, err := gst.NewPipelineFromString("netgearsrc name=source ! decodebin ! videoconvert ! video/x-raw,format=GRAY8 ! " +
		"appsink name=out sync=false max-buffers=1")
	if err != nil {
		return err
	}
	source, err := pipeline.GetElementByName("source")
	if err != nil {
		return err
	}
	// Any property can be set by a text, as in gst-launch.
	source.SetArg("address", address)
	source.SetArg("port", port)
	for _, name := range []string{"peer-added", "peer-removed"} {
		what := strings.ReplaceAll(name, "-", " ")
		// In a thread of the element's own: a slow handler never stalls the stream.
		if _, err := source.Connect(name, func(_ *gst.Element, endpoint string) { fmt.Println(what+":", endpoint) }); err != nil {
			return err
		}
	}
	out, err := pipeline.GetElementByName("out")
	if err != nil {
		return err
	}
	frames := 0
	app.SinkFromElement(out).SetCallbacks(&app.SinkCallbacks{
		NewSampleFunc: func(sink *app.Sink) gst.FlowReturn { // in the streaming thread
			sample := sink.PullSample()
			if sample == nil {
				return gst.FlowEOS
			}
			buffer := sample.GetBuffer()
			if frames++; frames%10 == 0 {
				fmt.Printf("frame %d, brightness %d\n", frames, mean(buffer.Map(gst.MapRead).Bytes()))
				buffer.Unmap()
			}
			return gst.FlowOK
		},
	})

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	if err := pipeline.SetState(gst.StatePlaying); err != nil {
		return err
	}
	// The state NULL when all is done, whatever has happened: it closes the connection.
	defer func() { _ = pipeline.SetState(gst.StateNull) }()
	if err := wait(pipeline.GetPipelineBus(), interrupted); err != nil {
		return err
	}
	fmt.Printf("received %d frames\n", frames)
	return nil
}

// wait returns at the end of the stream, at Ctrl-C, or with an error of the pipeline.
func wait(bus *gst.Bus, interrupted <-chan os.Signal) error {
	for {
		select {
		case <-interrupted:
			return nil
		default:
		}
		message := bus.TimedPopFiltered(gst.ClockTime(100*time.Millisecond), gst.MessageEOS|gst.MessageError|gst.MessageWarning)
		if message == nil {
			continue
		}
		switch message.Type() {
		case gst.MessageEOS: // the sender said goodbye
			return nil
		case gst.MessageWarning: // a lost connection, for example, which is being repaired
			log.Print("warning: ", message.ParseWarning())
		case gst.MessageError:
			return errors.New(message.ParseError().Error())
		}
	}
}

func mean(picture []byte) int {
	sum := 0
	for _, b := range picture {
		sum += int(b)
	}
	return sum / max(len(picture), 1)
}
