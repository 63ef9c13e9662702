package netgear

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// curveKey is one half of a CURVE key pair.
type curveKey [32]byte

// certificate is the content of a key file in the format of pyzmq, which NetGear
// uses: a key of 40 Z85 characters on a line of its own, after a name and an equals
// sign. Everything else is skipped.
type certificate struct {
	public, secret curveKey
	hasSecret      bool
}

// maxCertificate is in bytes; NetGear's files have less than 400.
const maxCertificate = 1 << 16

var errCertificate = errors.New("no certificate")

// parseCertificate reads a key file. Errors wrap errCertificate, and do not show the
// key.
func parseCertificate(text []byte) (c certificate, err error) {
	if len(text) > maxCertificate {
		return c, fmt.Errorf("%w: %d bytes: want %d at the most", errCertificate, len(text), maxCertificate)
	}
	hasPublic := false
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		var key *curveKey
		var has *bool
		switch {
		case bytes.HasPrefix(line, []byte("public-key")):
			key, has = &c.public, &hasPublic
		case bytes.HasPrefix(line, []byte("secret-key")):
			key, has = &c.secret, &c.hasSecret
		default:
			continue
		}
		name, value, ok := strings.Cut(string(line), "=") // the key may contain more of them
		if !ok {
			return c, fmt.Errorf("%w: a line %.10q without an equals sign", errCertificate, name)
		}
		if *key, ok = z85Decode(strings.Trim(value, " \t'\"")); !ok {
			return c, fmt.Errorf("%w: the %s is none: want 40 characters of Z85", errCertificate, strings.TrimSpace(name))
		}
		*has = true
	}
	if !hasPublic {
		return c, fmt.Errorf("%w: no line public-key", errCertificate)
	}
	if c.hasSecret && c.public != c.derived() {
		return c, fmt.Errorf("%w: public-key and secret-key are not of one pair", errCertificate)
	}
	return c, nil
}

// derived returns the public key that belongs to the secret one.
func (c *certificate) derived() (public curveKey) {
	secret, err := ecdh.X25519().NewPrivateKey(c.secret[:])
	if err == nil { // it has the right length
		copy(public[:], secret.PublicKey().Bytes())
	}
	return public
}

// newCertificate makes a key pair.
func newCertificate() (c certificate, err error) {
	secret, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return c, err
	}
	copy(c.secret[:], secret.Bytes())
	copy(c.public[:], secret.PublicKey().Bytes())
	c.hasSecret = true
	return c, nil
}

// format returns a key file, public or secret, as NetGear writes it.
func (c *certificate) format(secret bool, now time.Time) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "#   ****  Generated on %s by gst-netgear  ****\n", now.Format("2006-01-02 15:04:05.000000"))
	if secret {
		b.WriteString("#   ZeroMQ CURVE **Secret** Certificate\n" +
			"#   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its permissions.\n")
	} else {
		b.WriteString("#   ZeroMQ CURVE Public Certificate\n" +
			"#   Exchange securely, or use a secure mechanism to verify the contents\n" +
			"#   of this file after exchange. Store public certificates in your home\n" +
			"#   directory, in the .curve subdirectory.\n")
	}
	fmt.Fprintf(&b, "\nmetadata\ncurve\n    public-key = \"%s\"\n", z85Encode(c.public))
	if secret {
		fmt.Fprintf(&b, "    secret-key = \"%s\"\n", z85Encode(c.secret))
	}
	return b.Bytes()
}

// z85 is the alphabet of ZeroMQ RFC 32: five digits for four bytes.
const z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

func z85Encode(k curveKey) string {
	var b strings.Builder
	for four := range slices.Chunk(k[:], 4) {
		n := binary.BigEndian.Uint32(four)
		for div := uint32(85 * 85 * 85 * 85); div > 0; div /= 85 {
			b.WriteByte(z85[n/div%85])
		}
	}
	return b.String()
}

func z85Decode(s string) (k curveKey, ok bool) {
	if len(s) != len(k)/4*5 {
		return k, false
	}
	for i := range len(k) / 4 {
		var n uint64
		for _, c := range []byte(s[5*i:][:5]) {
			digit := strings.IndexByte(z85, c)
			if digit < 0 {
				return curveKey{}, false
			}
			n = 85*n + uint64(digit)
		}
		if n > math.MaxUint32 {
			return curveKey{}, false
		}
		binary.BigEndian.PutUint32(k[4*i:], uint32(n))
	}
	return k, true
}
