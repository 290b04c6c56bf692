package mld

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"tandem/internal/instant"
)

// proxyTwins are two proxies with the same inputs. From time to time one of them is
// replaced by a new proxy with its memory.
type proxyTwins struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	now   instant.Time
	steps []string
	twins [2]*Proxy
	draws [2]*rand.PCG
}

func TestProxyAfterRestarts(t *testing.T) {
	for seed := range uint64(300) {
		x := &proxyTwins{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 4)), now: after(0)}
		for i := range x.twins {
			x.draws[i] = rand.NewPCG(seed, 5)
			x.twins[i] = NewProxy(DefaultConfig(), rand.New(x.draws[i]), x.now)
			x.twins[i].SetLink(x.now, addr("fe80::5"), true)
		}
		for range 200 {
			x.step()
			if t.Failed() {
				return
			}
		}
	}
}

func (x *proxyTwins) both(what string, do func(p *Proxy, fx *Effects)) {
	x.steps = append(x.steps, fmt.Sprintf("%v %s", x.now, what))
	var fx [2]Effects
	for i, p := range x.twins {
		do(p, &fx[i])
	}
	a, b := x.twins[0], x.twins[1]
	said := [2]string{x.words(&fx[0]), x.words(&fx[1])}
	if said[0] != said[1] || a.Pending() != b.Pending() || a.Joined() != b.Joined() {
		x.t.Errorf("seed %d: after %q\none says %s, has %d pending and %d joined,\nthe other, which was restarted, %s, %d and %d",
			x.seed, x.steps[max(0, len(x.steps)-12):], said[0], a.Pending(), a.Joined(), said[1], b.Pending(), b.Joined())
	}
}

// words describes reports in an order that does not depend on the positions of groups in
// memory.
func (x *proxyTwins) words(fx *Effects) string {
	var words []string
	for _, report := range fx.Reports {
		var p Packet
		if err := p.Parse(report.Payload); err != nil {
			x.t.Fatal(err)
		}
		if p.Type != TypeReportV2 {
			words = append(words, fmt.Sprint(p.Type, p.Group))
		}
		for _, r := range p.Records {
			words = append(words, fmt.Sprint(r))
		}
	}
	slices.Sort(words)
	return fmt.Sprint(words)
}

func (x *proxyTwins) step() {
	until := x.now.Add(time.Duration(x.rng.IntN(1<<x.rng.IntN(14))) * time.Millisecond)
	due := func() instant.Time { return instant.Earliest(x.twins[0].Deadline(), x.twins[1].Deadline()) }
	for at := due(); at.IsDue(until) && !x.t.Failed(); at = due() {
		x.now = max(x.now, at)
		x.both("time", func(p *Proxy, fx *Effects) { p.Advance(x.now, fx) })
	}
	x.now = until
	group := groupNumber(x.rng.IntN(5))
	switch n := x.rng.IntN(100); {
	case n < 10:
		x.restart()
	case n < 14:
		up := x.rng.IntN(3) > 0
		x.both(fmt.Sprint("link ", up), func(p *Proxy, _ *Effects) { p.SetLink(x.now, addr("fe80::5"), up) })
	case n < 18:
		if x.twins[0].version(x.now) == 1 {
			return
		}
		x.both("tell anew", func(p *Proxy, _ *Effects) { p.ReportAll(x.now) })
	case n < 70:
		f := Filter{FilterMode(x.rng.IntN(2)), sourceSet(x.rng.IntN(16)).addrs()}
		x.both(fmt.Sprintf("want %v %v", group, f), func(p *Proxy, _ *Effects) { p.Want(x.now, group, f) })
	default:
		q := Query{Version: 2, Group: group, MaxResponse: time.Duration(1+x.rng.IntN(10)) * time.Second}
		switch x.rng.IntN(8) {
		case 0:
			if x.twins[0].version(x.now) == 1 {
				return // there is one random number for each group, in the order of memory
			}
			q.Group = netip.IPv6Unspecified()
		case 1:
			q.Version = 1
		case 2, 3:
			q.Sources = sourceSet(x.rng.IntN(16)).addrs()
		}
		x.both(fmt.Sprintf("query %+v", q), func(p *Proxy, _ *Effects) {
			_ = p.Receive(x.now, Meta{Src: addr("fe80::1"), HopLimit: 1, RouterAlert: true}, &Packet{Type: TypeQuery, Query: q})
		})
	}
}

func (x *proxyTwins) restart() {
	before := x.twins[1].Memory()
	p := NewProxy(DefaultConfig(), rand.New(rand.NewPCG(1, 1)), x.now)
	p.Resume(x.now, before)
	x.draws[1] = new(rand.PCG)
	*x.draws[1] = *x.draws[0] // so that both draw the same numbers
	p.rng = rand.New(x.draws[1])
	x.twins[1] = p
	x.both("restart of one", func(*Proxy, *Effects) {})
	if after := p.Memory(); !reflect.DeepEqual(after, before) {
		x.t.Errorf("seed %d: memory\n%+v, was\n%+v", x.seed, after, before)
	}
}
