package netgear

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
)

func TestZ85(t *testing.T) {
	// The example of RFC 32, four times over.
	var k curveKey
	for i := range 4 {
		copy(k[8*i:], []byte{0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B})
	}
	const text = "HelloWorldHelloWorldHelloWorldHelloWorld"
	if got := z85Encode(k); got != text {
		t.Errorf("%s, want %s", got, text)
	}
	if got, ok := z85Decode(text); !ok || got != k {
		t.Errorf("%v %v, want %v", got, ok, k)
	}
	for _, bad := range []string{"", text[1:], text + "0", strings.Replace(text, "H", "\"", 1), strings.Repeat("#", 40), strings.Replace(text, "H", "é", 1)} {
		if _, ok := z85Decode(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
}

// libzmq agrees on keys, their halves and their spelling.
func TestKeysAreThoseOfZeroMQ(t *testing.T) {
	for range 20 {
		public, secret, err := zmq4.NewCurveKeypair()
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCertificate(fmt.Appendf(nil, "public-key = \"%s\"\nsecret-key = \"%s\"\n", public, secret))
		if err != nil {
			t.Fatal(err)
		}
		if z85Encode(c.public) != public || z85Encode(c.secret) != secret {
			t.Errorf("keys %s %s came out as %s %s", public, secret, z85Encode(c.public), z85Encode(c.secret))
		}
		own, err := newCertificate()
		if err != nil {
			t.Fatal(err)
		}
		derived, err := zmq4.AuthCurvePublic(z85Encode(own.secret))
		if err != nil || derived != z85Encode(own.public) {
			t.Errorf("libzmq has %s for our public key %s: %v", derived, z85Encode(own.public), err)
		}
	}
}

func TestParseCertificate(t *testing.T) {
	c, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	public, secret := z85Encode(c.public), z85Encode(c.secret)
	for _, row := range []struct {
		text      string
		hasSecret bool
		bad       string
	}{
		{string(c.format(false, time.Now())), false, ""},
		{string(c.format(true, time.Now())), true, ""},
		{"  public-key\t=\t'" + public + "'\r\n", false, ""},
		{"public-key=" + public, false, ""},
		{"# public-key = x\nmetadata\n  a = b\ncurve\npublic-key = \"" + public + "\"", false, ""},
		{"", false, "no line public-key"},
		{"secret-key = \"" + secret + "\"", false, "no line public-key"},
		{"public-key", false, "without an equals sign"},
		{"public-key = \"" + public[1:] + "\"", false, "40 characters"},
		{"public-key = \"" + secret + "\"\nsecret-key = \"" + secret + "\"", false, "not of one pair"},
		{strings.Repeat("#\n", maxCertificate), false, "at the most"},
	} {
		got, err := parseCertificate([]byte(row.text))
		if row.bad != "" {
			if !errors.Is(err, errCertificate) || !strings.Contains(err.Error(), row.bad) {
				t.Errorf("%.60q: error %v, want %q", row.text, err, row.bad)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Error("an error shows the secret key")
			}
			continue
		}
		if err != nil || got.public != c.public || got.hasSecret != row.hasSecret || (row.hasSecret && got.secret != c.secret) {
			t.Errorf("%.60q: %+v %v", row.text, got, err)
		}
	}
}

func FuzzCertificate(f *testing.F) {
	c, err := newCertificate()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.format(true, time.Unix(0, 0)))
	f.Add(c.format(false, time.Unix(0, 0)))
	f.Add([]byte("public-key"))
	f.Add([]byte("public-key = \"====\"\nsecret-key="))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseCertificate(text)
		if err != nil {
			if !errors.Is(err, errCertificate) {
				t.Errorf("error %v is not one of a certificate", err)
			}
			return
		}
		again, err := parseCertificate(c.format(c.hasSecret, time.Unix(0, 0)))
		if err != nil || again.public != c.public || again.hasSecret != c.hasSecret || again.secret != c.secret {
			t.Errorf("%+v came back as %+v: %v", c, again, err)
		}
	})
}

// zapParts is a request as libzmq makes it.
func zapParts(mechanism string, credentials ...[]byte) [][]byte {
	return append([][]byte{[]byte(zapVersion), []byte("1"), []byte(zapDomain), nil, nil, []byte(mechanism)}, credentials...)
}

func TestZAP(t *testing.T) {
	key := make([]byte, 32)
	for _, row := range []struct {
		name   string
		parts  [][]byte
		status string
		reason string
	}{
		{"CURVE", zapParts(mechanismCurve, key), "200", ""},
		{"plain text", zapParts(mechanismNull), "400", "want CURVE"},
		{"a short key", zapParts(mechanismCurve, key[1:]), "400", "want one key"},
		{"no key", zapParts(mechanismCurve), "400", "want one key"},
		{"credentials of none", zapParts(mechanismNull, key), "400", "want none"},
		{"PLAIN", zapParts("PLAIN", key, key), "400", "want NULL or CURVE"},
		{"another domain", append([][]byte{[]byte("1.0"), []byte("1"), []byte("x")}, zapParts(mechanismCurve, key)[3:]...), "400", "domain"},
		{"another version", append([][]byte{[]byte("2.0")}, zapParts(mechanismCurve, key)[1:]...), "400", "version"},
		{"too short", zapParts(mechanismNull)[:5], "400", "5 parts"},
		{"nothing", nil, "400", "0 parts"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var reason string
			d := &doorkeeper{keys: &keyring{mode: StoneHouse}, refused: func(r string) { reason = r }, log: slog.New(slog.DiscardHandler)}
			answer := d.answer(row.parts)
			if len(answer) != 6 || answer[0] != zapVersion || answer[2] != row.status || answer[4] != "" || answer[5] != "" {
				t.Errorf("answer %q, want status %s and no user id", answer, row.status)
			}
			if row.reason == "" != (reason == "") || !strings.Contains(reason, row.reason) {
				t.Errorf("reason %q, want %q", reason, row.reason)
			}
		})
	}
}

func FuzzZAP(f *testing.F) {
	f.Add(bytes.Join(zapParts(mechanismNull), []byte("|")))
	f.Add(bytes.Join(zapParts(mechanismCurve, make([]byte, 32)), []byte("|")))
	f.Fuzz(func(t *testing.T, text []byte) {
		var parts [][]byte
		if len(text) > 0 {
			parts = bytes.Split(text, []byte("|"))
		}
		r, err := parseZAP(parts)
		if err == nil && r.mechanism != mechanismNull && r.mechanism != mechanismCurve {
			t.Errorf("mechanism %q was taken", r.mechanism)
		}
		d := &doorkeeper{keys: &keyring{mode: IronHouse, folder: "/nonexistent"}, refused: func(string) {}, log: slog.New(slog.DiscardHandler)}
		if a := d.answer(parts); len(a) != 6 || a[2] != "400" {
			t.Errorf("answer %q: nobody has a key here", a)
		}
	})
}

func TestParseAllow(t *testing.T) {
	for _, row := range []struct {
		text    string
		in, out []string // nil in: refused
	}{
		{"", []string{"1.2.3.4", "::1"}, nil},
		{"10.0.0.0/8,192.168.1.7", []string{"10.255.0.1", "192.168.1.7"}, []string{"192.168.1.8", "::1"}},
		{"10.1.2.3/8", []string{"10.9.9.9"}, []string{"11.0.0.0"}},
		{" 2001:db8::/32 , ::1 ", []string{"2001:db8::5", "::1", "::1%lo"}, []string{"2001:db9::", "127.0.0.1"}},
		{"::ffff:10.0.0.1", []string{"10.0.0.1", "::ffff:10.0.0.1"}, []string{"10.0.0.2"}},
		{"::ffff:10.0.0.0/104", []string{"10.0.0.1"}, []string{"11.0.0.2"}},
		{"localhost", nil, nil},
		{"10.0.0.0/33", nil, nil},
		{"10.0.0.1,", nil, nil},
		{"10.0.0.1:5555", nil, nil},
	} {
		list, err := parseAllow(row.text)
		if row.in == nil {
			if !errors.Is(err, ErrSettings) {
				t.Errorf("%q: error %v, want ErrSettings", row.text, err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
		}
		for _, a := range row.in {
			if err := list.accepts(netip.MustParseAddr(a)); err != nil {
				t.Errorf("%q: %v", row.text, err)
			}
		}
		for _, a := range row.out {
			if list.accepts(netip.MustParseAddr(a)) == nil {
				t.Errorf("%q takes %q", row.text, a)
			}
		}
	}
}

func TestParseSSHServer(t *testing.T) {
	for text, want := range map[string]string{
		"cam@10.0.0.1":         "cam@10.0.0.1:22",
		" cam@host.lan:4722 ":  "cam@host.lan:4722",
		"cam@[::1]:2222":       "cam@[::1]:2222",
		"cam@::1":              "cam@[::1]:22",
		"cam@[::1]":            "cam@[::1]:22",
		"first.last@work@host": "first.last@work@host:22",
		"host":                 "", "@host": "", "cam@": "", "cam:secret@host": "", "cam@host:": "", "cam@host:0": "", "cam@host:70000": "", "cam@host:x": "",
		"a b@host": "", "cam@ho st": "", "cam@host/path": "",
	} {
		s, err := parseSSHServer(text)
		if want == "" {
			if !errors.Is(err, ErrSettings) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: %v %v, want ErrSettings", text, s, err)
			}
		} else if err != nil || s.String() != want {
			t.Errorf("%q: %v %v, want %s", text, s, err, want)
		}
	}
}

func TestGreeting(t *testing.T) {
	if m := mechanismOf(door.Greeting(mechanismCurve)); m != mechanismCurve {
		t.Errorf("our own greeting names %q", m)
	}
	for _, bad := range [][]byte{nil, make([]byte, greetingLen), []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 000")} {
		if m := mechanismOf(bad); m != "" {
			t.Errorf("%q names %q", bad, m)
		}
	}
}

func TestPanicInAGoroutineBecomesAnError(t *testing.T) {
	got := make(chan error)
	spawn(func(err error) { got <- err }, func() { panic("boom") })
	err := <-got
	if err.Error() != "netgear: internal error: boom" {
		t.Errorf("error %v", err)
	}
	if p, ok := errors.AsType[*panicError](err); !ok || !strings.Contains(p.Stack(), "TestPanicInAGoroutineBecomesAnError") {
		t.Errorf("no stack in %#v", err)
	}
}

func TestSuspicion(t *testing.T) {
	for _, row := range []struct {
		name    string
		answers string // c: a CURVE server, n: nobody, w: a handshake went well
		certain bool
	}{
		{"nobody there", "nnnnn", false},
		{"started while we tried", "nnncw", false},
		{"started, and once more unlucky", "nncc", false},
		{"comes and goes", "ccncc", false},
		{"a success in between", "ccwcc", false},
		{"does not know us", "ccc", true},
	} {
		var s suspicion
		certain := false
		for _, a := range row.answers {
			if a == 'w' {
				s.allay()
			} else {
				certain = s.answered(a == 'c')
			}
		}
		if certain != row.certain {
			t.Errorf("%s: certain %v, want %v", row.name, certain, row.certain)
		}
	}
}
