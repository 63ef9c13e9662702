package netgear

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// checkAddress refuses an Address that holds other settings, and names the settings
// that it belongs in. Errors wrap ErrSettings.
func (c *Config) checkAddress() error {
	want := ""
	scheme, rest, isURI := strings.Cut(c.Address, "://")
	switch {
	case isURI && (scheme == SchemeTCP || scheme == SchemeIPC):
		want = "uri=" + c.Address
	case isURI && scheme == IPC.String():
		want = "protocol=ipc address=" + rest
	case isURI && c.Protocol == TCP:
		rest, _, _ = strings.Cut(rest, "/")
		if want = addressAndPort(rest); want == "" {
			want = "address=" + rest
		}
	case isURI:
		want = "a path"
	case c.Protocol == IPC:
		return nil
	case strings.ContainsAny(c.Address, "/ ?#@") || strings.Trim(c.Address, "[]") == "" && c.Address != "":
		return fmt.Errorf("netgear: %w: address %q with protocol=tcp: want a host, an address or an interface", ErrSettings, c.Address)
	case c.literal().IsValid():
		return nil
	default:
		want = addressAndPort(c.Address)
		if want == "" && strings.ContainsAny(c.Address, ":[]%") {
			return fmt.Errorf("netgear: %w: address %q with protocol=tcp: want a host, an address or an interface", ErrSettings, c.Address)
		}
	}
	if want == "" {
		return nil
	}
	return fmt.Errorf("netgear: %w: address %q: want %s", ErrSettings, c.Address, want)
}

// addressAndPort returns the two settings that host:port stands for, or "" when text
// is not a host with a port.
func addressAndPort(text string) string {
	host, port, ok := cutPort(text)
	switch {
	case !ok:
		return ""
	case host == "":
		return "port=" + port
	}
	return "address=" + host + " port=" + port
}

// cutPort splits host:port and [IPv6]:port. It also splits IPv6:port where the text
// before the last colon is an IPv6 address.
func cutPort(text string) (host, port string, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", "", false
	}
	host, port = text[:i], text[i+1:]
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", false
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		if host, ok = strings.CutSuffix(inner, "]"); !ok {
			return "", "", false
		}
	}
	if a, err := netip.ParseAddr(host); bracketed || strings.Contains(host, ":") {
		return host, port, err == nil && a.Is6()
	}
	return host, port, !strings.ContainsAny(host, "[]")
}

// inBrackets returns the form that an IPv6 address without brackets, perhaps with a
// port behind it, has in a URI (RFC 3986). It returns "" for any other text.
func inBrackets(text string) string {
	const shortestPort = 4 // digits; a shorter number is more likely a part of the address
	host, port, ok := cutPort(text)
	whole, err := netip.ParseAddr(strings.TrimSuffix(text, ":"))
	if err != nil && strings.HasSuffix(text, "::") {
		whole, err = netip.ParseAddr(text)
	}
	switch {
	case ok && strings.Contains(host, ":") && (err != nil || len(port) >= shortestPort):
		return "[" + host + "]:" + port
	case err == nil && whole.Is6():
		return "[" + whole.String() + "]"
	}
	return ""
}

// isLocalhost reports whether a name means this machine. Such a name is never looked
// up (RFC 6761).
func isLocalhost(host string) bool { return strings.EqualFold(host, "localhost") }

// maxOwnAddresses is how many addresses a text names at most.
const maxOwnAddresses = 3

// ownAddresses returns some addresses of this machine that others can connect to,
// IPv4 first. It asks the kernel alone.
func ownAddresses() (texts []string) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var later []string
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		switch ip := prefix.Addr().Unmap(); {
		case err != nil || !ip.IsGlobalUnicast():
		case ip.Is4():
			texts = append(texts, ip.String())
		default:
			later = append(later, ip.String())
		}
	}
	texts = append(texts, later...)
	return texts[:min(len(texts), maxOwnAddresses)]
}

// ownAddress returns ownAddresses as text for people.
func ownAddress() string {
	switch own := ownAddresses(); len(own) {
	case 0:
		return "this machine's address"
	case 1:
		return own[0]
	default:
		return strings.Join(own[:len(own)-1], ", ") + " or " + own[len(own)-1]
	}
}
