package netgear

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshAuth is how to log in, and how to know the server.
type sshAuth struct {
	password   Secret
	keyFile    string
	knownHosts string
}

// PasswordVariable is the environment variable that holds the password where
// Config.SSHPassword is empty. A command line shows in the list of processes, and in
// GStreamer's log.
const PasswordVariable = "NETGEAR_SSH_TUNNEL_PWD" //nolint:gosec // a name

// newSSHAuth checks that the files exist. Errors wrap ErrSettings.
func newSSHAuth(cfg *Config) (a sshAuth, err error) {
	a = sshAuth{password: cfg.SSHPassword, keyFile: cfg.SSHKeyFile, knownHosts: cfg.SSHKnownHosts}
	if a.password == "" {
		a.password = Secret(os.Getenv(PasswordVariable))
	}
	if a.keyFile != "" {
		if err := isFile(a.keyFile); err != nil {
			return a, fmt.Errorf("netgear: %w: ssh-tunnel-keyfile: want an existing file: %w", ErrSettings, err)
		}
	}
	if a.knownHosts == "" {
		home, err := homeFolder("ssh-known-hosts")
		if err != nil {
			return a, err
		}
		a.knownHosts = filepath.Join(home, ".ssh", "known_hosts")
	}
	if err := isFile(a.knownHosts); err != nil {
		return a, fmt.Errorf("netgear: %w: ssh-known-hosts: want an existing file with the server's key (ssh-keyscan writes it): %w", ErrSettings, err)
	}
	return a, nil
}

func isFile(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder", path)
	}
	return err
}

// config reads the files again for each attempt to log in. ctx ends a connection to
// the agent; fail is spawn's.
func (a *sshAuth) config(ctx context.Context, fail func(error), log *slog.Logger, server sshServer) (*ssh.ClientConfig, error) {
	check, err := a.readKnownHosts(fail, log)
	if err != nil {
		return nil, fmt.Errorf("netgear: %w: ssh-known-hosts: %w", ErrSettings, err)
	}
	methods, err := a.methods(ctx, fail)
	if err != nil {
		return nil, err
	}
	return &ssh.ClientConfig{
		User: server.user, Auth: methods, ClientVersion: "SSH-2.0-gst-netgear",
		HostKeyCallback: check, HostKeyAlgorithms: a.knownAlgorithms(check, server.address),
	}, nil
}

// readKnownHosts reads the known hosts, without the lines that this SSH library
// cannot read: keys of SSH 1, keys of newer kinds, and damaged ones. OpenSSH skips
// them too. A file without any readable line is an error: it is another kind of
// file.
func (a *sshAuth) readKnownHosts(fail func(error), log *slog.Logger) (ssh.HostKeyCallback, error) {
	text, err := os.ReadFile(a.knownHosts)
	if err != nil {
		return nil, err
	}
	good, skipped := readableHosts(string(text))
	if len(skipped) == 0 {
		return knownhosts.New(a.knownHosts)
	}
	if strings.TrimSpace(good) == "" {
		return nil, fmt.Errorf("%s, line %d: no line of the file is a known host", a.knownHosts, skipped[0])
	}
	log.Debug("ssh-known-hosts: lines skipped that are no keys of SSH 2", "file", a.knownHosts, "lines", skipped)
	return parseKnownHosts(fail, good)
}

// readableHosts returns the text with every unreadable line emptied, and the numbers
// of those lines. So the numbers of the other lines stay.
func readableHosts(text string) (good string, skipped []int) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			lines[i] = ""
			continue
		}
		if _, err := parseKnownHosts(func(error) {}, line); err != nil {
			lines[i] = ""
			skipped = append(skipped, i+1)
		}
	}
	return strings.Join(lines, "\n"), skipped
}

// parseKnownHosts is knownhosts.New for text. That function reads only files, so it
// gets one end of a pipe.
func parseKnownHosts(fail func(error), text string) (ssh.HostKeyCallback, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	spawn(fail, func() {
		defer w.Close()
		_, _ = io.WriteString(w, text) // its reader may have seen enough
	})
	return knownhosts.New(fmt.Sprintf("/proc/self/fd/%d", r.Fd()))
}

// methods returns the ways to log in, in the order in which they are tried.
func (a *sshAuth) methods(ctx context.Context, fail func(error)) (methods []ssh.AuthMethod, err error) {
	if a.keyFile != "" {
		signer, err := readSigner(a.keyFile, a.password)
		if err != nil {
			return nil, err
		}
		return []ssh.AuthMethod{ssh.PublicKeys(signer)}, nil
	}
	if a.password != "" {
		password := string(a.password)
		return []ssh.AuthMethod{
			ssh.Password(password),
			ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
				return slices.Repeat([]string{password}, len(questions)), nil
			}),
		}, nil
	}
	return []ssh.AuthMethod{ssh.PublicKeysCallback(func() (signers []ssh.Signer, err error) {
		if path := os.Getenv("SSH_AUTH_SOCK"); path != "" {
			var d net.Dialer
			if conn, err := d.DialContext(ctx, "unix", path); err == nil {
				spawnAtEnd(ctx, fail, func() { conn.Close() })
				if signers, err = agent.NewClient(conn).Signers(); err != nil {
					signers = nil
				}
			}
		}
		home, err := homeFolder("ssh-tunnel-keyfile")
		if err != nil {
			return signers, nil //nolint:nilerr // no home folder, no keys in it
		}
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			if s, err := readSigner(filepath.Join(home, ".ssh", name), ""); err == nil {
				signers = append(signers, s)
			}
		}
		return signers, nil
	})}, nil
}

// readSigner reads a private key. Errors wrap ErrSettings, and contain neither the
// key nor the passphrase.
func readSigner(path string, passphrase Secret) (ssh.Signer, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the user's own file
	if err != nil {
		return nil, fmt.Errorf("netgear: %w: ssh-tunnel-keyfile: %w", ErrSettings, err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	var encrypted *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &encrypted) && passphrase == "":
		return nil, fmt.Errorf("netgear: %w: ssh-tunnel-keyfile %s is encrypted: want its passphrase as ssh-tunnel-pwd", ErrSettings, path)
	case errors.As(err, &encrypted):
		if signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase)); err != nil {
			return nil, fmt.Errorf("netgear: %w: ssh-tunnel-keyfile %s cannot be decrypted: ssh-tunnel-pwd is not its passphrase", ErrUnauthorized, path)
		}
	case err != nil:
		return nil, fmt.Errorf("netgear: %w: ssh-tunnel-keyfile %s: want a private key in OpenSSH's or PEM format: %w", ErrSettings, path, err)
	}
	return signer, nil
}

// knownAlgorithms returns the algorithms of the server's known keys. Without it the
// two sides may agree on a key that is not known, though another one is.
func (a *sshAuth) knownAlgorithms(check ssh.HostKeyCallback, address string) (algorithms []string) {
	var mismatch *knownhosts.KeyError
	if !errors.As(check(address, noAddress{}, noKey{}), &mismatch) {
		return nil
	}
	for _, known := range mismatch.Want {
		of := []string{known.Key.Type()}
		if of[0] == ssh.KeyAlgoRSA {
			of = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
		}
		if a.isAuthority(known) {
			for i := range of {
				of[i] += "-cert-v01@openssh.com"
			}
		}
		algorithms = append(algorithms, of...)
	}
	return algorithms
}

// isAuthority reports whether the line has a key that signs host keys.
func (a *sshAuth) isAuthority(known knownhosts.KnownKey) bool {
	text, err := os.ReadFile(a.knownHosts)
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	return known.Line <= len(lines) && strings.HasPrefix(strings.TrimSpace(lines[known.Line-1]), "@cert-authority")
}

// noKey is a key that no file has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// noAddress makes knownhosts look up the name alone.
type noAddress struct{}

func (noAddress) Network() string { return "tcp" }
func (noAddress) String() string  { return "0.0.0.0:0" }

// describe returns what went wrong with logging in, in words that say how to repair
// it.
func (t *tunnel) describe(err error) error {
	if errors.Is(err, ErrSettings) || errors.Is(err, ErrUnauthorized) {
		return err
	}
	var mismatch *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &mismatch) && len(mismatch.Want) == 0:
		host, port, _ := net.SplitHostPort(t.server.address) // we have joined it
		return fmt.Errorf("netgear: %w: %w: the host key of %s is unknown: want it in %s (compare it, then: ssh-keyscan -p %s %s >> %[4]s)",
			ErrUnauthorized, ErrTunnel, t.server.address, t.auth.knownHosts, port, host)
	case errors.As(err, &mismatch):
		return fmt.Errorf("netgear: %w: %w: the host key of %s is not the one in %s, line %d: somebody may be in between, or the server has a new one",
			ErrUnauthorized, ErrTunnel, t.server.address, t.auth.knownHosts, mismatch.Want[0].Line)
	case errors.As(err, &revoked):
		return fmt.Errorf("netgear: %w: %w: the host key of %s is revoked in %s", ErrUnauthorized, ErrTunnel, t.server.address, t.auth.knownHosts)
	}
	return fmt.Errorf("%w to %s: %w", ErrTunnel, t.server, err)
}

// isLoginError reports whether a handshake with a known server failed because the
// server refuses us, and not because of the network. x/crypto has no type for it,
// and more than one text. So every error counts as a refusal that is neither a
// network error nor the farewell of a server that stops.
func isLoginError(err error) bool {
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return false
	}
	text := err.Error()
	return !strings.Contains(text, "disconnect, reason") || strings.Contains(text, "authentication failures")
}

// means returns in words how the login is tried.
func (a *sshAuth) means() string {
	switch {
	case a.keyFile != "":
		return "the key " + a.keyFile
	case a.password != "":
		return "the password of ssh-tunnel-pwd"
	}
	return "the keys of the SSH agent and of ~/.ssh: want ssh-tunnel-keyfile or ssh-tunnel-pwd"
}
