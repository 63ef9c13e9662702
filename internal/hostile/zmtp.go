package hostile

import (
	"encoding/binary"
	"io"
	"net"
	"time"
)

// Greeting is what opens a ZMTP 3.1 connection, without encryption.
func Greeting() []byte { return greeting("NULL") }

func greeting(mechanism string) []byte {
	g := make([]byte, 64)
	g[0], g[9] = 0xff, 0x7f // the signature
	g[10], g[11] = 3, 1     // the version
	copy(g[12:], mechanism)
	return g
}

// Ready is the handshake of a socket of that type, "PUB" say.
func Ready(socketType string) []byte {
	const name = "Socket-Type"
	body := append([]byte{byte(len(name))}, name...)
	body = binary.BigEndian.AppendUint32(body, uint32(len(socketType))) //nolint:gosec // a few bytes
	return Command("READY", append(body, socketType...))
}

// Flags of a ZMTP frame.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// Command is a ZMTP command.
func Command(name string, body []byte) []byte {
	return frame(flagCommand, append(append([]byte{byte(len(name))}, name...), body...)) //nolint:gosec // names are short
}

// Ping is a heartbeat that wants an answer.
func Ping() []byte { return Command("PING", []byte{0, 0}) }

// Part is one part of a message; more says that others follow.
func Part(b []byte, more bool) []byte {
	if more {
		return frame(flagMore, b)
	}
	return frame(0, b)
}

// Message is a whole message.
func Message(parts ...[]byte) (b []byte) {
	for i, p := range parts {
		b = append(b, Part(p, i < len(parts)-1)...)
	}
	return b
}

func frame(flags byte, body []byte) []byte {
	if len(body) < 256 {
		return append([]byte{flags, byte(len(body))}, body...) //nolint:gosec // less than 256
	}
	b := binary.BigEndian.AppendUint64([]byte{flags | flagLong}, uint64(len(body)))
	return append(b, body...)
}

// Greet opens a TCP connection and exchanges greetings.
func Greet(address, mechanism string) (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	c := conn.(*net.TCPConn)
	if err = c.SetDeadline(time.Now().Add(patience)); err == nil {
		err = greet(c, mechanism)
	}
	if err != nil {
		_ = c.Close() // the error that counts is err
		return nil, err
	}
	return c, nil
}

// Connect opens a TCP connection and shakes hands as a socket of that type.
func Connect(address, socketType string) (*net.TCPConn, error) {
	c, err := Greet(address, "NULL")
	if err != nil {
		return nil, err
	}
	if err := join(c, Ready(socketType)); err != nil {
		_ = c.Close() // the error that counts is err
		return nil, err
	}
	return c, nil
}

// patience bounds one exchange.
const patience = 10 * time.Second

// greet exchanges greetings.
func greet(c net.Conn, mechanism string) error {
	g := greeting(mechanism)
	if _, err := c.Write(g); err != nil {
		return err
	}
	return skip(c, len(g))
}

// join exchanges the commands that end a handshake without encryption.
func join(c net.Conn, ready []byte) error {
	if _, err := c.Write(ready); err != nil {
		return err
	}
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		return err
	}
	return skip(c, int(head[1]))
}

func skip(c net.Conn, n int) error {
	_, err := io.CopyN(io.Discard, c, int64(n))
	return err
}
