package netgear

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ClientKey is one client that the binding end lets in with IronHouse.
type ClientKey struct {
	Name      string
	PublicKey string    // Z85, 40 characters; empty when Err is set
	Since     time.Time // when the file was written
	Err       error     // why the file is skipped; nil for a good one
}

// keysFolder returns the folder of the certificates of location. As in NetGear, a
// location that is itself .vidgear counts as that folder.
func keysFolder(location string) string {
	if filepath.Base(location) == vidgearFolder {
		return filepath.Join(location, "keys")
	}
	return filepath.Join(location, vidgearFolder, "keys")
}

// ClientKeys returns the clients whose public keys are below location ("": the home
// folder), sorted by name. The key of the binding end is not among them: it lets
// nobody in. Errors wrap ErrSettings or ErrOpen.
func ClientKeys(location string) (keys []ClientKey, err error) {
	folder, err := publicKeys(location)
	if err != nil {
		return nil, err
	}
	own, _ := readCertificate(filepath.Join(folder, serverName+publicSuffix)) // without it no key is left out
	for _, path := range keyFiles(folder, publicSuffix) {
		key := ClientKey{Name: strings.TrimSuffix(filepath.Base(path), publicSuffix)}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			key.Err = err
		case !info.Mode().IsRegular():
			key.Err = fmt.Errorf("%s: want a regular file", path)
		default:
			key.Since = info.ModTime()
			var c certificate
			if c, key.Err = readCertificate(path); key.Err == nil {
				key.PublicKey = z85Encode(c.public)
			}
			if key.Name == serverName || key.Err == nil && c.public == own.public {
				continue
			}
		}
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b ClientKey) int { return strings.Compare(a.Name, b.Name) })
	return keys, nil
}

// RevokeClientKey removes the public key of a client below location ("": the home
// folder). The client's next connection is refused; a present one goes on. Errors
// wrap ErrSettings or ErrOpen.
func RevokeClientKey(location, name string) error {
	if err := checkClientName(name); err != nil {
		return err
	}
	folder, err := publicKeys(location)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, name+publicSuffix)
	if _, err := os.Lstat(path); err != nil {
		return fmt.Errorf("netgear: %w: no client %q among %s/*%s", ErrSettings, name, folder, publicSuffix)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("netgear: %w: removing a certificate: %w", ErrOpen, err)
	}
	return nil
}

// publicKeys returns the folder of the public keys below location. Errors wrap
// ErrSettings.
func publicKeys(location string) (string, error) {
	location, err := certLocation(location)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(keysFolder(location), publicFolder)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "", fmt.Errorf("netgear: %w: no keys below %s: want the folder of the end that binds: %w", ErrSettings, location, fs.ErrNotExist)
	}
	return folder, nil
}

// checkClientName refuses a name that cannot be a client's key file, or that belongs
// to the binding end. Errors wrap ErrSettings.
func checkClientName(name string) error {
	if name == "" || name == serverName || strings.ContainsAny(name, "/\x00") || strings.HasPrefix(name, ".") {
		return fmt.Errorf("netgear: %w: name %q: want that of a file, and not %q", ErrSettings, name, serverName)
	}
	return nil
}
