package mld

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/instant"
)

// tables is a router exactly as in RFC 9777, section 7, for one group. It has a filter mode
// with its timer, and a timer for each source. It does not know the hosts. A timer is the
// time at which it ends.
type tables struct {
	cfg     Config
	exclude bool
	filter  instant.Time
	// sources are those of INCLUDE (A) or of EXCLUDE (X,Y). Those with a running timer are
	// X.
	sources map[int]instant.Time
	// Queries that are still to be sent: how many, and when the next one is due.
	group   question
	asked   map[int]question
	queries []tableQuery
}

type question struct {
	left int
	next instant.Time
}

// tableQuery is a query that is sent now.
type tableQuery struct {
	general bool
	sources sourceSet // none: a group specific query
}

func (t *tables) each(list sourceSet, do func(i int)) {
	for i := range 4 {
		if list&(1<<i) != 0 {
			do(i)
		}
	}
}

func (t *tables) requested() (x sourceSet) {
	for i, end := range t.sources {
		if end.IsSet() {
			x |= 1 << i
		}
	}
	return x
}

func (t *tables) excluded() (y sourceSet) {
	for i, end := range t.sources {
		if !end.IsSet() {
			y |= 1 << i
		}
	}
	return y
}

func (t *tables) set(list sourceSet, end instant.Time) {
	t.each(list, func(i int) { t.sources[i] = end })
}

func (t *tables) drop(list sourceSet) { t.each(list, func(i int) { delete(t.sources, i) }) }

// report implements sections 7.4.1 and 7.4.2, line by line.
func (t *tables) report(now instant.Time, rec RecordType, b sourceSet) {
	mali := now.Add(t.cfg.ListeningInterval())
	x, y := t.requested(), t.excluded()
	switch {
	case rec == ModeIsInclude || rec == AllowNewSources:
		t.set(b, mali)
	case !t.exclude && (rec == ModeIsExclude || rec == ChangeToExclude):
		t.set(b&^x, instant.Never)
		t.drop(x &^ b)
		t.exclude, t.filter = true, mali
		if rec == ChangeToExclude {
			t.ask(now, x&b)
		}
	case !t.exclude && rec == BlockOldSources:
		t.ask(now, x&b)
	case !t.exclude && rec == ChangeToInclude:
		t.set(b, mali)
		t.ask(now, x&^b)
	case rec == ModeIsExclude:
		t.drop((x | y) &^ b)
		t.set(b&^(x|y), mali)
		t.filter = mali
	case rec == ChangeToExclude:
		t.drop((x | y) &^ b)
		t.set(b&^(x|y), t.filter)
		t.filter = mali
		t.ask(now, b&^y)
	case rec == BlockOldSources:
		t.set(b&^(x|y), t.filter)
		t.ask(now, b&^y)
	case rec == ChangeToInclude:
		t.set(b, mali)
		t.ask(now, x&^b)
		t.group = question{t.cfg.Robustness, now}
		t.filter = instant.Earliest(t.filter, now.Add(t.cfg.LastListenerQueryTime()))
	}
	t.send(now)
}

// ask applies a specific query (sections 7.6.1 and 7.6.3.2).
func (t *tables) ask(now instant.Time, list sourceSet) {
	t.each(list, func(i int) {
		t.asked[i] = question{t.cfg.Robustness, now}
		if end := t.sources[i]; end.IsSet() {
			t.sources[i] = instant.Earliest(end, now.Add(t.cfg.LastListenerQueryTime()))
		}
	})
}

// send sends the queries that are due.
func (t *tables) send(now instant.Time) {
	var list sourceSet
	for i, q := range t.asked {
		if q.left > 0 && q.next <= now {
			list |= 1 << i
			t.asked[i] = question{q.left - 1, now.Add(t.cfg.LastListenerInterval)}
		}
	}
	if list != 0 {
		t.queries = append(t.queries, tableQuery{sources: list})
	}
	if q := t.group; q.left > 0 && q.next <= now {
		t.queries = append(t.queries, tableQuery{})
		t.group = question{q.left - 1, now.Add(t.cfg.LastListenerInterval)}
	}
}

// advance implements sections 7.2.2, 7.2.3 and 7.5.
func (t *tables) advance(now instant.Time) {
	for i, end := range t.sources {
		switch {
		case !end.IsDue(now):
		case t.exclude:
			t.sources[i] = instant.Never
		default:
			delete(t.sources, i)
		}
	}
	if t.exclude && t.filter <= now {
		t.exclude = false
		t.drop(t.excluded())
	}
	t.send(now)
}

// next returns when advance has something to do.
func (t *tables) next() (at instant.Time) {
	note := func(end instant.Time, running bool) {
		if running {
			at = instant.Earliest(at, end)
		}
	}
	for _, end := range t.sources {
		note(end, true)
	}
	for _, q := range t.asked {
		note(q.next, q.left > 0)
	}
	note(t.filter, t.exclude)
	note(t.group.next, t.group.left > 0)
	return at
}

// forwards implements section 7.3.
func (t *tables) forwards() sourceSet {
	if t.exclude {
		return everyone &^ t.excluded()
	}
	return t.requested()
}

// talk is a link with one router and hosts, without packet loss. Hosts report every change
// at once and answer every query in time (section 6).
type talk struct {
	rng     *rand.Rand
	wants   []sourceSet  // the sources that each host wants
	pending []tableReply // answers that are not sent yet
}

type tableReply struct {
	at   instant.Time
	host int
	q    tableQuery
}

// hear makes every host schedule an answer to a query.
func (k *talk) hear(now instant.Time, q tableQuery, within time.Duration) {
	for host := range k.wants {
		k.pending = append(k.pending, tableReply{now.Add(time.Duration(k.rng.Int64N(int64(within/tickLength))) * tickLength), host, q})
	}
}

// replies removes and sends the answers that are due (section 6.3).
func (k *talk) replies(now instant.Time, say func(host int, rec RecordType, list sourceSet)) {
	k.pending = slices.DeleteFunc(k.pending, func(p tableReply) bool {
		if p.at > now {
			return false
		}
		want := k.wants[p.host]
		switch {
		case p.q.sources != 0:
			if want &= p.q.sources; want != 0 {
				say(p.host, ModeIsInclude, want)
			}
		case want&anyOther != 0:
			say(p.host, ModeIsExclude, everyone&^want)
		case want != 0:
			say(p.host, ModeIsInclude, want)
		}
		return true
	})
}

func (k *talk) next() (at instant.Time) {
	for _, p := range k.pending {
		at = instant.Earliest(at, p.at)
	}
	return at
}

// change sends what a host reports when its filter changes (section 6.1).
func change(old, next sourceSet, say func(rec RecordType, list sourceSet)) {
	switch {
	case next&anyOther != 0 && old&anyOther == 0:
		say(ChangeToExclude, everyone&^next)
		return
	case next&anyOther == 0 && old&anyOther != 0:
		say(ChangeToInclude, next)
		return
	}
	if allow := next &^ old; allow != 0 {
		say(AllowNewSources, allow)
	}
	if block := old &^ next; block != 0 {
		say(BlockOldSources, block)
	}
}

// duel makes the router and the tables of the RFC serve the same hosts. Each has a link of
// its own, so each hears the answers to its own queries.
type duel struct {
	*rig
	tables tables
	hosts  []netip.Addr
	mine   talk // the link of the router
	theirs talk // the link of the tables
	// general is when the tables send their next general query.
	general instant.Time
	changed instant.Time    // when a host last changed its filter
	left    [5]instant.Time // when a host last wanted each source
}

func newDuel(t *testing.T, seed uint64) *duel {
	d := &duel{rig: newRig(t, DefaultConfig()), hosts: addrList("fe80::1:1", "fe80::1:2", "fe80::1:3", "fe80::1:4"), general: after(0)}
	d.tables = tables{cfg: d.r.cfg, sources: map[int]instant.Time{}, asked: map[int]question{}}
	rng := rand.New(rand.NewPCG(seed, 11))
	d.mine = talk{rng: rng, wants: make([]sourceSet, len(d.hosts))}
	d.theirs = talk{rng: rng, wants: d.mine.wants}
	return d
}

// step advances to an instant and does what is due.
func (d *duel) step(now instant.Time) {
	d.now = now
	d.fx.Reset()
	d.r.Advance(now, d.version(), &d.fx)
	d.pass()
	d.tables.advance(now)
	if d.general <= now {
		d.general = now.Add(d.tables.cfg.QueryInterval)
		d.tables.queries = append(d.tables.queries, tableQuery{general: true})
	}
	d.mine.replies(now, d.toRouter)
	d.theirs.replies(now, d.toTables)
	d.pass()
}

func (d *duel) toRouter(host int, rec RecordType, list sourceSet) {
	d.hear(d.hosts[host], rec, group1, list.addrs()...)
	d.pass()
}

func (d *duel) toTables(_ int, rec RecordType, list sourceSet) {
	d.tables.report(d.now, rec, list)
	d.pass()
}

// pass gives the queries to the hosts.
func (d *duel) pass() {
	for _, q := range d.fx.Queries {
		sources, _ := setOf(Filter{Include, q.Sources})
		d.mine.hear(d.now, tableQuery{q.General(), sources}, q.MaxResponse)
	}
	d.fx.Reset()
	for _, q := range d.tables.queries {
		within := d.tables.cfg.LastListenerInterval
		if q.general {
			within = d.tables.cfg.MaxResponse
		}
		d.theirs.hear(d.now, q, within)
	}
	d.tables.queries = d.tables.queries[:0]
}

func (d *duel) run(until instant.Time, check func()) {
	for {
		at := instant.Earliest(d.general, d.r.Deadline(), d.tables.next(), d.mine.next(), d.theirs.next())
		if at > until {
			d.now = until
			return
		}
		d.step(max(at, d.now))
		check()
	}
}

// TestTables makes hosts change their filters at random. It compares the router, which
// knows each host, with the tables of RFC 9777, section 7.4, which know none. At every
// moment both send what any host wants. After the last listener has left, the router stops
// as soon as the last listener query time permits. The tables stop at the latest when their
// timers have ended. Then all three agree.
func TestTables(t *testing.T) {
	seeds := 200
	if testing.Short() {
		seeds = 20
	}
	for seed := range uint64(seeds) {
		d := newDuel(t, seed)
		rng := rand.New(rand.NewPCG(seed, 13))
		check := func() {
			if err := d.differs(); err != "" {
				t.Fatalf("seed %d at %v: %s", seed, d.now, err)
			}
		}
		for range 300 {
			gap := time.Duration(rng.IntN(300)) * tickLength
			if rng.IntN(30) == 0 {
				gap = 10 * time.Minute
			}
			d.run(d.now.Add(gap), check)
			host, want := rng.IntN(len(d.hosts)), sourceSet(rng.IntN(int(everyone)+1))
			if rng.IntN(3) == 0 {
				want = 0
			}
			old := d.mine.wants[host]
			for i := range d.left {
				if d.wanted()&(1<<i) != 0 {
					d.left[i] = d.now
				}
			}
			d.mine.wants[host], d.changed = want, d.now
			change(old, want, func(rec RecordType, list sourceSet) {
				d.toRouter(host, rec, list)
				d.toTables(host, rec, list)
			})
			check()
		}
	}
}

func (d *duel) wanted() (s sourceSet) {
	for _, w := range d.mine.wants {
		s |= w
	}
	return s
}

func (d *duel) differs() string {
	wanted := d.wanted()
	router, _ := setOf(d.r.Filter(group1))
	rfc := d.tables.forwards()
	describe := func() string {
		return fmt.Sprintf("hosts want %05b (%05b), router sends %05b, tables %05b (%v %v)", wanted, d.mine.wants, router, rfc,
			d.tables.exclude, slices.Sorted(maps.Keys(d.tables.sources)))
	}
	quiet := d.now.Sub(d.changed)
	switch {
	case wanted&^router != 0, wanted&^rfc != 0:
		return "a listener lost: " + describe()
	case router&^wanted&^d.justLeft() != 0:
		return "the router sends what nobody wants: " + describe()
	case quiet > 2*d.r.cfg.ListeningInterval() && rfc != wanted:
		return "the tables send what nobody wants: " + describe()
	}
	return ""
}

// justLeft returns the sources that a host wanted until a last listener query time ago.
// While the whole group is one of them and is queried, all sources that were left stay.
func (d *duel) justLeft() (s sourceSet) {
	recent := func(t instant.Time) bool { return d.now < t.Add(d.r.cfg.LastListenerQueryTime()) }
	if rec, ok := d.r.Get(d.now, Key{group1, nobody}); ok && rec.Mode == Exclude && recent(d.left[4]) {
		return everyone
	}
	for i, t := range d.left {
		if recent(t) {
			s |= 1 << i
		}
	}
	return s
}
