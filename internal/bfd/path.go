package bfd

// linkState is the state of an interface that a session depends on.
type linkState uint8

// Link states.
const (
	linkMissing linkState = iota // there is no such interface
	linkDown
	linkUp
)

// path is the state of the local interfaces that a session needs.
type path struct {
	Out     linkState // the interface on which the session sends; linkUp if routing decides
	Tracked linkState // the tracked interface; linkUp if there is none
	Ifindex int       // index of the interface on which the session sends; zero if routing decides
	Held    bool      // Table.Hold keeps the session Down because the device does not do its work
}

func (p path) up() bool      { return p.Out == linkUp && p.Tracked == linkUp && !p.Held }
func (p path) canSend() bool { return p.Out == linkUp }

// diagnostic returns the diagnostic to send while the path is not up.
func (p path) diagnostic() Diagnostic {
	switch {
	case p.Held:
		return DiagForwardingPlaneReset
	case p.Tracked != linkUp:
		return DiagConcatenatedPathDown
	}
	return DiagPathDown
}
