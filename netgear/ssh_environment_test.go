package netgear_test

import (
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// A password, or the passphrase of a key, may come from the environment, which no
// list of processes shows. What is set goes before it.
func TestPasswordOfTheEnvironment(t *testing.T) {
	user, private := newSigner(t)
	server := newSSHServer(t, user.PublicKey())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	for _, row := range []struct {
		name, variable string
		set            func(cfg *netgear.Config)
	}{
		{"password", sshPassword, func(*netgear.Config) {}},
		{"passphrase", "phrase", func(cfg *netgear.Config) { cfg.SSHKeyFile = writeKey(t, private, "phrase") }},
		{"the property goes first", "battery staple", func(cfg *netgear.Config) { cfg.SSHPassword = sshPassword }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv(netgear.PasswordVariable, row.variable)
			r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
			cfg := server.through(wire.Pair)
			row.set(&cfg)
			s := sender(t, cfg, r.CurrentPort())
			stream(deadline(t), t, s, r, wire.Pair, 5)
		})
	}
}
