package netgear_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear"
)

var roles = map[string]netgear.Role{"sender": netgear.SenderRole, "receiver": netgear.ReceiverRole}

// Every field of Config has exactly one row, and every row that stores
// something a field.
func TestEveryFieldHasARow(t *testing.T) {
	cfg := netgear.DefaultConfig(netgear.BothRoles)
	stored := 0
	for i := range netgear.Properties {
		p := &netgear.Properties[i]
		if p.Stored() {
			stored++
			_ = p.Get(&cfg) // panics for a field of a type that the table does not know
		}
	}
	if n := reflect.TypeFor[netgear.Config]().NumField(); n != stored {
		t.Errorf("Config has %d fields, Properties has %d rows that store one", n, stored)
	}
}

func TestRowsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for i := range netgear.Properties {
		p := &netgear.Properties[i]
		t.Run(p.Name, func(t *testing.T) {
			if seen[p.Name] {
				t.Error("twice in the table")
			}
			seen[p.Name] = true
			if p.Name != strings.ToLower(p.Name) || strings.Contains(p.Name, "_") {
				t.Error("want a name in lower case with dashes")
			}
			if p.Nick == "" || p.Blurb == "" || p.On == 0 {
				t.Error("want a nick, a blurb and an end")
			}
			if p.Kind == netgear.Choice && (p.Enum == nil || len(p.Enum.Values) < 2) {
				t.Error("want an enum")
			}
			if p.Kind == netgear.Seconds && !strings.Contains(strings.ToLower(p.Blurb), "seconds") {
				t.Error("want the unit in the blurb")
			}
			if p.Stored() == (p.When == netgear.Never) && p.Name != "uri" {
				t.Error("what is stored can be changed, and what can be changed is stored")
			}
		})
	}
}

func TestParseAndFormat(t *testing.T) {
	for _, c := range []struct {
		name, in, out string // out "": refused
	}{
		{"address", "10.0.0.1", "10.0.0.1"},
		{"port", "1", "1"},
		{"port", "65535", "65535"},
		{"port", "65536", ""},
		{"port", "-1", ""},
		{"port", "http", ""},
		{"protocol", "ipc", "ipc"},
		{"protocol", "1", "ipc"},
		{"protocol", "udp", ""},
		{"pattern", "pair", "pair"},
		{"pattern", "2", "pub-sub"},
		{"pattern", "req-rep", "req-rep"},
		{"pattern", "pubb", ""},
		{"pattern", "3", ""},
		{"bind", "yes", "true"},
		{"bind", "1", "true"},
		{"bind", "off", "false"},
		{"bind", "maybe", ""},
		{"request-timeout", "4", "4"},
		{"request-timeout", "0.05", "0.05"},
		{"request-timeout", "0.04", ""},
		{"request-timeout", "3601", ""},
		{"request-timeout", "NaN", ""},
		{"request-timeout", "inf", ""},
		{"max-retries", "0", "0"},
		{"max-retries", "-1", ""},
		{"in-flight", "64", "64"},
		{"in-flight", "0", "0"},
		{"in-flight", "65", ""},
		{"max-frame-size", "1", "1"},
		{"max-frame-size", "0", ""},
		{"subscriber-timeout", "0", "0"},
		{"jpeg-colorspace", "rgb", "rgb"},
		{"jpeg-colorspace", "RGB", "rgb"},
		{"timestamp-mode", "sender", "sender"},
		{"timestamp-mode", "capture", "capture"},
		{"latency", "100", "100"},
	} {
		t.Run(c.name+"="+c.in, func(t *testing.T) {
			p := netgear.Lookup(netgear.BothRoles, c.name)
			cfg := netgear.DefaultConfig(netgear.BothRoles)
			before := cfg
			err := p.Parse(&cfg, c.in)
			switch {
			case c.out == "" && !errors.Is(err, netgear.ErrSettings):
				t.Errorf("error %v, want ErrSettings", err)
			case c.out == "" && (!strings.Contains(err.Error(), c.name) || !strings.Contains(err.Error(), p.Want())):
				t.Errorf("error %q names neither the setting nor what was wanted", err)
			case c.out == "" && cfg != before:
				t.Error("a refused value changed the config")
			case c.out != "" && err != nil:
				t.Error(err)
			case c.out != "" && p.Format(&cfg) != c.out:
				t.Errorf("formats as %q, want %q", p.Format(&cfg), c.out)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	for name, role := range roles {
		cfg := netgear.DefaultConfig(role)
		for i := range netgear.Properties {
			p := &netgear.Properties[i]
			if !p.Stored() || p.On&role == 0 {
				continue
			}
			if got, want := p.Format(&cfg), p.DefaultText(role); got != want {
				if p.Kind == netgear.Choice {
					continue // by nick
				}
				t.Errorf("%s: %s is %q, want %q", name, p.Name, got, want)
			}
		}
	}
}

func TestURI(t *testing.T) {
	for _, c := range []struct {
		role, in, out string // out "": refused
		says          []string
	}{
		{"sender", "netgear://10.0.0.7:6000", "netgear://10.0.0.7:6000", nil},
		{"sender", "netgear://10.0.0.7", "netgear://10.0.0.7:5555", nil},
		{"sender", "netgear://:6000", "netgear://localhost:6000", nil},
		{"receiver", "netgear://*:6000", "netgear://*:6000", nil},
		{"receiver", "netgear://0.0.0.0:6000?pattern=2", "netgear://0.0.0.0:6000?pattern=pub-sub", nil},
		{"receiver", "netgear://[::]:6000/", "netgear://[::]:6000", nil},
		{"sender", "netgear://cam.local:1?pattern=req-rep&request-timeout=2.5&max-retries=3", "netgear://cam.local:1?max-retries=3&pattern=req-rep&request-timeout=2.5", nil},
		{"sender", "netgear://h:1?bind=yes&message=%7B%22a%22%3A1%7D", "netgear://h:1?bind=true&message=%7B%22a%22%3A1%7D", nil},
		{"sender", "netgear+ipc:///tmp/x", "netgear+ipc:///tmp/x", nil},
		{"receiver", "netgear+ipc:///tmp/x%20y?port=7&pattern=pair", "netgear+ipc:///tmp/x%20y?port=7", nil},
		{"sender", "netgear://h:1?patern=pair", "", []string{"patern", "pair", "pattern"}},
		{"sender", "netgear://h:1?pattern=pubb", "", []string{"pattern", "pubb", "pair, req-rep or pub-sub"}},
		{"sender", "netgear://h:1?subscriber-timeout=3", "", []string{"subscriber-timeout"}},
		{"receiver", "netgear://h:1?message=x", "", []string{"message"}},
		{"sender", "netgear://h:1?pattern=pair&pattern=pair", "", []string{"pattern", "2 times"}},
		{"sender", "netgear://h:1?address=i", "", []string{"address", "once"}},
		{"sender", "netgear://h:1?port=2", "", []string{"port", "once"}},
		{"sender", "netgear://?address=h&port=2", "netgear://h:2", nil},
		{"sender", "netgear://h:99999", "", []string{"port", "99999"}},
		{"sender", "netgear://h:1?num-peers=1", "", []string{"num-peers"}},
		{"sender", "netgear://h:1?uri=x", "", []string{"uri"}},
		{"sender", "netgear://h:1/path", "", []string{"path"}},
		{"sender", "netgear://h:1#x", "", []string{"fragment"}},
		{"sender", "netgear://me@h:1", "", []string{"user"}},
		{"sender", "netgear+ipc://host/tmp/x", "", []string{"three slashes"}},
		{"sender", "tcp://h:1", "", []string{"tcp", "netgear"}},
		{"sender", "netgear://h:1?a=%zz", "", []string{"query"}},
		{"sender", "://", "", []string{"uri"}},
	} {
		t.Run(c.in, func(t *testing.T) {
			cfg := netgear.DefaultConfig(roles[c.role])
			before := cfg
			err := netgear.ParseURI(&cfg, roles[c.role], c.in)
			if c.out == "" {
				if !errors.Is(err, netgear.ErrSettings) {
					t.Fatalf("error %v, want ErrSettings", err)
				}
				for _, s := range c.says {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("error %q does not say %q", err, s)
					}
				}
				if cfg != before {
					t.Error("a refused URI changed the config")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := netgear.URI(&cfg, roles[c.role]); got != c.out {
				t.Errorf("formats as %q, want %q", got, c.out)
			}
		})
	}
}

// What may be a password appears in no error, wherever it stands in a URI.
func TestSecretsInURIs(t *testing.T) {
	for _, in := range []string{
		"netgear://h:1?ssh-tunnel-pwd=hunter2", "netgear://h:1?ssh_tunnel_pwd=hunter2", "netgear://h:1?SSH-TUNNEL-PWD=hunter2",
		"netgear://h:1?ssh-tunnel-pwd%3dhunter2", "netgear://h:1?ssh%2dtunnel-pwd=hunter2", "netgear://h:1?ssh-tunnel-pwd=hunter2&a=%zz",
		"netgear://h:1#ssh-tunnel-pwd=hunter2", "netgear+ipc:///x?ssh-tunnel-pwd=hunter2", "://?ssh-tunnel-pwd=hunter2",
		"netgear://me:hunter2@h:1", "netgear://me:hunter2@h:1/path", "netgear://me:hunter2 @h:1", "tcp://me:hunter2@h:1",
	} {
		for _, role := range roles {
			cfg := netgear.DefaultConfig(role)
			if err := netgear.ParseURI(&cfg, role, in); !errors.Is(err, netgear.ErrSettings) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: error %v, want ErrSettings without the secret", in, err)
			}
		}
	}
	cfg := netgear.DefaultConfig(netgear.SenderRole)
	cfg.SSHPassword = "hunter2"
	for _, text := range []string{netgear.URI(&cfg, netgear.SenderRole), fmt.Sprint(cfg), fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, cfg.SSHPassword)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s shows a secret", text)
		}
	}
}

func FuzzURI(f *testing.F) {
	f.Add("netgear://h:1?pattern=pub-sub&bind=true", true)
	f.Add("netgear+ipc:///tmp/x?port=0", false)
	f.Add("netgear://[::1]:5?request-timeout=1e-1", true)
	f.Add("netgeAr://::", true)
	f.Fuzz(func(t *testing.T, text string, sender bool) {
		role := netgear.ReceiverRole
		if sender {
			role = netgear.SenderRole
		}
		cfg := netgear.DefaultConfig(role)
		if netgear.ParseURI(&cfg, role, text) != nil {
			return
		}
		once := netgear.URI(&cfg, role)
		again := netgear.DefaultConfig(role)
		if err := netgear.ParseURI(&again, role, once); err != nil {
			t.Fatalf("%q formats as %q, which is refused: %v", text, once, err)
		}
		if twice := netgear.URI(&again, role); twice != once {
			t.Fatalf("%q formats as %q and then as %q", text, once, twice)
		}
	})
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		role netgear.Role
		set  func(*netgear.Config)
		says []string // nil: valid
	}{
		{"defaults of a sender", netgear.SenderRole, func(*netgear.Config) {}, nil},
		{"defaults of a receiver", netgear.ReceiverRole, func(*netgear.Config) {}, nil},
		{"any port to bind", netgear.ReceiverRole, func(c *netgear.Config) { c.Port = 0 }, nil},
		{"any port to connect", netgear.SenderRole, func(c *netgear.Config) { c.Port = 0 }, []string{"port", "bind"}},
		{"ipc without a path", netgear.SenderRole, func(c *netgear.Config) { c.Protocol = netgear.IPC }, []string{"protocol", "address"}},
		{"a path for tcp", netgear.SenderRole, func(c *netgear.Config) { c.Address = "/tmp/x" }, []string{"address", "protocol"}},
		{"window without pair", netgear.SenderRole, func(c *netgear.Config) { c.InFlight, c.Pattern = 2, 1 }, []string{"in-flight", "pattern"}},
		{"many servers", netgear.ReceiverRole, func(c *netgear.Config) { c.MultiServer, c.Pattern, c.Ports = true, 1, "5566, 5567" }, nil},
		{"one of many servers", netgear.SenderRole, func(c *netgear.Config) { c.MultiServer, c.Pattern = true, 2 }, nil},
		{"both multi modes", netgear.SenderRole, func(c *netgear.Config) { c.MultiServer, c.MultiClient, c.Pattern, c.Ports = true, true, 1, "1" }, []string{"multiserver-mode", "multiclient-mode"}},
		{"many servers, pair", netgear.ReceiverRole, func(c *netgear.Config) { c.MultiServer, c.Ports = true, "1" }, []string{"multiserver-mode", "pattern"}},
		{"many clients, pair", netgear.SenderRole, func(c *netgear.Config) { c.MultiClient, c.Ports = true, "1" }, []string{"multiclient-mode", "pattern"}},
		{"bidirectional pub-sub", netgear.SenderRole, func(c *netgear.Config) { c.Bidirectional, c.Pattern = true, 2 }, []string{"bidirectional-mode", "pattern"}},
		{"many servers without ports", netgear.ReceiverRole, func(c *netgear.Config) { c.MultiServer, c.Pattern = true, 1 }, []string{"multiserver-mode", "ports"}},
		{"many clients without ports", netgear.SenderRole, func(c *netgear.Config) { c.MultiClient, c.Pattern = true, 1 }, []string{"multiclient-mode", "ports"}},
		{"a port twice", netgear.ReceiverRole, func(c *netgear.Config) { c.MultiServer, c.Pattern, c.Ports = true, 1, "5,5" }, []string{"ports", "5 twice"}},
		{"a port that is none", netgear.ReceiverRole, func(c *netgear.Config) { c.MultiServer, c.Pattern, c.Ports = true, 1, "5,x" }, []string{"ports", "x"}},
		{"ports without a mode", netgear.ReceiverRole, func(c *netgear.Config) { c.Ports = "5" }, []string{"ports", "multiserver-mode"}},
		{"one client with port 0", netgear.ReceiverRole, func(c *netgear.Config) { c.MultiClient, c.Pattern, c.Port = true, 1, 0 }, []string{"port"}},
		{"zero value", netgear.SenderRole, func(c *netgear.Config) { *c = netgear.Config{} }, []string{"request-timeout"}},
		{"port too large", netgear.SenderRole, func(c *netgear.Config) { c.Port = math.MaxUint16 + 1 }, []string{"port", "65536"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := netgear.DefaultConfig(c.role)
			c.set(&cfg)
			err := cfg.Validate(c.role)
			if len(c.says) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, netgear.ErrSettings) {
				t.Fatalf("error %v, want ErrSettings", err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("error %q does not say %q", err, s)
				}
			}
		})
	}
}
