package netgear

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// The bits of a mode that let others write.
const (
	groupWrites = 0o020
	otherWrites = 0o002
)

// ownedAlone returns why somebody other than the user and root could change a file,
// or the entries of a folder; or nil. OpenSSH's StrictModes checks the same for the
// keys that let somebody in. It follows links.
func ownedAlone(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil // this system does not have it
	}
	if owner := int(sys.Uid); owner != 0 && owner != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d: want it to belong to the user of this program (%d) or root, as who owns it can let himself in", path, owner, os.Geteuid())
	}
	mode := info.Mode()
	// In a folder like /tmp others can change only their own entries.
	if mode.Perm()&otherWrites != 0 && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("%s has mode %o: every user can write there and let himself in: want chmod go-w", path, mode.Perm())
	}
	if mode.Perm()&groupWrites != 0 && mode&fs.ModeSticky == 0 && !isOwnGroup(sys.Gid, sys.Uid) {
		return fmt.Errorf("%s has mode %o: group %d can write there and let itself in: want chmod g-w", path, mode.Perm(), sys.Gid)
	}
	return nil
}

// isOwnGroup reports whether only one user is in a group, as Debian makes one for
// each user: it has the user's name.
func isOwnGroup(gid, uid uint32) bool {
	g, err := user.LookupGroupId(strconv.FormatUint(uint64(gid), 10))
	if err != nil {
		return gid == uid
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	return err == nil && u.Username == g.Name
}

// strict checks the folders and files of the certificates, from the location down.
// One that is missing is fine.
func (k *keyring) strict(location string) error {
	for _, path := range []string{location, k.vidgear(), k.folder, k.inFolder(publicFolder), k.inFolder(privateFolder), k.private(serverName), k.private(clientName)} {
		if err := ownedAlone(path); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("netgear: %w: certificates: %w", ErrSettings, err)
		}
	}
	return nil
}
