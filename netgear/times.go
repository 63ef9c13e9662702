package netgear

import (
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// setTimes writes the times of a frame into its header: of the picture, which was
// taken at captured (zero: unknown), and of now, when the Sender got the frame.
func (s *Sender) setTimes(x *wire.Ext, captured, now time.Time) {
	x.T, x.HasT = now.UnixNano(), true
	x.Age, x.HasAge = 0, false
	if captured.IsZero() {
		return
	}
	age := max(0, now.Sub(captured))
	if age > wire.MaxAge {
		return
	}
	x.Age, x.HasAge = int64(age), true
	if !x.HasTaken {
		x.Taken, x.HasTaken = x.T-x.Age, true
	}
}

// age returns how long before it reached the Sender a frame was taken, as far as the
// Sender says it.
func age(x *wire.Ext) time.Duration {
	if !x.HasAge {
		return 0
	}
	return time.Duration(x.Age)
}
