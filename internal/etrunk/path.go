package etrunk

import (
	"cmp"
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// MaxHeartbeats is how many paths an E-Trunk can have besides the primary one.
const MaxHeartbeats = 3

// Path is a pair of addresses between which hellos are sent. The primary path is between
// Config.Local and Config.Peer; heartbeat paths use other addresses.
type Path struct {
	Local, Peer netip.Addr
	VPN         string // VPN instance of the addresses, empty for the public network
}

// String gives the path as the commands spell it.
func (p Path) String() string {
	line := "peer-ipv6 " + p.Peer.String() + " source-ipv6 " + p.Local.String()
	if p.VPN != "" {
		line += " vpn-instance " + p.VPN
	}
	return line
}

// Compare orders paths by VPN instance, then by addresses.
func (p Path) Compare(q Path) int {
	return cmp.Or(cmp.Compare(p.VPN, q.VPN), p.Peer.Compare(q.Peer), p.Local.Compare(q.Local))
}

// Clashes reports whether two paths have an address in common. Then one of the devices
// could not tell by which path a hello came.
func (p Path) Clashes(q Path) bool {
	return p.VPN == q.VPN && (p.Peer == q.Peer || p.Local == q.Local || p.Peer == q.Local || p.Local == q.Peer)
}

// ComesFrom reports whether a hello from an address in a VPN instance came by this path.
func (p Path) ComesFrom(peer netip.Addr, vpn string) bool {
	return p.VPN == vpn && samePeer(p.Peer, peer)
}

// A path is lost when lostHellos successive hellos have come by other paths and not by
// this one, the first of them at least lostAfter ago. So neither a slow path nor a burst
// of hellos makes a path lost.
const (
	lostHellos = 3
	lostAfter  = time.Second
)

// PathSession is the state of a path. It is part of a Session and is handed on with it.
type PathSession struct {
	Path
	// Sequence is the highest sequence number, from the accepted boot of the peer, that
	// came by the path; 0 for none.
	Sequence uint64
	Heard    instant.Time // when the last hello of an accepted boot came by the path
	// Missed counts the hellos that have come by other paths since then. MissedSince is
	// when the first of them came.
	Missed      int
	MissedSince instant.Time
	// Up says whether hellos of the accepted boot come by the path. Since is when this
	// last changed.
	Up    bool
	Since instant.Time
	// Lost says that hellos come by other paths and not by this one.
	Lost     bool
	Counters Counters
}

// came records that a hello of the peer came by this path, from the boot that the peer
// has proven to be its present one.
func (p *PathSession) came(now instant.Time, sequence uint64) {
	p.Sequence, p.Heard, p.Missed = sequence, now, 0
}

// missed records a hello that came by another path.
func (p *PathSession) missed(now instant.Time) {
	if p.Missed++; p.Missed == 1 {
		p.MissedSince = now
	}
}

// copyLife is how long after its first copy a hello may still come by another path. A
// hello that is three times as late is never accepted as a copy.
const copyLife = time.Second

// CopyWindow tells which hellos are too old to be accepted as copies.
type CopyWindow struct {
	Floor uint64 // highest sequence number that is too old
	Next  uint64 // the next value of Floor; it takes effect copyLife after At
	At    instant.Time
}

// age moves the window: what had come copyLife ago is now too old. highest is the highest
// sequence number received.
func (w *CopyWindow) age(now instant.Time, highest uint64) {
	switch age := now.Sub(w.At); {
	case age >= 2*copyLife:
		*w = CopyWindow{Floor: highest, Next: highest, At: now}
	case age >= copyLife:
		*w = CopyWindow{Floor: w.Next, Next: highest, At: now}
	}
}

// Paths lists the primary path and the heartbeat paths; none while the addresses are missing.
func (c Config) Paths() []Path {
	if !c.Local.IsValid() || !c.Peer.IsValid() {
		return nil
	}
	return append([]Path{{Local: c.Local, Peer: c.Peer, VPN: c.VPN}}, c.Heartbeats...)
}

// setPaths makes the paths of a configuration. Paths that were there before keep their
// state.
func (t *Trunk) setPaths(now instant.Time) {
	old := t.kept.Paths
	t.kept.Paths = nil
	for _, path := range t.cfg.Paths() {
		known := PathSession{Path: path, Since: now}
		for i := range old {
			if old[i].Path == path {
				known = old[i]
			}
		}
		t.kept.Paths = append(t.kept.Paths, known)
	}
}

// pathFrom finds the path by which a hello came, nil if there is none.
func (t *Trunk) pathFrom(peer netip.Addr, vpn string) *PathSession {
	for i := range t.kept.Paths {
		if t.kept.Paths[i].ComesFrom(peer, vpn) {
			return &t.kept.Paths[i]
		}
	}
	return nil
}

// isHeartbeat reports whether a path is not the primary one.
func (t *Trunk) isHeartbeat(path *PathSession) bool { return path != &t.kept.Paths[0] }

// judgePaths computes which paths are up and which are lost.
func (t *Trunk) judgePaths(now instant.Time, fx *Effects) {
	for i := range t.kept.Paths {
		p := &t.kept.Paths[i]
		lost := p.Missed >= lostHellos && now.Sub(p.MissedSince) >= lostAfter
		up := p.Sequence != 0 && !lost
		if up != p.Up {
			p.Since = now
		}
		fx.Changed = fx.Changed || up != p.Up || lost != p.Lost
		p.Up, p.Lost = up, lost
	}
}

// forgetPaths makes all paths down, until hellos come from a boot that has answered a
// challenge.
func (t *Trunk) forgetPaths() {
	for i := range t.kept.Paths {
		t.kept.Paths[i].Sequence, t.kept.Paths[i].Missed = 0, 0
	}
}

// tally counts a packet for the E-Trunk, and for its path if that is known.
func (t *Trunk) tally(path *PathSession, count func(*Counters)) {
	count(&t.kept.Counters)
	if path != nil {
		count(&path.Counters)
	}
}

// PathState is a snapshot of one path.
type PathState struct {
	Path
	// Up says whether hellos of the peer come by the path. For is how long this has been
	// so.
	Up  bool
	For time.Duration
	// Lost says that hellos of the peer come by another path and not by this one.
	Lost bool
	// Heard is how long ago the last hello came by the path, negative if none has come.
	Heard    time.Duration
	Counters Counters
}

func (t *Trunk) pathStates(now instant.Time) (states []PathState) {
	for i := range t.kept.Paths {
		p := &t.kept.Paths[i]
		s := PathState{Path: p.Path, Up: p.Up, For: now.Sub(p.Since), Lost: t.kept.Peer.Alive && p.Lost, Heard: -1, Counters: p.Counters}
		if p.Heard.IsSet() {
			s.Heard = now.Sub(p.Heard)
		}
		states = append(states, s)
	}
	return states
}
