package netgear

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// keysIn makes a folder of certificates of an end that binds, as IronHouse has
// it.
func keysIn(t testing.TB, location string) *keyring {
	t.Helper()
	cfg := DefaultConfig(ReceiverRole)
	cfg.SecureMode, cfg.CertLocation = IronHouse, location
	k, err := openKeys(&cfg, ReceiverRole, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publicKeyFile(t testing.TB, path string) curveKey {
	t.Helper()
	c, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, c.format(false, time.Now()), 0o644); err != nil {
		t.Fatal(err)
	}
	return c.public
}

// A key counts as soon as its file is there, and no longer than it is; one that
// is written over counts a second later.
func TestClientKeysFollowTheFolder(t *testing.T) {
	k := keysIn(t, t.TempDir())
	path := k.public("camera")
	for range 20 {
		key := publicKeyFile(t, path)
		if err := k.accepts(key); err != nil {
			t.Fatalf("a new key: %v", err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if k.accepts(key) == nil {
			t.Fatal("a key that was taken away is let in")
		}
	}
	old := publicKeyFile(t, path)
	if err := k.accepts(old); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * clockGrain) // so that the folder is settled
	if err := k.accepts(old); err != nil {
		t.Fatal(err)
	}
	key := publicKeyFile(t, path)
	for end := time.Now().Add(10 * time.Second); k.accepts(key) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a key that was written over another is not let in")
		}
	}
	if k.accepts(old) == nil {
		t.Fatal("the key that was written over is let in")
	}
}

// An answer does not read the files, however many there are.
func TestAnswersReadNoFiles(t *testing.T) {
	k := keysIn(t, t.TempDir())
	for i := range 300 {
		publicKeyFile(t, k.public(fmt.Sprint("client", i)))
	}
	key := publicKeyFile(t, k.public("last"))
	time.Sleep(2 * clockGrain) // so that the folder is settled
	if err := k.accepts(key); err != nil {
		t.Fatal(err)
	}
	looked := k.clients.looked
	n := 0
	for begin := time.Now(); time.Since(begin) < keysAge/2; n++ {
		if k.accepts(curveKey{1}) == nil {
			t.Fatal("a stranger is let in")
		}
	}
	if !k.clients.looked.Equal(looked) && k.clients.looked.Sub(looked) < keysAge {
		t.Fatal("the files were read again")
	}
	t.Logf("%d answers in %v", n, keysAge/2)
}

func BenchmarkAnswer(b *testing.B) {
	k := keysIn(b, b.TempDir())
	for i := range 2000 {
		publicKeyFile(b, k.public(fmt.Sprint("client", i)))
	}
	time.Sleep(2 * clockGrain)
	b.ResetTimer()
	for range b.N {
		_ = k.accepts(curveKey{1}) // it says no
	}
}

// What is no regular file is not waited for.
func TestPipeAmongTheKeys(t *testing.T) {
	k := keysIn(t, t.TempDir())
	if err := syscall.Mkfifo(k.public("pipe"), 0o644); err != nil {
		t.Skip(err)
	}
	if err := os.Mkdir(k.public("folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", k.public("zero")); err != nil {
		t.Fatal(err)
	}
	key := publicKeyFile(t, k.public("camera"))
	done := make(chan error, 1)
	go func() { done <- k.accepts(key) }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the pipe is waited for")
	}
}

// Where others can write, nobody is let in on what lies there.
func TestStrictFolders(t *testing.T) {
	for _, name := range []string{"", vidgearFolder, vidgearFolder + "/keys", vidgearFolder + "/keys/" + publicFolder, vidgearFolder + "/keys/" + privateFolder} {
		for _, mode := range []os.FileMode{0o777, 0o757, 0o772} {
			location := t.TempDir()
			keysIn(t, location)
			path := filepath.Join(location, name)
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if mode&otherWrites == 0 && isOwnGroup(uint32(os.Getgid()), uint32(os.Getuid())) {
				continue
			}
			refusedFor(t, location, path)
		}
		if os.Geteuid() != 0 {
			continue
		}
		location := t.TempDir()
		keysIn(t, location)
		path := filepath.Join(location, name)
		if err := os.Chown(path, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		refusedFor(t, location, path)
	}
}

func refusedFor(t *testing.T, location, path string) {
	t.Helper()
	cfg := DefaultConfig(ReceiverRole)
	cfg.SecureMode, cfg.CertLocation = IronHouse, location
	if _, err := openKeys(&cfg, ReceiverRole, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), path+" ") {
		t.Errorf("%s: error %v: want one with the folder", path, err)
	}
}

// A client's key that others can write is passed over.
func TestStrictKeyFile(t *testing.T) {
	k := keysIn(t, t.TempDir())
	key := publicKeyFile(t, k.public("camera"))
	if err := os.Chmod(k.public("camera"), 0o666); err != nil {
		t.Fatal(err)
	}
	if k.accepts(key) == nil {
		t.Fatal("a key that every user can write is let in")
	}
}

// New pairs go into folders of ours, never through a link into those of others.
func TestOverwriteFollowsNoLink(t *testing.T) {
	for _, link := range []string{publicFolder, privateFolder} {
		location, foreign := t.TempDir(), t.TempDir()
		k := keysIn(t, location)
		victim := filepath.Join(foreign, "someone.key")
		publicKeyFile(t, victim)
		if err := os.Rename(victim, filepath.Join(foreign, "someone"+publicSuffix)); err != nil {
			t.Fatal(err)
		}
		folder := k.inFolder(link)
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(foreign, folder); err != nil {
			t.Fatal(err)
		}
		cfg := DefaultConfig(SenderRole)
		cfg.SecureMode, cfg.CertLocation, cfg.OverwriteCert = IronHouse, location, true
		_, err := openKeys(&cfg, SenderRole, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), folder+" is a link") {
			t.Errorf("%s: error %v: want one that names the link", link, err)
		}
		if _, err := os.Stat(victim); err != nil {
			t.Errorf("%s: a key of somebody else: %v", link, err)
		}
	}
}
