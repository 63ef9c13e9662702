package netgear_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// What does not belong into address is refused with the settings to type.
func TestAddresses(t *testing.T) {
	const wantHost = "want a host, an address or an interface"
	for _, row := range []struct {
		protocol netgear.Protocol
		address  string
		says     string // "": taken
	}{
		{netgear.TCP, "", ""},
		{netgear.TCP, "*", ""},
		{netgear.TCP, "localhost", ""},
		{netgear.TCP, "cam.local", ""},
		{netgear.TCP, "10.0.0.7", ""},
		{netgear.TCP, "eth0", ""},
		{netgear.TCP, "fe80::1", ""},
		{netgear.TCP, "[fe80::1]", ""},
		{netgear.TCP, "fe80::1%eth0", ""},
		{netgear.TCP, "::", ""},
		{netgear.TCP, "host:5556", "want address=host port=5556"},
		{netgear.TCP, "10.0.0.7:80", "want address=10.0.0.7 port=80"},
		{netgear.TCP, "*:5556", "want address=* port=5556"},
		{netgear.TCP, ":5556", "want port=5556"},
		{netgear.TCP, "[fe80::1]:5556", "want address=fe80::1 port=5556"},
		{netgear.TCP, "[fe80::1%eth0]:5556", "want address=fe80::1%eth0 port=5556"},
		{netgear.TCP, "1:2:3:4:5:6:7:8:5556", "want address=1:2:3:4:5:6:7:8 port=5556"},
		{netgear.TCP, "tcp://host:5556", "want address=host port=5556"},
		{netgear.TCP, "tcp://host", "want address=host"},
		{netgear.TCP, "http://host:80/video", "want address=host port=80"},
		{netgear.TCP, "netgear://host:5556?pattern=pair", "want uri=netgear://host:5556?pattern=pair"},
		{netgear.TCP, "netgear+ipc:///tmp/x", "want uri=netgear+ipc:///tmp/x"},
		{netgear.TCP, "ipc:///tmp/x", "want protocol=ipc address=/tmp/x"},
		{netgear.IPC, "ipc:///tmp/x", "want protocol=ipc address=/tmp/x"},
		{netgear.IPC, "/tmp/x:1", ""},
		{netgear.IPC, "@abstract", ""},
		{netgear.TCP, "host:", wantHost},
		{netgear.TCP, "host:http", wantHost},
		{netgear.TCP, "host:99999", wantHost},
		{netgear.TCP, "[host]:5556", wantHost},
		{netgear.TCP, "[fe80::1", wantHost},
		{netgear.TCP, "[]", wantHost},
		{netgear.TCP, "a:b:c", wantHost},
		{netgear.TCP, "/tmp/x", wantHost},
		{netgear.TCP, "a b", wantHost},
	} {
		for name, role := range roles {
			t.Run(fmt.Sprintf("%s/%v:%s", name, row.protocol, row.address), func(t *testing.T) {
				cfg := netgear.DefaultConfig(role)
				cfg.Protocol, cfg.Address = row.protocol, row.address
				err := cfg.Validate(role)
				if row.says == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if !errors.Is(err, netgear.ErrSettings) || !strings.Contains(err.Error()+".", row.says) {
					t.Errorf("error %v, want ErrSettings and %q", err, row.says)
				}
			})
		}
	}
}

// IPv6 addresses in URIs have brackets, and nothing else has.
func TestIPv6InURIs(t *testing.T) {
	for _, row := range []struct{ uri, address, says string }{
		{"netgear://[::]:5555", "::", ""},
		{"netgear://[::1]", "::1", ""},
		{"netgear://[fe80::1%25eth0]:1?pattern=pair", "fe80::1%eth0", ""},
		{"NETGEAR://[::1]:5555", "::1", ""},
		{"netgear://::", "", "netgear://[::]"},
		{"netgear://:::", "", "netgear://[::]"},
		{"netgear://::1", "", "netgear://[::1]"},
		{"netgear://::1:5555", "", "netgear://[::1]:5555"},
		{"netgear://::1:5555/?pattern=pub-sub", "", "netgear://[::1]:5555/?pattern=pub-sub"},
		{"netgear://:::5555", "", "netgear://[::]:5555"},
		{"netgear://fe80::1", "", "netgear://[fe80::1]"},
		{"netgear://fe80::1:80", "", "netgear://[fe80::1:80]"},
		{"netgear://1:2:3:4:5:6:7:8:80", "", "netgear://[1:2:3:4:5:6:7:8]:80"},
		{"netgear://1:2:3:4:5:6:7:8", "", "netgear://[1:2:3:4:5:6:7:8]"},
		{"NetGear://::1", "", "netgear://[::1]"},
		{"netgear://a:b:c", "", "in brackets"},
		{"netgear://me@::1:5555", "", "in brackets"},
		{"netgear://[host]:5555", "", "in brackets"},
		{"netgear://[10.0.0.7]:5555", "", "in brackets"},
		{"netgear://[]:5555", "", "in brackets"},
		{"netgear://[::1:5555", "", "in brackets"},
	} {
		for name, role := range roles {
			t.Run(name+"/"+row.uri, func(t *testing.T) {
				cfg := netgear.DefaultConfig(role)
				err := netgear.ParseURI(&cfg, role, row.uri)
				switch {
				case row.says == "" && err != nil:
					t.Error(err)
				case row.says == "" && cfg.Address != row.address:
					t.Errorf("address %q, want %q", cfg.Address, row.address)
				case row.says != "" && (!errors.Is(err, netgear.ErrSettings) || !strings.Contains(err.Error(), row.says)):
					t.Errorf("error %v, want ErrSettings and %q", err, row.says)
				}
			})
		}
	}
}

// An end that binds and names no address is found over IPv4 and over IPv6, and
// shows addresses of IPv4 as such. allow means what it says.
func TestEveryInterface(t *testing.T) {
	six := hasIPv6()
	for _, row := range []struct {
		address string
		to      string
		reached bool
	}{
		{"", "127.0.0.1", true},
		{"", "::1", six},
		{"*", "::1", six},
		{"0.0.0.0", "127.0.0.1", true},
		{"0.0.0.0", "::1", false},
		{"localhost", "127.0.0.1", true},
	} {
		t.Run(fmt.Sprintf("%q from %s", row.address, row.to), func(t *testing.T) {
			cfg := config(netgear.ReceiverRole, wire.Pair)
			cfg.Address, cfg.Port = row.address, 0
			r := receiver(t, cfg)
			conn, err := net.Dial("tcp", net.JoinHostPort(row.to, fmt.Sprint(r.CurrentPort())))
			if err == nil {
				conn.Close()
			}
			if (err == nil) != row.reached {
				t.Errorf("error %v, want it reached: %v", err, row.reached)
			}
		})
	}
	t.Run("allow", func(t *testing.T) {
		ctx := deadline(t)
		cfg := config(netgear.ReceiverRole, wire.Pair)
		cfg.Address, cfg.Port, cfg.Allow = "", 0, "127.0.0.1"
		peers := make(chan string, 8)
		obs := observer(t, "receiver")
		obs.PeerAdded = func(endpoint string) { peers <- endpoint }
		r, err := netgear.NewReceiver(cfg, obs)
		if err != nil {
			t.Fatal(err)
		}
		defer closed(r)
		sender(t, config(netgear.SenderRole, wire.Pair), r.CurrentPort())
		select {
		case endpoint := <-peers:
			if !strings.HasPrefix(endpoint, "tcp://127.0.0.1:") {
				t.Errorf("peer %s, want an address of IPv4", endpoint)
			}
		case <-ctx.Done():
			t.Error("no peer")
		}
	})
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}

// The error for an address of another machine says what to type.
func TestNoSuchAddressSaysTheCure(t *testing.T) {
	for name, role := range roles {
		cfg := config(role, wire.Pair)
		cfg.Bind, cfg.Address, cfg.Port = true, "192.0.2.1", 0
		var err error
		if role == netgear.SenderRole {
			_, err = netgear.NewSender(cfg, observer(t, name))
		} else {
			_, err = netgear.NewReceiver(cfg, observer(t, name))
		}
		if !errors.Is(err, netgear.ErrNoAddress) || !strings.Contains(err.Error(), "bind=false") || !strings.Contains(err.Error(), "address=*") {
			t.Errorf("%s: error %v, want ErrNoAddress and the cure", name, err)
		}
	}
}
