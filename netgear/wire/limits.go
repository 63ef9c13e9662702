package wire

// Limits of this package. NetGear has none of them: they are our choice, far
// above what real peers send and low enough to keep a hostile one harmless.
const (
	// MaxValueLen is the longest JSON value that travels with a frame or answers
	// one, in bytes of JSON text. Whoever sets one is held to it.
	MaxValueLen = 16 << 20

	// MaxHeaderLen is the longest header or JSON reply, in bytes: the longest
	// value, and plenty for the rest. A NetGear header without a message has
	// about 150.
	MaxHeaderLen = MaxValueLen + 64<<10

	// MaxDepth is how deep arrays and objects may nest in one value of a
	// header or a reply; the header's own braces do not count. [[1]] has two
	// levels. CPython gives up near 1000.
	MaxDepth = 64

	// MaxDims is the largest number of dimensions of a shape. A picture has
	// two or three; numpy allows 32 (64 since numpy 2).
	MaxDims = 8

	// MaxPortLen is the longest port of a multi-server or multi-client peer,
	// in bytes of decoded text. Five digits are usual, but NetGear takes any value.
	MaxPortLen = 1 << 10

	// MaxTime is the largest timestamp and wall clock, in ns: 146 years. What is
	// added to or taken from another then still fits.
	MaxTime = 1 << 62

	// MaxDuration is the longest frame, in ns: a day. maxRate is the most frames
	// a second, minRate the seconds that one may take.
	MaxDuration = 24 * 3600 * 1e9
	maxRate     = 1e6
	minRate     = 24 * 3600

	// MaxCapsLen is the longest caps text of the extension key, in bytes.
	MaxCapsLen = 4 << 10
)

// maxDigits is CPython's limit, not ours: since 3.10.7 json.loads raises for
// an integer of more digits (sys.set_int_max_str_digits), and an exception in
// NetGear's receive thread ends it for good. So such a number is no value.
const maxDigits = 4300
