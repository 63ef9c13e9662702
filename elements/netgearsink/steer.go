package netgearsink

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/elements/internal/gstglue"
	"github.com/gst-netgear/gst-netgear/elements/internal/rate"
	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

const (
	// steerTick is the time between two looks at the link when no frame is confirmed.
	steerTick = 20 * time.Millisecond
	// searchPause is the time between two searches for the encoder: a program may link
	// another one.
	searchPause = 500 * time.Millisecond
	// restartPause is the least time between two steps up of an encoder that begins
	// with a key frame after each step.
	restartPause = 2 * time.Second
	// restoreTime is how long a change of state waits until the encoder has back what
	// the user set. That takes microseconds, unless the encoder is busy.
	restoreTime = 4 * time.Millisecond
	// keyPause is the least time between two requests for a key frame after frames
	// were dropped.
	keyPause = 500 * time.Millisecond
	// leastBitrate is the default of rate-control-min where the encoder chooses its
	// own bitrate.
	leastBitrate = 64e3
	// leastPart is the default of rate-control-min, as a part of what was set.
	leastPart = 1.0 / 20
	// hopeAtLeast is how long an encoder may make its least before it counts as one that
	// cannot make what is too old good again.
	hopeAtLeast = 3 * time.Second
)

// Values of rate-control-state.
const (
	stateWaiting   = "waiting"    // nothing is known of the link yet
	stateFollowing = "following"  // the encoder does what it is told
	stateDropping  = "dropping"   // it does not, and frames are dropped
	stateDeaf      = "deaf"       // it cannot be told, but the link is fast enough
	stateNone      = "no-encoder" // there is none, but the link is fast enough
)

// steerer starts a steering when rate-control is set, and ends it when that is unset.
type steerer struct {
	mu      sync.Mutex
	last    *steering // the present one, or the one before
	present atomic.Pointer[steering]
}

// configure is called at the start and after each change of a setting. Its caller holds
// a lock, so it never waits.
func (s *steerer) configure(e *element, sender *netgear.Sender, cfg *netgear.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.present.Load()
	switch on := cfg.RateControl == netgear.EncoderRateControl; {
	case on && now == nil:
		next := &steering{
			e: e, sender: sender, begin: time.Now(), wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
			published: cfg.Pattern == wire.PubSub,
			control:   rate.Controller{Confirmed: cfg.Pattern != wire.PubSub, Window: int(cfg.InFlight)},
		}
		before := s.last
		s.last = next
		s.present.Store(next)
		sender.SetSteered(true)
		e.Spawn(func() { next.run(before) })
	case !on && now != nil:
		s.present.Store(nil)
		close(now.stop)
	}
}

// close ends the steering. It waits, restoreTime at the most, until the encoder has what
// the user set.
func (s *steerer) close() {
	s.mu.Lock()
	now, last := s.present.Swap(nil), s.last
	s.last = nil
	s.mu.Unlock()
	if now != nil {
		close(now.stop)
	}
	if last == nil {
		return
	}
	select {
	case <-last.done:
	case <-time.After(restoreTime):
	}
}

// confirmed implements netgear.Observer.
func (s *steerer) confirmed(sent, came time.Time, bytes int) {
	if now := s.present.Load(); now != nil {
		now.confirmed(sent, came, bytes)
	}
}

// arrived implements netgear.Observer.
func (s *steerer) arrived(endpoint string, sent time.Time, bytes int) {
	if now := s.present.Load(); now != nil {
		now.mu.Lock()
		defer now.mu.Unlock()
		now.control.Arrived(now.now(), sent.Sub(now.begin), endpoint, bytes)
	}
}

// frame notes a frame, in the streaming thread. It reports whether to drop the frame.
func (s *steerer) frame(e *element, r *run, bytes int) bool {
	now := s.present.Load()
	return now != nil && now.frame(e, r, bytes)
}

// RateReport returns what the stats say of the rate control; nil means nothing.
func (e *element) RateReport() *gstglue.RateReport {
	if now := e.steer.present.Load(); now != nil {
		return now.report.Load()
	}
	return nil
}

// steering makes the nearest encoder upstream follow the link. The streaming thread
// notes the frames. A goroutine of its own sets the encoder's property: that may wait
// until a frame is encoded, and the stream must not wait for it.
type steering struct {
	e      *element
	sender *netgear.Sender
	begin  time.Time
	wake   chan struct{} // a frame was confirmed
	stop   chan struct{}
	// published means that nothing is confirmed.
	published bool
	done      chan struct{} // the encoder has what the user set
	report    atomic.Pointer[gstglue.RateReport]

	mu      sync.Mutex
	control rate.Controller
	watch   rate.Watch
	sizer   *rate.Sizer // nil: the encoder has a bitrate, or there is none
	gate    rate.Gate
	drop    float64 // bit/s that may go out; 0: all
	seen    bool    // a frame came
	deltas  bool    // frames depend on others
	torn    bool    // one was dropped, and the next key frame has not come
	// Of the streaming thread.
	before  uint64 // the running time of the frame before
	keyTime time.Duration

	// Of the goroutine.
	enc      *gstglue.Encoder // nil: none was found
	searched time.Duration
	toldAt   time.Duration
	told     float64       // what the encoder was told; 0: nothing yet
	setting  float64       // what its property has, in its unit
	lowest   bool          // the property has its least value
	least    float64       // of the encoder's bitrate: rate-control-min or its default
	atLeast  time.Duration // since when the target has been that; 0: it is not
	warned   string        // the last text
}

func (s *steering) now() time.Duration { return time.Since(s.begin) }

func (s *steering) confirmed(sent, came time.Time, bytes int) {
	s.mu.Lock()
	s.control.Confirm(came.Sub(s.begin), sent.Sub(s.begin), bytes)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (s *steering) frame(e *element, r *run, bytes int) bool {
	in := &r.input
	at := e.Self.RunningTime()
	var links []rate.Link
	if s.published {
		links = s.links()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.setInterval(r)
	if s.watch.Frame(s.interval(), bytes); s.sizer != nil {
		s.sizer.Frame(bytes)
	}
	s.seen = true
	if in.Live && at != gstglue.NoTime && in.RunningTime < at {
		s.control.Late(now, time.Duration(at-in.RunningTime))
	}
	if s.published {
		s.control.Look(now, links)
	}
	s.deltas = s.deltas || in.Delta
	if pass, wantsKey := s.passes(now, bytes, in.Delta); in.Live && !pass {
		if in.Delta && wantsKey && now-s.keyTime > keyPause {
			s.keyTime = now
			e.askKeyFrame()
		}
		return true
	}
	s.control.Frame(now, bytes)
	return false
}

// passes reports whether a frame may go out, and if not, whether a key frame could.
// Encoded video in pub-sub that has waited for too long goes on at a key frame.
// Elsewhere the Sender drops what is old.
func (s *steering) passes(now time.Duration, bytes int, delta bool) (pass, wantsKey bool) {
	if s.published && s.deltas {
		full, stuck := s.control.Full(now)
		if stuck && !s.torn {
			s.sender.Shed() // what waits would only keep the next key frame waiting
		}
		s.torn = s.torn && (delta || full) || stuck
		if s.torn {
			return false, !full
		}
	}
	if s.drop == 0 || s.control.Confirmed && !s.deltas {
		return true, false
	}
	pass = s.gate.Pass(now, s.drop, bytes, delta)
	return pass, s.gate.WantsKey()
}

// setInterval finds the time between frames: that of the caps, or else the shortest that
// was seen, since a sender that cannot keep up makes it longer.
func (s *steering) setInterval(r *run) {
	if n, d := r.caps.FPSNum, r.caps.FPSDen; n > 0 && d > 0 {
		s.control.Interval = time.Duration(d) * time.Second / time.Duration(n)
		return
	}
	at, before := r.input.RunningTime, s.before
	s.before = at
	if gap := time.Duration(at - before); before > 0 && at != gstglue.NoTime && at > before && (s.control.Interval == 0 || gap < s.control.Interval) {
		s.control.Interval = max(gap, time.Millisecond)
	}
}

// interval returns the time between frames, or a common one.
func (s *steering) interval() time.Duration {
	if s.control.Interval > 0 {
		return s.control.Interval
	}
	return time.Second / 30
}

// links returns the ways to the receivers.
func (s *steering) links() []rate.Link {
	peers := s.sender.Stats().Peers
	links := make([]rate.Link, 0, len(peers))
	for i := range peers {
		p := &peers[i]
		links = append(links, rate.Link{ID: p.Endpoint, Delivered: p.Delivered, Unsent: p.Unsent, RTT: p.RTT, MinRTT: p.MinRTT, Rate: float64(p.DeliveryRate)})
	}
	return links
}

// run sets the encoder until stop. before is the steering before this one, which may
// still have to give its encoder back; nil: there was none.
func (s *steering) run(before *steering) {
	defer close(s.done)
	if before != nil {
		<-before.done
	}
	defer s.release()
	defer s.sender.SetSteered(false)
	t := time.NewTicker(steerTick)
	defer t.Stop()
	for looked := time.Duration(0); ; {
		select {
		case <-s.stop:
			return
		case <-s.wake:
		case <-t.C:
		}
		now := s.now()
		if s.control.Confirmed && now-looked >= 5*steerTick { // Confirmed never changes
			looked = now
			links := s.links()
			s.mu.Lock()
			s.control.Look(now, links)
			s.mu.Unlock()
		}
		s.e.With(func(el gstglue.Element) {
			s.search(el, now)
			s.step(now, s.e.Settings().Live())
		})
	}
}

// release gives the encoder back.
func (s *steering) release() {
	if s.enc != nil {
		s.enc.Restore()
		s.enc.Release()
		s.enc = nil
	}
}

// search looks for the encoder from time to time.
func (s *steering) search(el gstglue.Element, now time.Duration) {
	if s.searched > 0 && now-s.searched < searchPause {
		return
	}
	s.searched = now
	enc := el.FindEncoder()
	if enc != nil && s.enc != nil && enc.Is(s.enc) {
		enc.Release()
		return
	}
	if enc == nil && s.enc == nil {
		return
	}
	s.release()
	s.enc, s.told, s.setting, s.lowest, s.warned = enc, 0, 0, false, ""
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch, s.sizer, s.drop = rate.Watch{}, nil, 0
	if enc != nil && enc.Steerable() && enc.ByQuality() {
		best, ok := enc.User()
		if !ok {
			best = 85 // a driver that does not say; libjpeg's usual one
		}
		s.sizer = rate.NewSizer(int(best))
	}
}

// step finds the target, sets the encoder to it, and reports.
func (s *steering) step(now time.Duration, cfg *netgear.Config) {
	s.mu.Lock()
	if !s.seen { // perhaps nothing is linked yet
		s.mu.Unlock()
		return
	}
	target, known := s.control.Target(now)
	steerable := s.enc != nil && s.enc.Steerable()
	var v float64
	tell := false
	if steerable {
		if s.sizer != nil {
			target, v, tell = s.quality(target, known, cfg)
		} else {
			target, v, tell = s.bitrate(now, target, known, cfg)
		}
	}
	hopes := s.hopes(now, known && steerable && s.sizer == nil && target == s.least)
	ignored := known && s.watch.Ignored(now, target, !steerable)
	made := s.watch.Made()
	if s.drop = 0; ignored {
		s.drop = target
	}
	s.mu.Unlock()
	s.sender.SetSteered(hopes)
	if tell {
		s.tell(now, v)
	}
	s.publish(target, known, steerable, ignored)
	s.warn(target, made, steerable, ignored)
}

// hopes reports whether the encoder makes good what has become old on the link, so that
// encoded video may wait for it. Where nothing is confirmed it always may.
func (s *steering) hopes(now time.Duration, isLeast bool) bool {
	switch {
	case !isLeast:
		s.atLeast = 0
	case s.atLeast == 0:
		s.atLeast = now
	}
	return s.published || !s.control.Waits() && (s.atLeast == 0 || now-s.atLeast < hopeAtLeast)
}

// bounds returns the least and the most bit/s of an encoder. user is what the user has
// set it to; 0: not known.
func bounds(user float64, cfg *netgear.Config) (least, most float64) {
	least, most = float64(cfg.RateControlMin), float64(cfg.RateControlMax)
	if most == 0 {
		most = math.Inf(1)
		if user > 0 {
			most = user
		}
	}
	if least == 0 {
		least = leastBitrate
		if user > 0 {
			least = user * leastPart
		}
	}
	return min(least, most), most
}

// bitrate returns how many bit/s the encoder may make, and the value v to set. tell means
// that v differs enough from what the encoder was told.
func (s *steering) bitrate(now time.Duration, target float64, known bool, cfg *netgear.Config) (may, v float64, tell bool) {
	user, _ := s.enc.User()
	least, most := bounds(user, cfg)
	s.least = least
	if !known {
		target = most
	}
	if target = min(max(target, least), most); math.IsInf(target, 1) {
		return 0, 0, false
	}
	if v = target; least < target && target < most { // a bound is what the user set, and not about that
		v = min(max(s.watch.Trim(now, target), least), most)
	}
	switch change := v/s.told - 1; {
	case s.told == 0:
		tell = known || v != user
	case s.enc.Restarts():
		tell = change < -0.15 || change > 0.15 && now-s.toldAt > restartPause
	default:
		tell = change < -0.015 || change > 0.03 || v != s.told && (v == least || v == most)
	}
	return target, v, tell
}

// quality does the same for an encoder that has no bitrate.
func (s *steering) quality(target float64, known bool, cfg *netgear.Config) (may, v float64, tell bool) {
	user, ok := s.enc.User()
	best := int(user)
	if !ok || cfg.RateControlMax > 0 {
		best = 100
	}
	perFrame := s.interval().Seconds() / 8
	least, most := bounds(s.sizer.Bytes(int(user))/perFrame, cfg)
	if cfg.RateControlMax == 0 {
		most = math.Inf(1) // best is the most
	}
	if !known {
		target = most
	}
	if target = min(max(target, least), most); math.IsInf(target, 1) {
		return 0, 0, false
	}
	v = float64(s.sizer.Choose(target*perFrame, 1, best))
	return target, v, v != s.told && (s.told > 0 || v != user)
}

// tell sets the encoder's property. It holds no lock meanwhile.
func (s *steering) tell(now time.Duration, v float64) {
	is, changed := s.enc.Tell(v)
	s.lowest = is <= s.enc.Least()
	if s.setting = is; changed {
		s.e.Self.Log(gstglue.LevelInfo, "rate-control", "set again: "+s.enc.Name())
	}
	s.told, s.toldAt = v, now
	if s.e.Self.Logs(gstglue.LevelDebug) {
		s.e.Self.Log(gstglue.LevelDebug, "rate-control", fmt.Sprintf("%s: %s for %.0f", s.enc.Name(), s.enc.Property(), v))
	}
}

func (s *steering) publish(target float64, known, steerable, ignored bool) {
	r := &gstglue.RateReport{State: stateFollowing, Bitrate: target, Setting: s.setting}
	if s.enc != nil {
		r.Encoder = s.enc.Name()
	}
	switch {
	case ignored:
		r.State = stateDropping
	case s.enc == nil:
		r.State = stateNone
	case !steerable:
		r.State = stateDeaf
	case !known:
		r.State = stateWaiting
	}
	s.report.Store(r)
}

// warn posts a warning of what is wrong with the encoder, each kind once in a row.
func (s *steering) warn(target, made float64, steerable, ignored bool) {
	var kind string
	var err error
	ignored = ignored && made > target // where the link has become faster, it may stay so for a moment
	switch {
	case s.enc == nil:
		kind = stateNone
		err = fmt.Errorf("%w: rate-control=encoder without an encoder before the sink: want jpegenc, x264enc or the like; frames are dropped where the link is too slow", netgear.ErrSettings)
	case !steerable:
		kind = stateDeaf
		err = fmt.Errorf("%w: rate-control=encoder with %s, which cannot change its bitrate while it runs: want jpegenc, x264enc or the like; frames are dropped where the link is too slow",
			netgear.ErrSettings, s.enc.Name())
	case ignored && s.lowest:
		kind = "lowest"
		err = fmt.Errorf("%w: rate-control=encoder: %s makes %.0f kbit/s with the least %s, where the link carries %.0f: frames are dropped; want smaller pictures, or fewer",
			netgear.ErrSettings, s.enc.Name(), made/1000, s.enc.Property(), target/1000)
	case ignored:
		kind = stateDropping
		err = fmt.Errorf("%w: rate-control=encoder: %s ignores its property %s: it makes %.0f kbit/s where the link carries %.0f: frames are dropped instead",
			netgear.ErrSettings, s.enc.Name(), s.enc.Property(), made/1000, target/1000)
	default:
		return
	}
	if kind != s.warned {
		s.warned = kind
		s.e.Warn(err)
	}
}
