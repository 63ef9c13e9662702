package netgear

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// SecureMode is NetGear's secure mode.
type SecureMode uint8

// Secure modes. They differ only at the binding end, which is the CURVE server.
const (
	// Grasslands is no security.
	Grasslands SecureMode = iota
	// StoneHouse encrypts, and lets in every client that has the server's public
	// key.
	StoneHouse
	// IronHouse encrypts, and lets in the clients whose public keys are in the
	// folder.
	IronHouse
)

// Names in a folder of certificates, as NetGear has them.
const (
	vidgearFolder = ".vidgear"
	publicFolder  = "public_keys"
	privateFolder = "private_keys"
	publicSuffix  = ".key"
	secretSuffix  = ".key_secret"
	serverName    = "server"
	clientName    = "client"
)

var errNoKeys = errors.New("no keys")

// keyring is the folder with the certificates of one end, and the keys that this end
// uses. The fields do not change; accepts reads the folder again.
type keyring struct {
	mode    SecureMode
	folder  string // …/.vidgear/keys
	isServe bool   // this end binds
	own     certificate
	server  curveKey // the public key of the binding end
	log     *slog.Logger
	clients *clientKeys // for IronHouse at the binding end
}

// mechanism returns the mechanism of an end that has these keys; nil means no keys.
func (k *keyring) mechanism() string {
	if k == nil {
		return mechanismNull
	}
	return mechanismCurve
}

// serverFile returns the path of the file with the binding end's public key.
func (k *keyring) serverFile() string {
	if k == nil {
		return serverName + publicSuffix
	}
	return k.public(serverName)
}

// vidgear returns the folder that contains the folder of the keys.
func (k *keyring) vidgear() string { return filepath.Dir(k.folder) }

func (k *keyring) inFolder(name string) string { return filepath.Join(k.folder, name) }

func (k *keyring) public(name string) string {
	return filepath.Join(k.folder, publicFolder, name+publicSuffix)
}

func (k *keyring) private(name string) string {
	return filepath.Join(k.folder, privateFolder, name+secretSuffix)
}

// openKeys reads the keys of an end. It first generates all of them when there are
// none, or when a Sender must. Errors wrap ErrSettings when the user must do
// something about the folder, else ErrOpen.
func openKeys(cfg *Config, role Role, log *slog.Logger) (*keyring, error) {
	location, err := certLocation(cfg.CertLocation)
	if err != nil {
		return nil, err
	}
	k := &keyring{mode: cfg.SecureMode, isServe: cfg.Bind, log: log, folder: keysFolder(location)}
	k.clients = &clientKeys{folder: k.inFolder(publicFolder), log: log}
	if err := k.strict(location); err != nil {
		return nil, err
	}
	overwrite := cfg.OverwriteCert && role == SenderRole
	if !overwrite && k.read() == nil {
		return k, nil
	}
	// Keys are missing, or another process is about to write them.
	unlock, err := lockFolder(location)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if !overwrite {
		if err = k.read(); err == nil {
			return k, nil
		}
	}
	if overwrite || errors.Is(err, errNoKeys) {
		if err := k.generate(); err != nil {
			return nil, fmt.Errorf("netgear: %w: writing certificates: %w", ErrOpen, err)
		}
		log.Info("certificates generated", "folder", k.folder)
		err = k.read()
	}
	if err != nil {
		return nil, fmt.Errorf("netgear: %w: %w", ErrSettings, err)
	}
	return k, nil
}

// homeFolder returns the home folder, for an empty setting that means a place in it.
// The error names the setting, and wraps ErrSettings.
func homeFolder(setting string) (string, error) {
	home, err := os.UserHomeDir()
	if err == nil {
		return home, nil
	}
	u, uerr := user.Current()
	if uerr != nil {
		return "", fmt.Errorf("netgear: %w: %s is empty and there is no home folder: want it set: %w", ErrSettings, setting, err)
	}
	return u.HomeDir, nil
}

func certLocation(path string) (_ string, err error) {
	if path == "" {
		if path, err = homeFolder("custom-cert-location"); err != nil {
			return "", err
		}
	}
	switch info, err := os.Stat(path); {
	case err != nil:
		return "", fmt.Errorf("netgear: %w: custom-cert-location: want an existing folder: %w", ErrSettings, err)
	case !info.IsDir():
		return "", fmt.Errorf("netgear: %w: custom-cert-location %q: want a folder", ErrSettings, path)
	}
	return filepath.Clean(path), nil
}

// lockPatience bounds the wait for another process that writes certificates; that
// takes milliseconds.
const lockPatience = 2 * time.Second

func lockFolder(path string) (unlock func(), err error) {
	dir, err := os.Open(path) //nolint:gosec // the user's own folder
	if err != nil {
		return nil, fmt.Errorf("netgear: %w: custom-cert-location: %w", ErrSettings, err)
	}
	for end := time.Now().Add(lockPatience); ; time.Sleep(time.Millisecond) {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { dir.Close() }, nil
		case errors.Is(err, syscall.EWOULDBLOCK) && time.Now().Before(end), errors.Is(err, syscall.EINTR):
		default:
			dir.Close()
			return nil, fmt.Errorf("netgear: %w: locking %s: %w", ErrOpen, path, err)
		}
	}
}

// read reads what this end needs: its own pair, and the other end's public key where
// this end connects. It returns errNoKeys when the folder has no key at all.
func (k *keyring) read() error {
	name := clientName
	if k.isServe {
		name = serverName
	}
	own, err := readCertificate(k.private(name))
	if err == nil && !own.hasSecret {
		err = fmt.Errorf("%s: %w: no line secret-key", k.private(name), errCertificate)
	}
	var server certificate
	if err == nil && k.isServe {
		server = own
		// The key that is handed out must be of the same pair, or nobody gets in.
		out, outErr := readCertificate(k.public(name))
		switch {
		case outErr == nil && out.public != own.public:
			err = fmt.Errorf("%s does not belong to %s: restore the one that does, or empty %s to have new pairs made", k.public(name), k.private(name), k.folder)
		case outErr != nil && !errors.Is(outErr, fs.ErrNotExist):
			err = outErr
		}
	} else if err == nil {
		server, err = readCertificate(k.public(serverName))
	}
	if errors.Is(err, fs.ErrNotExist) {
		if k.empty() {
			return errNoKeys
		}
		missing := k.private(name)
		advice := "it is secret and was generated beside the others"
		if name == clientName {
			if _, statErr := os.Stat(missing); statErr == nil {
				missing, advice = k.public(serverName), "copy it from the end that binds"
			}
		}
		return fmt.Errorf("the key %s is missing while others are there: want it (%s), or an empty %s to have new pairs made", missing, advice, k.folder)
	}
	if err != nil {
		return err
	}
	if info, err := os.Stat(k.private(name)); err == nil && info.Mode().Perm()&0o077 != 0 {
		k.log.Warn("other users can read a secret key: want mode 0600", "path", k.private(name), "mode", info.Mode().Perm().String())
	}
	k.own, k.server = own, server.public
	return nil
}

// empty reports whether the folder has no key of any name.
func (k *keyring) empty() bool {
	return len(keyFiles(filepath.Join(k.folder, publicFolder), publicSuffix)) == 0 &&
		len(keyFiles(filepath.Join(k.folder, privateFolder), secretSuffix)) == 0
}

// keyFiles returns the paths of the key files in a folder.
func keyFiles(folder, suffix string) (paths []string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil // no folder, no keys
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".") {
			paths = append(paths, filepath.Join(folder, name))
		}
	}
	return paths
}

func readCertificate(path string) (c certificate, err error) {
	// Open it without waiting: it may be a pipe that nobody writes to.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the user's own folder
	if err != nil {
		return c, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return c, err
	} else if !info.Mode().IsRegular() {
		return c, fmt.Errorf("%s: %w: want a regular file", path, errCertificate)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxCertificate+1))
	if err != nil {
		return c, err
	}
	c, err = parseCertificate(text)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// generate writes new pairs for both ends, as NetGear does, over the present ones.
// It removes keys of other names: whoever had one must no longer get in with it.
func (k *keyring) generate() error {
	for _, path := range []string{k.vidgear(), k.folder, k.inFolder(publicFolder), k.inFolder(privateFolder)} {
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a link: want a folder, as keys of others could be overwritten or deleted behind it", path)
		}
	}
	old := append(keyFiles(filepath.Join(k.folder, publicFolder), publicSuffix), keyFiles(filepath.Join(k.folder, privateFolder), secretSuffix)...)
	keep := map[string]bool{}
	if err := k.makeFolders(); err != nil {
		return err
	}
	now := time.Now()
	for _, name := range []string{serverName, clientName} {
		c, err := newCertificate()
		if err != nil {
			return err
		}
		if err := writeFile(k.private(name), c.format(true, now), 0o600); err != nil {
			return err
		}
		if err := writeFile(k.public(name), c.format(false, now), 0o644); err != nil {
			return err
		}
		keep[k.private(name)], keep[k.public(name)] = true, true
	}
	for _, path := range old {
		if !keep[path] {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *keyring) makeFolders() error {
	if err := os.MkdirAll(filepath.Join(k.folder, publicFolder), 0o755); err != nil { //nolint:gosec // public keys
		return err
	}
	private := filepath.Join(k.folder, privateFolder)
	if err := os.MkdirAll(private, 0o700); err != nil {
		return err
	}
	return os.Chmod(private, 0o700) //nolint:gosec // a folder
}

// writeFile writes a file completely or not at all, even if the power fails.
func writeFile(path string, text []byte, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the error that counts is err
		}
	}()
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename in a folder survive a power cut.
func syncFolder(path string) error {
	d, err := os.Open(path) //nolint:gosec // the folder of certificates, which the user names
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil // this file system cannot do it
	}
	return errors.Join(err, d.Close())
}

// accepts returns why a client with that public key is refused, or nil. Keys can be
// added and removed at any time.
func (k *keyring) accepts(client curveKey) error {
	if k.mode != IronHouse {
		return nil
	}
	if client != k.server && k.clients.has(client) { // NetGear would let its own key in
		return nil
	}
	return fmt.Errorf(unknownKey+" %s: want it among %s/*%s", z85Encode(client), filepath.Join(k.folder, publicFolder), publicSuffix)
}

// IssueClientKey makes a key pair for one client of the binding end whose
// certificates are below location ("": the home folder). The public key becomes
// public_keys/<name>.key there. All that the client needs, and nothing more, is
// written below out, an existing folder, which the client sets as its
// custom-cert-location. RevokeClientKey takes the right to connect away again.
// Errors wrap ErrSettings or ErrOpen.
func IssueClientKey(location, name, out string) error {
	if err := checkClientName(name); err != nil {
		return err
	}
	cfg := Config{SecureMode: IronHouse, CertLocation: location, Bind: true}
	k, err := openKeys(&cfg, ReceiverRole, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if _, err := os.Stat(k.public(name)); err == nil {
		return fmt.Errorf("netgear: %w: %s exists: remove it, or take another name", ErrSettings, k.public(name))
	}
	if out, err = certLocation(out); err != nil {
		return err
	}
	to := &keyring{folder: filepath.Join(out, vidgearFolder, "keys")}
	if !to.empty() {
		return fmt.Errorf("netgear: %w: %s has keys already: want an empty folder for those of %s", ErrSettings, to.folder, name)
	}
	c, err := newCertificate()
	if err == nil {
		err = to.makeFolders()
	}
	now := time.Now()
	for _, file := range []struct {
		path   string
		secret bool
		c      *certificate
	}{
		{to.private(clientName), true, &c},
		{to.public(clientName), false, &c},
		{to.public(serverName), false, &k.own},
		{k.public(name), false, &c}, // last: from now on the client is let in
	} {
		mode := os.FileMode(0o644)
		if file.secret {
			mode = 0o600
		}
		if err == nil {
			err = writeFile(file.path, file.c.format(file.secret, now), mode)
		}
	}
	if err != nil {
		return fmt.Errorf("netgear: %w: writing certificates: %w", ErrOpen, err)
	}
	return nil
}

// allowList is the source addresses that may connect; empty means all.
type allowList []netip.Prefix

// parseAllow reads addresses and networks with commas. Errors wrap ErrSettings.
func parseAllow(text string) (list allowList, err error) {
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word == "" && text == "" {
			return nil, nil
		}
		p, err := netip.ParsePrefix(word)
		if err != nil {
			a, aerr := netip.ParseAddr(word)
			if aerr != nil || a.Zone() != "" {
				return nil, fmt.Errorf("netgear: %w: allow %q: %q: want addresses or networks with commas, as 10.0.0.0/8,192.168.1.7,fe80::/10", ErrSettings, text, word)
			}
			a = a.Unmap()
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// The beginnings of reasons of a refusal, by which failure.cure distinguishes them.
const (
	notAllowed = "address"
	unknownKey = "unknown client key"
)

// accepts returns why a connection from that address is refused, or nil.
func (l allowList) accepts(a netip.Addr) error {
	a = a.Unmap()
	plain := a.WithZone("")
	if len(l) == 0 || slices.ContainsFunc(l, func(p netip.Prefix) bool { return p.Contains(plain) }) {
		return nil
	}
	return fmt.Errorf(notAllowed+" %s is not in allow", a)
}
