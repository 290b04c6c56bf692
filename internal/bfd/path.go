package bfd

// Link is the state of an interface that a session depends on.
type Link uint8

// Link states.
const (
	LinkMissing Link = iota // there is no such interface
	LinkDown
	LinkUp
)

// Path is what the local interfaces let a session hope for.
type Path struct {
	Out     Link // the interface its packets leave by; LinkUp where routing decides
	Tracked Link // the tracked interface; LinkUp where none is
	Ifindex int  // of the first; zero where routing decides
	Held    bool // whatever the session is to vouch for does not work (Table.Hold)
}

func (p Path) up() bool      { return p.Out == LinkUp && p.Tracked == LinkUp && !p.Held }
func (p Path) canSend() bool { return p.Out == LinkUp }

// diagnostic tells the peer why a session is held down.
func (p Path) diagnostic() Diagnostic {
	switch {
	case p.Held:
		return DiagForwardingPlaneReset
	case p.Tracked != LinkUp:
		return DiagConcatenatedPathDown
	}
	return DiagPathDown
}
