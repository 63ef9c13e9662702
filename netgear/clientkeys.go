package netgear

import (
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"
)

// Implementation constants.
const (
	// keysAge is how old what is known of the files may be. A key that comes or
	// goes changes its folder and counts at once; one that is written over in its
	// file counts after this time at the latest.
	keysAge = time.Second
	// clockGrain is coarser than the clock that files are stamped with: what was
	// changed within that time before we looked may change again unseen.
	clockGrain = 50 * time.Millisecond
)

// clientKeys is the folder of the public keys of those who may connect. It reads
// the folder when it changes, so that an answer costs microseconds however
// many keys there are. The zero value with a folder is ready. Safe for
// concurrent use.
type clientKeys struct {
	folder string
	log    *slog.Logger

	mu     sync.Mutex
	looked time.Time // when the files were looked at
	stamp  fileStamp // of the folder
	files  map[string]clientKey
	keys   map[curveKey]bool
}

// clientKey is one file.
type clientKey struct {
	stamp fileStamp
	key   curveKey
	good  bool
}

// fileStamp changes with what a file or a folder holds.
type fileStamp struct {
	inode         uint64
	size          int64
	changed, mode int64 // changed in ns
}

func stampOf(path string) (s fileStamp, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return s, false
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return s, false
	}
	// The time of change, not of modification: nobody can set it back.
	return fileStamp{sys.Ino, sys.Size, sys.Ctim.Nano(), int64(info.Mode())}, true
}

// settled reports whether a change after now would show.
func (s fileStamp) settled(now time.Time) bool {
	return now.UnixNano()-s.changed > int64(clockGrain)
}

// has reports whether a key is among them.
func (c *clientKeys) has(key curveKey) bool {
	if c == nil {
		return false // a keyring that no folder belongs to
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	stamp, ok := stampOf(c.folder)
	if !ok || stamp != c.stamp || !stamp.settled(c.looked) || now.Sub(c.looked) > keysAge {
		c.lookLocked(now)
		c.stamp, c.looked = stamp, now
	}
	return c.keys[key]
}

// lookLocked reads the files that have changed.
func (c *clientKeys) lookLocked(now time.Time) {
	files, keys := map[string]clientKey{}, map[curveKey]bool{}
	for _, path := range keyFiles(c.folder, publicSuffix) {
		stamp, _ := stampOf(path) // without one it is read, and the error says why not
		f, known := c.files[path]
		if !known || f.stamp != stamp || !stamp.settled(c.looked) {
			f = clientKey{stamp: stamp}
			cert, err := readCertificate(path)
			if err == nil {
				err = ownedAlone(path)
			}
			f.key, f.good = cert.public, err == nil
			if err != nil && (!known || c.files[path].stamp != stamp) {
				c.log.Warn("a certificate is passed over", "error", err)
			}
		}
		files[path] = f
		if f.good {
			keys[f.key] = true
		}
	}
	c.files, c.keys, c.looked = files, keys, now
}
