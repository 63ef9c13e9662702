package netgear

import (
	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// receiveQueue is in messages. With a ZAP handler a credential message occupies
// one place for ever, so a queue of one would never deliver.
const receiveQueue = 2

// patternRow is what differs between the patterns.
type patternRow struct {
	sender, receiver zmq4.Type
	// confirmed says that the receiver answers each frame.
	confirmed bool
	// confirmsTerminate says that it answers the goodbye too.
	confirmsTerminate bool
}

var patternRows = [...]patternRow{
	wire.Pair:   {zmq4.PAIR, zmq4.PAIR, true, false},
	wire.ReqRep: {zmq4.REQ, zmq4.REP, true, true},
	wire.PubSub: {zmq4.PUB, zmq4.SUB, false, false},
}

// socketType returns libzmq's type of the socket of a role.
func (r *patternRow) socketType(role Role) zmq4.Type {
	if role == SenderRole {
		return r.sender
	}
	return r.receiver
}

// part returns which part of the pattern a role plays.
func (r *patternRow) part(role Role) door.Pattern {
	switch r.socketType(role) {
	case zmq4.PAIR:
		return door.Pair
	case zmq4.REQ:
		return door.Request
	case zmq4.REP:
		return door.Reply
	case zmq4.PUB:
		return door.Publish
	default:
		return door.Subscribe
	}
}

// subscribeOption is the option that only a SUB socket has.
const subscribeOption = "SUBSCRIBE"

// option is one option of a socket, by libzmq's name.
type option struct {
	name string
	set  func(*zmq4.Socket) error
}

// socketOptions returns everything that is set on a socket before it binds or
// connects. Every socket gets all of it, also after a retry. The options of TCP and
// the limits on what a peer may send are the door's.
func socketOptions(cfg *Config, role Role, keys *keyring) []option {
	opts := []option{
		{"LINGER", func(s *zmq4.Socket) error { return s.SetLinger(0) }},
		{"SNDHWM", func(s *zmq4.Socket) error { return s.SetSndhwm(sendQueue(cfg, role)) }},
		{"RCVHWM", func(s *zmq4.Socket) error { return s.SetRcvhwm(receiveQueue) }},
		{"RECONNECT_IVL", func(s *zmq4.Socket) error { return s.SetReconnectIvl(reconnectInterval) }},
		// The door bounds handshakes. Libzmq's begin before the door has reached
		// anybody.
		{"HANDSHAKE_IVL", func(s *zmq4.Socket) error { return s.SetHandshakeIvl(0) }},
	}
	if role == SenderRole && !cfg.Bind && cfg.Pattern != wire.Pair {
		// Nothing is queued for an absent receiver: when it comes, it gets frames of
		// that moment. NetGear's sockets queue. A PAIR socket may refuse its own next
		// connection with this option, so there the Sender looks for peers (transmit).
		opts = append(opts, option{"IMMEDIATE", func(s *zmq4.Socket) error { return s.SetImmediate(true) }})
	}
	switch {
	case role == SenderRole && cfg.Pattern == wire.ReqRep:
		opts = append(opts,
			option{"REQ_RELAXED", func(s *zmq4.Socket) error { return s.SetReqRelaxed(1) }},
			option{"REQ_CORRELATE", func(s *zmq4.Socket) error { return s.SetReqCorrelate(1) }},
		)
	case role == SenderRole && cfg.Pattern == wire.PubSub:
		// Has libzmq report a full queue instead of losing a frame, or the goodbye,
		// silently: see Sender.sendToAll. A PUB socket accepts this option of XPUB.
		opts = append(opts, option{"XPUB_NODROP", func(s *zmq4.Socket) error { return s.SetXpubNodrop(true) }})
	case role == ReceiverRole && cfg.Pattern == wire.PubSub:
		opts = append(opts, option{subscribeOption, func(s *zmq4.Socket) error { return s.SetSubscribe("") }})
	}
	return append(opts, securityOptions(cfg, keys)...)
}

// sendQueue returns how many messages libzmq may hold on their way out.
func sendQueue(cfg *Config, role Role) int {
	switch {
	case role == ReceiverRole && cfg.Pattern == wire.Pair:
		return maxInFlight + 1 // answers to all frames that a sender may have in flight
	case role == ReceiverRole:
		return receiveQueue + 1 // its answers
	case cfg.Pattern == wire.PubSub:
		// NetGear has 1, and loses frames whenever the sending thread of libzmq
		// runs late. The second place stays empty on a link that keeps up.
		return 2
	}
	if cfg.InFlight == 0 {
		return maxInFlight + 1
	}
	return int(cfg.InFlight) + 1 // the frames in flight and a goodbye
}

// securityOptions returns what keeps strangers out. An error in any of them fails
// the whole socket: no socket is ever without them.
func securityOptions(cfg *Config, keys *keyring) (opts []option) {
	if keys == nil {
		return nil
	}
	opt := func(name string, set func(s *zmq4.Socket) error) { opts = append(opts, option{name, set}) }
	if cfg.Bind {
		opt("ZAP_DOMAIN", func(s *zmq4.Socket) error { return s.SetZapDomain(zapDomain) })
		opt("CURVE_SERVER", func(s *zmq4.Socket) error { return s.SetCurveServer(1) })
	} else {
		opt("CURVE_SERVERKEY", func(s *zmq4.Socket) error { return s.SetCurveServerkey(z85Encode(keys.server)) })
	}
	opt("CURVE_PUBLICKEY", func(s *zmq4.Socket) error { return s.SetCurvePublickey(z85Encode(keys.own.public)) })
	opt("CURVE_SECRETKEY", func(s *zmq4.Socket) error { return s.SetCurveSecretkey(z85Encode(keys.own.secret)) })
	return opts
}
