package netgear

import (
	"strconv"
	"sync"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// answers holds what a Receiver replies to frames. That is the confirmation, or in
// bidirectional and multi-client mode the newest data or array that the program
// gave; it is sent again and again until there is a newer one. Safe for concurrent
// use.
type answers struct {
	mu    sync.Mutex
	json  bool
	reply wire.Reply
	head  []byte
	timed []byte // head, with times
	array zmsg.Message
}

// newAnswers returns the answers of a receiver with that name.
func newAnswers(cfg *Config, id string) *answers {
	a := &answers{json: cfg.answers()}
	if !a.json {
		a.head = wire.AppendConfirmation(nil, id)
		return a
	}
	if cfg.MultiClient {
		a.reply.Port = strconv.FormatUint(uint64(cfg.Port), 10)
	}
	a.setData(wire.ValueFromText(cfg.ReturnData))
	return a
}

// RejectAnswer counts a malformed frame that was meant as an answer. Any goroutine
// may call it.
func (r *Receiver) RejectAnswer() { r.stats.count(func(st *Stats) { st.FramesMalformed++ }) }

// setData makes data the answer.
func (a *answers) setData(data wire.Raw) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.json {
		return
	}
	a.reply = wire.Reply{JSON: true, Port: a.reply.Port, Data: data}
	a.head = wire.AppendReply(a.head[:0], &a.reply)
	a.array.Close()
}

// setArray makes a frame the answer, and takes over its payload.
func (a *answers) setArray(f *Frame) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.json {
		f.Payload.Release()
		return nil
	}
	if err := f.Payload.moveTo(&a.array); err != nil {
		return err
	}
	h := &f.Header
	a.reply = wire.Reply{
		JSON: true, Port: a.reply.Port, ReturnType: "ndarray", Array: true,
		Compressed: h.Compressed, JPEG: h.JPEG, DType: h.DType, Shape: h.Shape,
	}
	a.head = wire.AppendReply(a.head[:0], &a.reply)
	return nil
}

// send passes the answer to the socket, with times unless they are nil.
func (a *answers) send(sock exchange, times *wire.Times) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	head := a.head
	if times != nil {
		a.timed = wire.AppendTimes(append(a.timed[:0], head...), times)
		head = a.timed
	}
	if a.reply.Array {
		return sock.Send(head, &a.array)
	}
	return sock.Send(head, nil)
}

// close releases an array.
func (a *answers) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.array.Close()
	a.reply.Array = false
}
