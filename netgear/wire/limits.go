package wire

// Limits of this package. NetGear has none of them. We chose them far above what
// real peers send, and low enough to keep a hostile peer harmless.
const (
	// MaxValueLen is the longest JSON value that travels with a frame or an answer,
	// in bytes of JSON text. A longer one is refused where it is set.
	MaxValueLen = 16 << 20

	// MaxHeaderLen is the longest header or JSON reply, in bytes: the longest value,
	// and plenty for the rest. A NetGear header without a message has about 150.
	MaxHeaderLen = MaxValueLen + 64<<10

	// MaxDepth is how deep arrays and objects may nest in one value of a header or a
	// reply, without the header's own braces. [[1]] has two levels. CPython gives up
	// near 1000.
	MaxDepth = 64

	// MaxDims is the largest number of dimensions of a shape. A picture has
	// two or three; numpy allows 32 (64 since numpy 2).
	MaxDims = 8

	// MaxPortLen is the longest port of a multi-server or multi-client peer, in
	// bytes of decoded text. Five digits are usual, but NetGear accepts any value.
	MaxPortLen = 1 << 10

	// MaxTime is the largest timestamp and wall clock, in ns: 146 years. The sum and
	// the difference of two of them still fit.
	MaxTime = 1 << 62

	// MaxReorder is the longest time between the decoding of a frame and its
	// showing, in ns.
	MaxReorder = 10 * 1e9

	// MaxDuration is the longest frame, in ns: a day. maxRate is the largest number
	// of frames a second, minRate the largest number of seconds for one frame.
	MaxDuration = 24 * 3600 * 1e9
	maxRate     = 1e6
	minRate     = 24 * 3600

	// MaxAge is how old a frame is at most when its sender gets it, in ns: a minute.
	// No pipeline delays live video for so long, so an older time is not the time
	// at which the frame was taken.
	MaxAge = 60 * 1e9

	// MaxIDLen is the longest name of a receiver's clock, in bytes.
	MaxIDLen = 16

	// MaxCapsLen is the longest caps text of the extension key, in bytes.
	MaxCapsLen = 4 << 10
)

// maxDigits is CPython's limit, not ours: since 3.10.7 json.loads raises for an
// integer with more digits (sys.set_int_max_str_digits), and an exception in
// NetGear's receive thread ends it for good. So such a number is not a valid value.
const maxDigits = 4300
