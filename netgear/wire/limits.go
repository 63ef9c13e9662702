package wire

// Limits of this package. NetGear has none of them: they are our choice, far
// above what real peers send and low enough to keep a hostile one harmless.
const (
	// MaxHeaderLen is the longest header, JSON reply or JSON value, in bytes.
	// A NetGear header without a message has about 150.
	MaxHeaderLen = 1 << 20

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

	// MaxCapsLen is the longest caps text of the extension key, in bytes.
	MaxCapsLen = 4 << 10
)

// maxDigits is CPython's limit, not ours: since 3.10.7 json.loads raises for
// an integer of more digits (sys.set_int_max_str_digits), and an exception in
// NetGear's receive thread ends it for good. So such a number is no value.
const maxDigits = 4300
