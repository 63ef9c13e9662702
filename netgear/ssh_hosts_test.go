package netgear

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Lines that cannot be read are skipped, and the others count.
func TestKnownHostsWithOldLines(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	const address = "host:22"
	good := knownhosts.Line([]string{address}, key)
	for _, row := range []struct {
		name, text string
		skipped    []int
		knows      bool
		fails      bool
	}{
		{"nothing odd", "# hosts\n\n" + good + "\n", nil, true, false},
		{"SSH 1", "host 1024 35 1357913579\n" + good + "\n", []int{1}, true, false},
		{"a kind of key to come", good + "\nother ssh-future AAAAC3NzaC1lZDI1NTE5AAAAIA==\n", []int{2}, true, false},
		{"a marker to come", "@future " + good + "\n" + good, []int{1}, true, false},
		{"cut off", good[:len(good)-9] + "\nhost\nhost ssh-ed25519\n" + good, []int{1, 2, 3}, true, false},
		{"a bad hash", "|1|x|y " + strings.SplitN(good, " ", 2)[1] + "\n" + good, []int{1}, true, false},
		{"revoked all the same", "host 1024 35 1\n" + good + "\n@revoked " + good, []int{1}, false, false},
		{"empty", "", nil, false, false},
		{"another kind of file", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", []int{1, 2, 3}, false, true},
		{"large", strings.Repeat(good+"\n", 2000) + "host 1024 35 1\n", []int{2001}, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, skipped := readableHosts(row.text); !slices.Equal(skipped, row.skipped) {
				t.Errorf("skipped %v, want %v", skipped, row.skipped)
			}
			a := sshAuth{knownHosts: filepath.Join(t.TempDir(), "known_hosts")}
			if err := os.WriteFile(a.knownHosts, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			check, err := a.readKnownHosts(func(error) {}, slog.New(slog.DiscardHandler))
			if row.fails {
				if err == nil || !strings.Contains(err.Error(), "line 1: ") {
					t.Fatalf("error %v, want one that names the line", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			err = check(address, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}, key)
			if (err == nil) != row.knows {
				t.Errorf("error %v, want it to know the host: %v", err, row.knows)
			}
			// Numbers of lines are those of the file.
			var mismatch *knownhosts.KeyError
			if errors.As(check(address, noAddress{}, noKey{}), &mismatch) && len(row.skipped) > 0 && row.name != "large" {
				line := strings.Split(row.text, "\n")[mismatch.Want[0].Line-1]
				if !strings.Contains(line, good) {
					t.Errorf("line %d is %q", mismatch.Want[0].Line, line)
				}
			}
		})
	}
}
