package netgear

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// URI schemes.
const (
	SchemeTCP = "netgear"
	SchemeIPC = "netgear+ipc"
)

// DefaultPort is NetGear's default port.
const DefaultPort = 5555

var userInfo = regexp.MustCompile(`//[^/]*@`)

// mentions reports whether a URI contains a name, in any spelling.
func mentions(uri, name string) bool {
	plain := func(s string) bool {
		return strings.Contains(strings.ReplaceAll(strings.ToLower(s), "_", "-"), name)
	}
	decoded, err := url.QueryUnescape(uri)
	return plain(uri) || err == nil && plain(decoded)
}

// ParseURI applies a URI to cfg: its protocol, address and port, and every key of
// its query. An address or port that the URI does not have becomes the default;
// other settings stay as they are. Errors wrap ErrSettings, and cfg is then
// unchanged.
func ParseURI(cfg *Config, role Role, text string) error {
	for i := range Properties {
		if p := &Properties[i]; p.Secret && mentions(text, p.Name) {
			return fmt.Errorf("netgear: %w: uri: it has %s in it: want that as a property, a URI is no place for secrets", ErrSettings, p.Name)
		}
	}
	shown := userInfo.ReplaceAllString(text, "//…@") // in errors
	if err := checkBrackets(text, shown); err != nil {
		return err
	}
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("netgear: %w: uri %q: want netgear://host:port?key=value: %v", ErrSettings, shown, err.(*url.Error).Err) //nolint:errorlint // url.Parse documents *url.Error
	}
	next := *cfg
	if err := parseEndpoint(&next, role, u, shown); err != nil {
		return err
	}
	if u.User != nil {
		return fmt.Errorf("netgear: %w: uri: a user name before the host: want none", ErrSettings)
	}
	if u.Fragment != "" {
		return fmt.Errorf("netgear: %w: uri %q: fragment %q: want none", ErrSettings, shown, u.Fragment)
	}
	if err := parseQuery(&next, role, u, shown); err != nil {
		return err
	}
	*cfg = next
	return nil
}

// parseEndpoint applies what stands before the query. shown is the URI in the texts of
// errors.
func parseEndpoint(cfg *Config, role Role, u *url.URL, shown string) error {
	cfg.Address, cfg.Port = "", DefaultPort
	switch u.Scheme {
	case SchemeTCP:
		cfg.Protocol = TCP
		cfg.Address = u.Hostname()
		if _, err := netip.ParseAddr(cfg.Address); err != nil && strings.ContainsAny(cfg.Address, ":/ []%") {
			return fmt.Errorf("netgear: %w: uri %q: host %q: want %s", ErrSettings, shown, cfg.Address, wantHost)
		}
		if port := u.Port(); port != "" {
			if err := Lookup(role, "port").Parse(cfg, port); err != nil {
				return err
			}
		}
		if u.Path != "" && u.Path != "/" || u.Opaque != "" {
			return fmt.Errorf("netgear: %w: uri %q: a path or none of the slashes: want netgear://host:port?key=value", ErrSettings, shown)
		}
	case SchemeIPC:
		cfg.Protocol = IPC
		cfg.Address = u.Path
		if u.Host != "" || u.Opaque != "" || u.Path == "" {
			return fmt.Errorf("netgear: %w: uri %q: want netgear+ipc:///path?key=value, with three slashes", ErrSettings, shown)
		}
	default:
		return fmt.Errorf("netgear: %w: uri %q: scheme %q: want netgear or netgear+ipc", ErrSettings, shown, u.Scheme)
	}
	return nil
}

// parseQuery applies the keys of the query, each the name of a setting.
func parseQuery(cfg *Config, role Role, u *url.URL, shown string) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fmt.Errorf("netgear: %w: uri %q: query: want key=value&…: %w", ErrSettings, shown, err)
	}
	for key, values := range query {
		p := Lookup(role, key)
		switch {
		case p == nil || p.NotInURI:
			return fmt.Errorf("netgear: %w: uri: key %q with value %q: want one of %s", ErrSettings, key, values[0], strings.Join(uriKeys(role), ", "))
		case key == "address" && cfg.Address != "", key == "port" && u.Port() != "":
			return fmt.Errorf("netgear: %w: uri %q: %s stands before the query and in it: want it once", ErrSettings, shown, key)
		case len(values) > 1:
			return fmt.Errorf("netgear: %w: uri: key %q is given %d times: want it once", ErrSettings, key, len(values))
		}
		if err := p.Parse(cfg, values[0]); err != nil {
			return err
		}
	}
	return nil
}

// wantHost describes the host of a URI.
const wantHost = "a name, an IPv4 address or an IPv6 address in brackets, as netgear://[fe80::1]:5555"

// checkBrackets refuses an IPv6 address without brackets in a netgear URI, because
// its last group cannot be told from a port (RFC 3986, 3.2.2). It also refuses
// anything else in brackets. shown is the URI in the text of the error, which says
// how to write it.
func checkBrackets(text, shown string) error {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !strings.EqualFold(scheme, SchemeTCP) {
		return nil
	}
	authority, behind := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, behind = rest[:i], rest[i:]
	}
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	want := wantHost
	switch inner, bracketed := strings.CutPrefix(host, "["); {
	case bracketed:
		inner, _, closed := strings.Cut(inner, "]")
		inner, _, _ = strings.Cut(inner, "%") // the zone
		if a, err := netip.ParseAddr(inner); closed && err == nil && a.Is6() {
			return nil
		}
	case strings.Count(host, ":") < 2:
		return nil
	}
	if bracketed := inBrackets(host); bracketed != "" && host == authority {
		want = "an IPv6 address in brackets: " + SchemeTCP + "://" + bracketed + behind
	}
	return fmt.Errorf("netgear: %w: uri %q: host %q: want %s", ErrSettings, shown, host, want)
}

// URI returns the URI of cfg, with a key for each setting that differs from its
// default.
func URI(cfg *Config, role Role) string {
	u := url.URL{Scheme: SchemeTCP}
	query := url.Values{}
	def := DefaultConfig(role)
	port := strconv.FormatUint(uint64(cfg.Port), 10)
	if cfg.Protocol == IPC {
		u.Scheme, u.Path, u.OmitHost = SchemeIPC, cfg.Address, false
		if cfg.Port != DefaultPort {
			query.Set("port", port)
		}
	} else {
		u.Host = net.JoinHostPort(strings.Trim(cfg.host(), "[]"), port)
	}
	for i := range Properties {
		p := &Properties[i]
		if p.NotInURI || p.On&role == 0 || p.Name == "address" || p.Name == "port" {
			continue
		}
		if v := p.Format(cfg); v != p.Format(&def) {
			query.Set(p.Name, v)
		}
	}
	u.RawQuery = query.Encode()
	if u.Scheme == SchemeIPC {
		// url.URL does not write an empty host, but the three slashes are required.
		s := SchemeIPC + "://" + u.EscapedPath()
		if u.RawQuery != "" {
			s += "?" + u.RawQuery
		}
		return s
	}
	return u.String()
}

func uriKeys(role Role) []string {
	var keys []string
	for i := range Properties {
		if p := &Properties[i]; !p.NotInURI && p.On&role != 0 {
			keys = append(keys, p.Name)
		}
	}
	slices.Sort(keys)
	return keys
}
