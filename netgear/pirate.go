package netgear

// pirate counts timeouts in a row against a limit (Lazy Pirate). It has no clock and
// no socket, and belongs to one goroutine.
//
//	         timedOut                    timedOut
//	calm ---------------> missing -------------------> given up
//	  ^                     |  ^  |    (limit reached)
//	  +---- succeeded ------+  +--+ timedOut
//
// NetGear's counter is a budget for life, and its default of 3 means two reconnects.
// Ours has the same limit, but every success starts it anew.
type pirate struct {
	limit  int // 0: never give up
	missed int
}

func (p *pirate) succeeded() { p.missed = 0 }

func (p *pirate) timedOut() (giveUp bool) {
	p.missed++
	return p.limit > 0 && p.missed >= p.limit
}
