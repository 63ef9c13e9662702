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
	// keysAge is how old our knowledge of the files may be. A key that is added or
	// removed changes its folder, and counts at once. A key that is overwritten in
	// its file counts after this time at the latest.
	keysAge = time.Second
	// clockGrain is coarser than the clock that files are stamped with. A file that
	// was changed within this time before we looked may change again unseen.
	clockGrain = 50 * time.Millisecond
)

// clientKeys is the folder with the public keys of the clients that may connect. It
// reads the folder only when that changes, so an answer costs microseconds however
// many keys there are. The zero value with a folder is ready. Safe for concurrent
// use.
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

// fileStamp changes when the content of a file or a folder changes.
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

// settled reports whether a change after now would show in the stamp.
func (s fileStamp) settled(now time.Time) bool {
	return now.UnixNano()-s.changed > int64(clockGrain)
}

// has reports whether the folder has a key.
func (c *clientKeys) has(key curveKey) bool {
	if c == nil {
		return false // a keyring without a folder
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
		stamp, _ := stampOf(path) // without a stamp it is read, and that error says why not
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
