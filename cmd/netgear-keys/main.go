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
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/gst-netgear/gst-netgear/netgear"
)

const usage = `usage: netgear-keys [-location FOLDER] NAME OUT
       netgear-keys [-location FOLDER] list
       netgear-keys [-location FOLDER] revoke NAME

Keys for the clients (cameras, by default the end that sends) of a receiver with secure-mode=ironhouse.

NAME OUT      makes a key pair for the client NAME. Its public key goes to those that the receiver lets in, at once
              and without a restart. OUT gets what the client needs: copy it to the client's machine, set it there as
              custom-cert-location, and remove it here.
list          shows who may connect: name, public key, and since when.
revoke NAME   takes that right away again. A connection that stands goes on until the receiver restarts.

-location FOLDER   the receiver's custom-cert-location; by default the home folder.

NAME OUT makes the folders that are missing, and the receiver's own keys where there are none.

Example:
  netgear-keys -location ~/netgear cam1 ~/cam1
  scp -rp ~/cam1 camera:netgear && rm -r ~/cam1
  netgear-keys -location ~/netgear list
  netgear-keys -location ~/netgear revoke cam1
`

func main() {
	switch err := run(os.Args[1:], os.Stdout); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "netgear-keys: "+err.Error())
		os.Exit(1)
	}
}

// run does what the arguments say. It prints the help itself and returns
// flag.ErrHelp then.
func run(args []string, stdout io.Writer) error {
	location, words, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return err
	}
	if err != nil {
		return fmt.Errorf("%w (netgear-keys -h shows the arguments)", err)
	}
	switch {
	case len(words) == 1 && words[0] == "list":
		return list(location, stdout)
	case len(words) == 2 && words[0] == "revoke":
		return revoke(location, words[1], stdout)
	case len(words) == 2 && words[0] != "list":
		return issue(location, words[0], words[1], stdout)
	}
	return fmt.Errorf("got %d arguments: want NAME OUT, list, or revoke NAME (netgear-keys -h shows more)", len(words))
}

// parse takes options before, between and behind the words.
func parse(args []string) (location string, words []string, err error) {
	flags := flag.NewFlagSet("netgear-keys", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller prints the error
	flags.StringVar(&location, "location", "", "")
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return "", nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		words, args = append(words, flags.Arg(0)), flags.Args()[1:]
	}
	if location == "" {
		if location, err = os.UserHomeDir(); err != nil {
			return "", nil, errors.New("there is no home folder: want -location FOLDER, the receiver's custom-cert-location")
		}
	}
	return filepath.Clean(location), words, nil
}

// issue makes a key pair for one client.
func issue(location, name, out string, stdout io.Writer) error {
	if err := checkName(name); err != nil {
		return err
	}
	known, err := names(location)
	if err != nil {
		return err
	}
	if slices.Contains(known, name) {
		return fmt.Errorf("%s has a key already: revoke it first, or take another name", name)
	}
	for _, folder := range []string{location, out} {
		if err := makeFolder(folder, stdout); err != nil {
			return err
		}
	}
	if err := netgear.IssueClientKey(location, name, out); err != nil {
		return plain(err)
	}
	fmt.Fprintf(stdout, `%s may connect now. Copy %s to its machine, set it there as custom-cert-location, and remove it here.
To take the right away again: netgear-keys -location %s revoke %s
`, name, out, location, name)
	return nil
}

// list prints who may connect.
func list(location string, stdout io.Writer) error {
	keys, err := clients(location)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		fmt.Fprintf(stdout, "nobody may connect: no client has a key in %s\n", location)
		return nil
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tPUBLIC KEY\tSINCE")
	for _, key := range keys {
		if key.Err != nil {
			fmt.Fprintf(table, "%s\tskipped: %v\t\n", key.Name, key.Err)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", key.Name, key.PublicKey, key.Since.Format("2006-01-02 15:04"))
	}
	return table.Flush()
}

// revoke takes the right of one client away.
func revoke(location, name string, stdout io.Writer) error {
	if err := checkName(name); err != nil {
		return err
	}
	keys, err := clients(location)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keys, func(k netgear.ClientKey) bool { return k.Name == name }) {
		return fmt.Errorf("no client %s in %s (netgear-keys -location %s list shows them)", name, location, location)
	}
	if err := netgear.RevokeClientKey(location, name); err != nil {
		return plain(err)
	}
	fmt.Fprintf(stdout, "%s may not connect any more. A connection that stands goes on until the receiver restarts.\n", name)
	return nil
}

// clients returns the clients of a receiver's folder, or an error in words of
// this program when there is no such folder.
func clients(location string) ([]netgear.ClientKey, error) {
	if info, err := os.Stat(location); err != nil { //nolint:gosec // the folder that the user named
		return nil, fmt.Errorf("%s is not there: want the receiver's custom-cert-location behind -location", location)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder: want the receiver's custom-cert-location behind -location", location)
	}
	keys, err := netgear.ClientKeys(location)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no keys: want the receiver's custom-cert-location behind -location", location)
	}
	return keys, plain(err)
}

// names returns the names of the clients that have a key; a folder that is not
// there has none.
func names(location string) (list []string, err error) {
	keys, err := netgear.ClientKeys(location)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, key := range keys {
		list = append(list, key.Name)
	}
	return list, plain(err)
}

// makeFolder makes a folder that only its owner may enter, unless it is there.
func makeFolder(path string, stdout io.Writer) error {
	switch info, err := os.Stat(path); { //nolint:gosec // the folder that the user named
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("%s is a file: want a folder", path)
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("cannot use the folder %s: %w", path, reason(err))
	}
	if err := os.MkdirAll(path, 0o700); err != nil { //nolint:gosec // the folder that the user named
		return fmt.Errorf("cannot make the folder %s: %w", path, reason(err))
	}
	fmt.Fprintf(stdout, "made the folder %s\n", path)
	return nil
}

// reason leaves the call and the path out of an error of the system.
func reason(err error) error {
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// checkName refuses what cannot be the name of a client.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name of the client is empty")
	case strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("%q cannot be the name of a client: want a name without slashes, as cam1", name)
	case strings.HasPrefix(name, "."):
		return fmt.Errorf("%q cannot be the name of a client: want one that does not begin with a dot, as cam1", name)
	case slices.Contains([]string{"server", "list", "revoke"}, name):
		return fmt.Errorf("%q cannot be the name of a client: it has a meaning of its own; want another one, as cam1", name)
	}
	return nil
}

// plain takes the library's own words off the front of an error; what is left
// says what is wrong with a file or folder.
func plain(err error) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), "netgear: ")
	for _, kind := range []error{netgear.ErrSettings, netgear.ErrOpen} {
		text = strings.TrimPrefix(text, kind.Error()+": ")
	}
	return errors.New(strings.ReplaceAll(text, "custom-cert-location: ", ""))
}
