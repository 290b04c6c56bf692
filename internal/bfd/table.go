package bfd

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"tandem/internal/instant"
)

// Table holds the sessions of a device.
type Table struct {
	rng             *rand.Rand
	byDiscriminator map[uint32]*session
	byEndpoints     map[endpoints]*session
	byName          map[string]*session
	links           map[string]link
	names           map[int]string // names of the existing links, by index
	due             instant.Queue[*session]
	held            bool
	counters        Counters
}

type link struct {
	index int
	up    bool
}

// NewTable returns an empty table. rng is the source of all jitter.
func NewTable(rng *rand.Rand) *Table {
	return &Table{
		rng:             rng,
		byDiscriminator: make(map[uint32]*session),
		byEndpoints:     make(map[endpoints]*session),
		byName:          make(map[string]*session),
		links:           make(map[string]link),
		names:           make(map[int]string),
		due:             instant.Queue[*session]{Moved: func(s *session, place int) { s.place = place }},
	}
}

// Configure replaces the configurations of all sessions by cfgs, with defaults. A session
// that keeps its addresses, interface and discriminators keeps its state. A session that is
// removed sends AdminDown to its peer. An error is a *ConfigError; then nothing has changed.
func (t *Table) Configure(now instant.Time, cfgs []Config, fx *Effects) error {
	wanted := make([]Config, len(cfgs))
	for i, c := range cfgs {
		wanted[i] = c.withDefaults()
	}
	if err := validateAll(wanted); err != nil {
		return err
	}
	defer t.countSent(len(fx.Sends), fx)
	kept := make(map[string]bool, len(wanted))
	for _, c := range wanted {
		old, ok := t.byName[c.Name]
		kept[c.Name] = ok && sameSession(old.cfg, c)
	}
	for _, s := range t.sorted() {
		if !kept[s.cfg.Name] {
			t.remove(now, s, fx)
		}
	}
	for _, c := range wanted {
		if s, ok := t.byName[c.Name]; ok {
			s.Reconfigure(now, c, fx)
			s.SetPath(now, t.path(c), fx)
			t.schedule(now, s)
		} else {
			t.add(now, c, fx)
		}
	}
	return nil
}

// sameSession reports whether a session can keep its state when its configuration changes.
func sameSession(a, b Config) bool {
	return a.endpoints() == b.endpoints() &&
		a.LocalDiscriminator == b.LocalDiscriminator && a.RemoteDiscriminator == b.RemoteDiscriminator
}

func (t *Table) add(now instant.Time, c Config, fx *Effects) {
	s := newSession(now, c, t.rng)
	t.byName[c.Name] = s
	t.byDiscriminator[c.LocalDiscriminator] = s
	t.byEndpoints[c.endpoints()] = s
	s.SetPath(now, t.path(c), fx)
	t.schedule(now, s)
}

func (t *Table) remove(now instant.Time, s *session, fx *Effects) {
	s.Goodbye(now, true, fx)
	delete(t.byName, s.cfg.Name)
	delete(t.byDiscriminator, s.cfg.LocalDiscriminator)
	delete(t.byEndpoints, s.cfg.endpoints())
	if s.place != instant.Out {
		t.due.Remove(s.place)
	}
}

// Close ends all sessions. Their peers see a failure at once (session.Goodbye). The table is
// empty afterwards.
func (t *Table) Close(now instant.Time, fx *Effects) {
	defer t.countSent(len(fx.Sends), fx)
	for _, s := range t.sorted() {
		s.Goodbye(now, false, fx)
		t.remove(now, s, &Effects{})
	}
}

// SetLink sets the state of the interface with this Linux name: its index, zero if it
// does not exist, and whether it can carry packets. Sessions on an interface without a
// state wait for it.
func (t *Table) SetLink(now instant.Time, name string, index int, up bool, fx *Effects) {
	defer t.countSent(len(fx.Sends), fx)
	if old, ok := t.links[name]; ok && t.names[old.index] == name {
		delete(t.names, old.index)
	}
	if index == 0 {
		delete(t.links, name)
	} else {
		t.links[name] = link{index, up}
		t.names[index] = name
	}
	for _, s := range t.sorted() {
		if s.cfg.Interface == name || s.cfg.TrackInterface == name {
			s.SetPath(now, t.path(s.cfg), fx)
			t.schedule(now, s)
		}
	}
}

// Hold takes all sessions Down with diagnostic 4, until it is called with on false. A
// device that does not do its work but can still send packets uses it, so that its peers
// do not rely on it.
func (t *Table) Hold(now instant.Time, on bool, fx *Effects) {
	defer t.countSent(len(fx.Sends), fx)
	t.held = on
	for _, s := range t.sorted() {
		s.SetPath(now, t.path(s.cfg), fx)
		t.schedule(now, s)
	}
}

func (t *Table) path(c Config) path {
	p := path{Out: linkUp, Tracked: linkUp, Held: t.held}
	if c.Interface != "" {
		p.Out, p.Ifindex = t.link(c.Interface)
	}
	if c.TrackInterface != "" {
		p.Tracked, _ = t.link(c.TrackInterface)
	}
	return p
}

func (t *Table) link(name string) (linkState, int) {
	switch l, ok := t.links[name]; {
	case !ok:
		return linkMissing, 0
	case l.up:
		return linkUp, l.index
	default:
		return linkDown, l.index
	}
}

// Deadline returns when Advance must be called next, Never if no timer runs.
func (t *Table) Deadline() instant.Time { return t.due.Deadline() }

// Advance does all that is due in every session. The caller must have passed all packets
// received until now to Receive before: otherwise a late process would declare live peers
// lost.
func (t *Table) Advance(now instant.Time, fx *Effects) {
	defer t.countSent(len(fx.Sends), fx)
	for s, ok := t.due.Due(now); ok; s, ok = t.due.Due(now) {
		t.woke(now, s, fx)
		s.Advance(now, fx)
		t.schedule(now, s)
	}
}

// Stolen reports to all sessions that a hypervisor did not let a processor of this device
// run for the time d.
func (t *Table) Stolen(now instant.Time, d time.Duration, fx *Effects) {
	defer t.countSent(len(fx.Sends), fx)
	for _, s := range t.sorted() {
		s.NoteLate(now, d, CauseSteal, fx)
		t.schedule(now, s)
	}
}

// Snapshot appends the state of every session to dst, sorted by name.
func (t *Table) Snapshot(now instant.Time, dst []SessionState) []SessionState {
	for _, s := range t.sorted() {
		dst = append(dst, s.Snapshot(now))
	}
	return dst
}

// Counters returns the counts since the table was made.
func (t *Table) Counters() Counters { return t.counters }

// countSent counts the packets that were added to fx. before is the number of packets in
// fx at the start.
func (t *Table) countSent(before int, fx *Effects) {
	t.counters.Sent += uint64(len(fx.Sends) - before)
}

func (t *Table) sorted() []*session {
	all := make([]*session, 0, len(t.byName))
	for _, s := range t.byName {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *session) int { return cmp.Compare(a.cfg.Name, b.cfg.Name) })
	return all
}

// schedule records when a session must be advanced next. The record is never earlier than
// now, so that a deadline that has passed already does not count as lateness of this
// device.
func (t *Table) schedule(now instant.Time, s *session) {
	at := s.Deadline()
	switch {
	case s.place == instant.Out && at.IsSet():
		t.due.Push(at, s)
	case at.IsSet():
		t.due.Move(s.place, at)
	case s.place != instant.Out:
		t.due.Remove(s.place)
	}
	s.wanted = instant.Never
	if at.IsSet() {
		s.wanted = max(at, now)
	}
}

// woke reports to a session how late this device is for the session's deadline. Call it
// before anything else is done with the session, because anything else may move the
// deadline.
func (t *Table) woke(now instant.Time, s *session, fx *Effects) {
	if s.wanted.IsSet() {
		s.NoteLate(now, now.Sub(s.wanted), CauseThread, fx)
	}
}
