package mld

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"tandem/internal/instant"
	"tandem/internal/resumetest"
)

// TestMemoriesAreWhole: the memory for a successor contains all state of a Router or a
// Proxy that outlives an event.
func TestMemoriesAreWhole(t *testing.T) {
	resumetest.Fields(t, reflect.TypeFor[Router](), []string{"kept"}, map[string]string{
		"cfg": "is given", "inUse": "follows from cfg and what the querier dictates",
		"store": "row by row, below", "leaves": "follows from the groups", "static": "follows from cfg, and StaticMemory",
		"room": "is told before every report", "scratch": "scratch",
	})
	resumetest.Fields(t, reflect.TypeFor[record](), []string{"clock", "expires", "heard", "group", "host", "list", "device", "flags"}, map[string]string{
		"links": "place in the table", "tprev": "place in the calendar", "tnext": "place in the calendar",
	})
	resumetest.Fields(t, reflect.TypeFor[group](), []string{"addr", "since", "v1Until", "partialUntil", "reporter", "leave"}, map[string]string{
		"live": "follows from the records", "exclude": "follows from the records", "leaveRecord": "follows from the records",
		"records": "follows from the records", "sources": "follows from the records",
	})
	resumetest.Fields(t, reflect.TypeFor[pendingLeave](), []string{"PendingLeave"}, map[string]string{"alarm": "follows from the queries"})
	resumetest.Fields(t, reflect.TypeFor[staticGroup](), []string{"addr", "since"}, map[string]string{"filter": "follows from cfg"})
	resumetest.Survives(t, RouterMemory{})

	resumetest.Fields(t, reflect.TypeFor[Proxy](), []string{"kept", "groups", "unsent", "repeats"}, map[string]string{
		"cfg": "is given", "rng": "is random", "now": "is told", "seed": "of the table", "lists": "of the table",
		"joined": "follows from the groups", "unsentCount": "follows from the groups", "answers": "follows from the groups",
		"packer": "scratch", "scratch": "scratch",
	})
	resumetest.Fields(t, reflect.TypeFor[membership](), []string{"addr", "list", "mode", "announced", "pending"}, map[string]string{
		"unsent": "follows from the list of the unsent",
	})
	resumetest.Fields(t, reflect.TypeFor[pendingReport](), []string{"StateChange"}, map[string]string{"first": "room"})
	resumetest.Survives(t, ProxyMemory{})
}

// routerTwins are two routers with the same inputs. From time to time one of them is
// replaced by a new router with its memory. Both must always behave the same.
type routerTwins struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	cfg   Config
	now   instant.Time
	clock uint64
	steps []string
	twins [2]*Router
	held  bool
	apart bool
}

func TestRouterAfterRestarts(t *testing.T) {
	for seed := range uint64(300) {
		x := &routerTwins{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 3)), cfg: DefaultConfig(), now: after(0)}
		x.cfg.Robustness = 2 + x.rng.IntN(2)
		x.cfg.Static = []StaticGroup{{Group: groupNumber(1)}}
		for i := range x.twins {
			x.twins[i] = NewRouter(x.cfg, 1, x.now)
		}
		for range 200 {
			x.step()
			if t.Failed() {
				return
			}
		}
	}
}

// both gives both routers the same input and compares their effects.
func (x *routerTwins) both(what string, do func(r *Router, fx *Effects)) {
	x.steps = append(x.steps, fmt.Sprintf("%v %s", x.now, what))
	var fx [2]Effects
	for i, r := range x.twins {
		do(r, &fx[i])
	}
	if a, b := x.words(0, &fx[0]), x.words(1, &fx[1]); a != b {
		x.t.Errorf("seed %d: after %q\none asks for\n%s\nthe other, which was restarted,\n%s", x.seed, x.steps[max(0, len(x.steps)-12):], a, b)
	}
}

// words describes effects in an order that does not depend on the positions of records in
// memory.
func (x *routerTwins) words(i int, fx *Effects) string {
	var joined []string
	for _, j := range fx.Joined {
		rec, _ := x.twins[i].At(x.now, j.Handle)
		joined = append(joined, fmt.Sprint(rec.Key, j.Version))
	}
	return fmt.Sprintf("%v\n%v\n%v\n%v\n%v", sortedWords(fx.Queries), sortedWords(fx.Changed), sortedWords(joined), sortedWords(fx.Groups), fx.OtherVersion)
}

func sortedWords[T any](list []T) []string {
	var words []string
	for _, v := range list {
		words = append(words, fmt.Sprintf("%+v", v))
	}
	slices.Sort(words)
	return slices.Compact(words)
}

func (x *routerTwins) version() Version {
	x.clock += 10
	return Version{x.clock, 1}
}

func (x *routerTwins) step() {
	x.pass()
	v := x.version()
	switch n := x.rng.IntN(100); {
	case n < 8:
		x.restart()
	case n < 12:
		up := x.rng.IntN(4) > 0
		x.both(fmt.Sprint("link ", up), func(r *Router, fx *Effects) { r.SetLink(x.now, addr("fe80::5"), up, fx) })
	case n < 16:
		duty := x.rng.IntN(3) > 0
		x.both(fmt.Sprint("duty ", duty), func(r *Router, fx *Effects) { r.SetQuerierDuty(x.now, duty, fx) })
	case n < 20:
		x.apart = !x.apart
		x.both(fmt.Sprint("apart ", x.apart), func(r *Router, fx *Effects) { r.SetPartitioned(x.now, v, x.apart, fx) })
	case n < 24:
		x.held = !x.held
		x.both(fmt.Sprint("held ", x.held), func(r *Router, fx *Effects) { r.RetainPeer(x.now, v, x.held, fx) })
	case n < 40:
		rec := x.record(v)
		x.both(fmt.Sprintf("merge %+v", rec), func(r *Router, fx *Effects) { r.Merge(x.now, rec, fx) })
	case n < 45:
		key := x.key()
		x.both(fmt.Sprint("forget ", key), func(r *Router, _ *Effects) {
			if rec, ok := r.Get(x.now, key); ok {
				r.Forget(x.now, r.HandleOf(key), rec.Version)
			}
		})
	default:
		meta, p := x.message()
		x.both(fmt.Sprintf("%v from %v: %+v %+v", p.Type, meta.Src, p.Query, p.Records), func(r *Router, fx *Effects) { _ = r.Receive(x.now, v, meta, p, fx) })
	}
}

// pass advances the time from deadline to deadline.
func (x *routerTwins) pass() {
	until := x.now.Add(time.Duration(x.rng.IntN(1<<x.rng.IntN(18))) * time.Millisecond)
	due := func() instant.Time { return instant.Earliest(x.twins[0].Deadline(), x.twins[1].Deadline()) }
	for at := due(); at.IsDue(until) && !x.t.Failed(); at = due() {
		x.now = max(x.now, at)
		v := x.version()
		x.both("time", func(r *Router, fx *Effects) { r.Advance(x.now, v, fx) })
	}
	x.now = until
}

func (x *routerTwins) restart() {
	before := x.twins[1].Memory()
	r := NewRouter(x.cfg, 1, x.now)
	r.Resume(x.now, before)
	x.twins[1] = r
	x.both("restart of one", func(*Router, *Effects) {})
	if err := r.verify(x.now); err != nil {
		x.t.Error(err)
	}
	after := r.Memory()
	for _, m := range []*RouterMemory{&before, &after} { // their order in memory does not matter
		slices.SortFunc(m.Records, func(a, b RecordMemory) int {
			return cmp.Or(a.Group.Compare(b.Group), a.Host.Compare(b.Host))
		})
		slices.SortFunc(m.Groups, func(a, b GroupMemory) int { return a.Group.Compare(b.Group) })
	}
	if !reflect.DeepEqual(before, after) {
		x.t.Errorf("seed %d: memory\n%+v, was\n%+v", x.seed, after, before)
	}
}

func (x *routerTwins) key() Key {
	hosts := []netip.Addr{h1, h2, addr("fe80::1:3")}
	return Key{groupNumber(x.rng.IntN(3)), hosts[x.rng.IntN(len(hosts))]}
}

func (x *routerTwins) sources() []netip.Addr { return sourceSet(x.rng.IntN(16)).addrs() }

func (x *routerTwins) record(v Version) Record {
	rec := Record{Key: x.key(), Version: Version{v.Clock - uint64(x.rng.IntN(30)), 2}, Left: time.Duration(x.rng.IntN(260)) * time.Second}
	switch x.rng.IntN(6) {
	case 0:
		rec.Deleted = true
	case 1:
		rec.Host, rec.Left, rec.V1 = nobody, time.Duration(x.rng.IntN(2000))*time.Millisecond, x.rng.IntN(2) == 0
		rec.Mode = Exclude
	case 2:
		rec.V1, rec.Mode = true, Exclude
	default:
		rec.Filter = Filter{FilterMode(x.rng.IntN(2)), x.sources()}
	}
	return rec
}

func (x *routerTwins) message() (Meta, *Packet) {
	key := x.key()
	meta := Meta{Src: key.Host, HopLimit: 1, RouterAlert: true}
	switch x.rng.IntN(10) {
	case 0:
		return meta, &Packet{Type: TypeReportV1, Query: Query{Group: key.Group}}
	case 1:
		return meta, &Packet{Type: TypeDone, Query: Query{Group: key.Group}}
	case 2:
		meta.Src = []netip.Addr{addr("fe80::1"), addr("fe80::9")}[x.rng.IntN(2)]
		return meta, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: key.Group, Sources: x.sources(), QueryInterval: 60 * time.Second, Robustness: 2, MaxResponse: time.Second}}
	case 3:
		meta.Src = []netip.Addr{addr("fe80::1"), addr("fe80::9")}[x.rng.IntN(2)]
		return meta, &Packet{Type: TypeQuery, Query: Query{Version: 1 + x.rng.IntN(2), Group: netip.IPv6Unspecified(), MaxResponse: 5 * time.Second}}
	}
	return meta, &Packet{Type: TypeReportV2, Records: []GroupRecord{{RecordType(1 + x.rng.IntN(6)), key.Group, x.sources()}}}
}
