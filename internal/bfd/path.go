package bfd

// linkState is the state of an interface that a session depends on.
type linkState uint8

// Link states.
const (
	linkMissing linkState = iota // there is no such interface
	linkDown
	linkUp
)

// path is what the local interfaces let a session hope for.
type path struct {
	Out     linkState // the interface its packets leave by; linkUp where routing decides
	Tracked linkState // the tracked interface; linkUp where none is
	Ifindex int       // of the first; zero where routing decides
	Held    bool      // whatever the session is to vouch for does not work (Table.Hold)
}

func (p path) up() bool      { return p.Out == linkUp && p.Tracked == linkUp && !p.Held }
func (p path) canSend() bool { return p.Out == linkUp }

// diagnostic tells the peer why a session is held down.
func (p path) diagnostic() Diagnostic {
	switch {
	case p.Held:
		return DiagForwardingPlaneReset
	case p.Tracked != linkUp:
		return DiagConcatenatedPathDown
	}
	return DiagPathDown
}
