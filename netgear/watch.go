package netgear

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// maxRefused is how many connections a PAIR socket may have beside the one that it
// serves. Libzmq keeps each of them that has sent something for ever, though its
// peer be gone. Only a new socket is rid of them.
const maxRefused = 64

// maxEnded is how many connections may end under one REQ socket whose messages go
// through a Post. libzmq keeps some 10 kB of each until the socket reads what it has
// sent, and such a socket never reads. Only a new one is rid of them.
const maxEnded = 500

// watch follows the connections of an end, over all its sockets, from what libzmq's
// monitors and the door report. It keeps the table of peers, notifies the observer,
// and has the owner of the socket repair what is lost. Each socket has a goroutine
// of the watch, which ends with it.
type watch struct {
	entrance *entrance
	role     Role
	alarm    *alarm
	peers    *peerTable
	owners   *owners // of the streams of a Receiver
	tongues  *tongues
	refusals *refusals
	revival  *revival
	obs      *Observer
	log      *slog.Logger
	ctx      context.Context // ends with the conn
}

// linkEvents are the monitor's events that matter to peers, in our terms.
var linkEvents = map[zmq4.Event]linkEvent{
	zmq4.EVENT_ACCEPTED:                   linkAccepted,
	zmq4.EVENT_CONNECTED:                  linkConnected,
	zmq4.EVENT_HANDSHAKE_SUCCEEDED:        linkReady,
	zmq4.EVENT_HANDSHAKE_FAILED_AUTH:      linkRefused,
	zmq4.EVENT_HANDSHAKE_FAILED_PROTOCOL:  linkRefused,
	zmq4.EVENT_HANDSHAKE_FAILED_NO_DETAIL: linkRefused,
	zmq4.EVENT_DISCONNECTED:               linkEnded,
}

// follow begins to follow a socket of a context, until the socket is closed. post is what
// is used in its place, or nil.
func (w *watch) follow(zctx *zmq4.Context, sock *zmq4.Socket, post *door.Post, generation uint64) error {
	addr := "inproc://netgear-watch-" + strconv.FormatUint(generation, 10)
	events := zmq4.EVENT_MONITOR_STOPPED | zmq4.EVENT_CONNECT_RETRIED
	for ev := range linkEvents {
		events |= ev
	}
	mon, err := zctx.NewSocket(zmq4.PAIR)
	if err != nil {
		return fmt.Errorf("netgear: %w: monitor: %w", ErrOpen, err)
	}
	if err = sock.Monitor(addr, events); err == nil {
		err = mon.Connect(addr)
	}
	if err != nil {
		_ = mon.Close() // the error that counts is err
		return fmt.Errorf("netgear: %w: monitor: %w", ErrOpen, err)
	}
	hoards := post != nil && w.role == SenderRole && w.entrance.cfg.Pattern == wire.ReqRep
	spawn(w.alarm.fail, func() {
		defer func() {
			_ = mon.Close() // nothing is left to be done about it
		}()
		for ended := 0; ; {
			ev, addr, value, err := mon.RecvEvent(0)
			if err != nil || ev == zmq4.EVENT_MONITOR_STOPPED {
				w.report(w.peers.stopped(generation))
				return
			}
			w.log.Debug("connection", "event", ev.String(), "endpoint", addr, "value", value)
			w.happened(generation, post, ev, w.entrance.shown(addr), value)
			if hoards && ev == zmq4.EVENT_DISCONNECTED {
				if ended++; ended == maxEnded {
					w.alarm.note(&w.alarm.full, generation)
				}
			}
		}
	})
	return nil
}

// happened takes in one event of the monitor of a socket.
func (w *watch) happened(generation uint64, post *door.Post, ev zmq4.Event, addr string, value int) {
	if ev == zmq4.EVENT_CONNECT_RETRIED {
		w.revival.well(generation, w.entrance.portIndex(addr))
		w.alarm.announce()
		return
	}
	kind, ok := linkEvents[ev]
	if !ok {
		return
	}
	l := w.newsOf(kind, post, ev, addr, value)
	change := w.peers.event(generation, l)
	if change.rejected != "" && change.why == failedUnknown {
		if why := w.entrance.door.Why(strings.TrimPrefix(change.rejected, "tcp://")); why != "" {
			change.reason = why
		}
	}
	cfg := w.entrance.cfg
	if cfg.Pattern == wire.Pair && cfg.Bind && change.connected > 1+maxRefused {
		w.alarm.note(&w.alarm.full, generation)
	}
	if len(change.removed) > 0 && !change.swapped {
		w.alarm.note(&w.alarm.lost, generation)
	}
	w.report(change)
	if !cfg.Bind {
		w.pursue(generation, &l, ev == zmq4.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
	}
}

// newsOf makes news of an event, with what the door knows.
func (w *watch) newsOf(kind linkEvent, post *door.Post, ev zmq4.Event, addr string, value int) linkNews {
	l := linkNews{kind: kind, endpoint: addr, fd: value}
	switch kind {
	case linkRefused:
		l.fd = 0
		switch ev {
		case zmq4.EVENT_HANDSHAKE_FAILED_AUTH:
			l.why = failureOfAuth(value)
		case zmq4.EVENT_HANDSHAKE_FAILED_PROTOCOL:
			l.why = failureOfProtocol(value)
		default:
		}
		l.reason = l.why.reason(w.refusals.keys != nil)
	case linkEnded:
		w.owners.ended(value)
		w.tongues.forget(value)
	case linkAccepted, linkConnected:
		w.tongues.forget(value)
		switch {
		case post != nil:
			w.entrance.door.Introduce(value, post)
		case w.role == SenderRole:
			w.entrance.door.Bound(value)
		}
		if kind == linkAccepted {
			w.entrance.introduce(&l)
		}
	case linkReady:
	}
	return l
}

// pursue does what an end that connects does about its connections.
func (w *watch) pursue(generation uint64, l *linkNews, silent bool) {
	i := w.entrance.portIndex(l.endpoint)
	switch l.kind {
	case linkEnded:
		if w.entrance.names != nil {
			w.entrance.names.nudge()
		}
		w.revival.ended(generation, i)
	case linkReady:
		w.peers.serve(i)
		w.refusals.welcomed(i)
		w.revival.well(generation, i)
	case linkRefused:
		w.refusals.failed(i, l.why, silent)
	case linkAccepted, linkConnected:
	}
}

// turnedAway takes in that the door has ended a connection.
func (w *watch) turnedAway(p door.Peer, reason error) {
	why, text := failedUnknown, reason.Error()
	if errors.Is(reason, door.ErrForeign) {
		why, text = failedDenied, strings.TrimPrefix(text, door.ErrForeign.Error()+": ")
	}
	endpoint := "tcp://" + p.Address
	if w.entrance.cfg.Protocol == IPC {
		endpoint = w.entrance.endpoints()
	}
	w.peers.reject(text)
	if !w.entrance.cfg.Bind {
		w.log.Info("the other end was hung up on", "endpoint", endpoint, "reason", text)
		return
	}
	if w.refusals.mention() {
		w.report(peerChange{rejected: endpoint, reason: text, why: why})
	}
}

// report passes a change on to the observer and the log.
func (w *watch) report(ch peerChange) {
	for _, e := range ch.added {
		if w.obs.PeerAdded != nil {
			w.obs.PeerAdded(e)
		}
	}
	for _, e := range ch.removed {
		if w.obs.PeerRemoved != nil {
			w.obs.PeerRemoved(e)
		}
	}
	if ch.rejected != "" && w.entrance.cfg.Bind {
		w.log.Log(w.ctx, rejectionLevel(ch.why), "peer rejected", "endpoint", ch.rejected, "reason", ch.reason)
		if ch.why.isRefusal() {
			w.peers.authFailures.Add(1)
		}
		w.refusals.warn(&ch)
		if w.obs.PeerRejected != nil {
			w.obs.PeerRejected(ch.rejected, ch.reason)
		}
	}
	if len(ch.added) > 0 {
		w.alarm.announce()
	}
	if (len(ch.added) > 0 || len(ch.removed) > 0) && w.obs.Peers != nil {
		w.obs.Peers(ch.connected)
	}
}

// rejectionLevel returns the level of a rejection in the log. A port scanner is no
// refusal.
func rejectionLevel(why failure) slog.Level {
	if why.isRefusal() {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
