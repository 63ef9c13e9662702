package kit

// Pattern is a messaging pattern by NetGear's number.
type Pattern int

// Patterns.
const (
	Pair Pattern = iota
	ReqRep
	PubSub
)

// Patterns are all of them.
var Patterns = []Pattern{Pair, ReqRep, PubSub}

func (p Pattern) String() string { return [...]string{"pair", "req-rep", "pub-sub"}[p] }
