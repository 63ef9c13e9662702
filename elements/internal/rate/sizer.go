package rate

import "math"

// Sizer learns how large frames become at each of libjpeg's qualities, 1 to 100, and
// finds the quality for a size. A frame has about
//
//	bytes = content / s^slope    s = 5000/quality below 50, 200 - 2*quality above
//
// where s is the scale of the quantisation, in percent. The content changes with the
// picture, the slope hardly does.
//
// When the quality changes, frames of the old quality may still be on their way from the
// encoder. So a second change waits for a frame that shows the first. A Sizer is not
// safe for concurrent use.
type Sizer struct {
	content float64 // logarithm; 0: no frame yet
	slope   float64
	quality int     // the present one
	bytes   float64 // what it was chosen for

	// After a change:
	changed          bool
	frames           int     // how many came since
	was              int     // the quality before
	before, expected float64 // logarithms of the sizes
	delay            int     // how many frames of the old quality came after the last change
	last             float64 // logarithm of the size of the last frame
}

const (
	firstSlope            = 0.6
	leastSlope, mostSlope = 0.3, 1.2
	slopeWeight           = 0.3
	clearStep             = 0.25 // of a logarithm of s, to learn the slope from
	mostDelay             = 8
	larger, smaller       = 0.7, 0.3 // how much a frame counts that is larger, or smaller, than expected
	clearChange           = 0.15     // of a logarithm of bytes
	strengthUp            = 0.35     // the largest step up, of a logarithm of s
	urgent                = 0.7      // of the bytes: after such a fall the quality changes at once
	// leastScale and mostScale are in percent. From mostScale on the quantisation of all
	// that matters is 255, the most: qualities of 1 and 2 make frames of the same size.
	leastScale, mostScale = 1.0, 2000.0
)

// NewSizer begins with the quality that is set.
func NewSizer(quality int) *Sizer {
	return &Sizer{slope: firstSlope, quality: quality, bytes: math.Inf(1)}
}

// scale returns the logarithm of the scale of the quantisation.
func scale(quality int) float64 {
	q := float64(min(max(quality, 1), 100))
	s := 200 - 2*q
	if q < 50 {
		s = 5000 / q
	}
	return math.Log(min(max(s, leastScale), mostScale))
}

// Frame notes the size of a frame.
func (z *Sizer) Frame(bytes int) {
	size := math.Log(float64(max(bytes, 1)))
	defer func() { z.last = size }()
	if z.content == 0 {
		z.content = size + z.slope*scale(z.quality)
		return
	}
	if z.changed {
		z.frames++
		isClear := math.Abs(z.expected-z.before) > clearChange
		isNew := z.frames > z.delay
		if isClear {
			isNew = math.Abs(size-z.expected) < math.Abs(size-z.before)
		}
		if !isNew && z.frames <= mostDelay {
			return
		}
		z.changed = false
		if isClear {
			z.delay = z.frames - 1
			z.learn(size)
		}
	}
	seen := size + z.slope*scale(z.quality)
	weight := smaller
	if seen > z.content {
		weight = larger
	}
	z.content += weight * (seen - z.content)
}

// learn corrects the slope with the first frame after a clear change of the quality.
func (z *Sizer) learn(size float64) {
	step := scale(z.quality) - scale(z.was)
	if math.Abs(step) < clearStep {
		return
	}
	slope := min(max((z.before-size)/step, leastSlope), mostSlope)
	z.slope += slopeWeight * (slope - z.slope)
	z.content = size + z.slope*scale(z.quality)
}

// Bytes returns how large a frame of that quality becomes, 0 while nothing is known.
func (z *Sizer) Bytes(quality int) float64 {
	if z.content == 0 {
		return 0
	}
	return math.Exp(z.content - z.slope*scale(quality))
}

// Choose returns the best quality, from least to best, whose frames have at most so many
// bytes. Where there is none it returns least. The caller tells the encoder.
func (z *Sizer) Choose(bytes float64, least, best int) int {
	switch {
	case z.content == 0, z.changed && bytes > urgent*z.bytes:
		return z.quality
	}
	q := best
	for q > least && (z.Bytes(q) > bytes || q > z.quality+1 && scale(z.quality)-scale(q) > strengthUp) {
		q--
	}
	if q != z.quality {
		if !z.changed {
			z.before, z.was = z.last, z.quality
		}
		z.changed, z.frames, z.quality, z.bytes = true, 0, q, bytes
		z.expected = z.content - z.slope*scale(q)
	}
	return q
}
