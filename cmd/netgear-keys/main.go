// Program netgear-keys hands out certificates for the secure modes: one key
// pair for each camera, which can be taken back alone.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gst-netgear/gst-netgear/netgear"
)

const usage = `usage: netgear-keys [-location FOLDER] NAME OUT

Makes a key pair for one client (a camera, by default the end that sends) of a receiver in secure-mode ironhouse.
FOLDER is the receiver's custom-cert-location, by default the home folder; the receiver's own keys are generated there when
there are none. NAME.key is added to those of the clients that it lets in, at once and without a restart. Into OUT, an
existing folder without keys, comes what the client needs: copy it to the client's machine, set it there as
custom-cert-location, and remove it here.
`

func main() {
	switch err := run(os.Args[1:], os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "netgear-keys: "+err.Error())
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("netgear-keys", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	location := flags.String("location", "", "the receiver's custom-cert-location")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return fmt.Errorf("%d arguments: want NAME and OUT (netgear-keys -h says more)", flags.NArg())
	}
	name, out := flags.Arg(0), flags.Arg(1)
	if err := netgear.IssueClientKey(*location, name, out); err != nil {
		return err
	}
	folder := *location
	if folder == "" {
		folder = "~"
	}
	fmt.Fprintf(stdout, `%s may connect now. Copy %s into its custom-cert-location on its machine, and remove it here.
To take the right away again, remove %s
`, name, filepath.Join(out, ".vidgear"), filepath.Join(folder, ".vidgear", "keys", "public_keys", name+".key"))
	return nil
}
