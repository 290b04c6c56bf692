package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

// Run plays the whole schedule and returns the first violated invariant.
func (w *World) Run() error {
	if err := w.settle(); err != nil {
		return fmt.Errorf("at start: %w", err)
	}
	w.changeMinds()
	if w.opts.Hostile {
		w.attack()
	}
	w.checkBounds()
	for i, s := range w.plan {
		if err := w.strike(s); err != nil {
			return err
		}
		last := i == len(w.plan)-1
		if s.Overlaps && !last {
			continue
		}
		if err := w.mend(); err != nil {
			return err
		}
		if s.Rushed && !last {
			if err := w.pass(s.After); err != nil {
				return fmt.Errorf("soon after %s: %w", s.Fault, err)
			}
			continue
		}
		if err := w.settle(); err != nil {
			return fmt.Errorf("after %s: %w", s.Fault, err)
		}
		if err := w.pass(s.After); err != nil {
			return fmt.Errorf("long after %s: %w", s.Fault, err)
		}
	}
	return w.quiet()
}

// strike begins the fault of a step, sets how strict the checks are during the fault, and runs
// the simulation for the step's time.
func (w *World) strike(s Step) error {
	f, n := faultNamed(s.Fault), w.nodes[s.Node]
	w.logf("strikes: %v", s)
	w.strict = w.settled && len(w.broken) == 0 && !f.double && !(f.silent && w.automatic())
	w.gapless = w.strict && f.gapless
	w.silent = w.strict && f.silent
	w.heard = w.strict && f.heard && w.opts.Heartbeat
	w.settled = false
	w.broken = append(w.broken, s)
	w.healedAt = instant.Never
	f.strike(w, n, rand.New(rand.NewPCG(s.Chance, 1)))
	if err := w.pass(s.For); err != nil {
		return fmt.Errorf("during %s on %s: %w", s.Fault, n.name, err)
	}
	return nil
}

// mend repairs all steps that have begun, in the order in which they began.
func (w *World) mend() error {
	for _, s := range w.broken {
		n := w.nodes[s.Node]
		w.logf("mended: %s on %s", s.Fault, n.name)
		f := faultNamed(s.Fault)
		w.gapless = w.gapless || w.strict && f.gaplessEnd
		f.end(w, n, rand.New(rand.NewPCG(s.Chance, 2)))
		if err := w.pass(time.Duration(s.Chance % uint64(time.Second))); err != nil {
			return fmt.Errorf("just after %s on %s: %w", s.Fault, n.name, err)
		}
	}
	w.broken, w.healedAt = nil, w.now
	return nil
}

// pass lets virtual time pass.
func (w *World) pass(d time.Duration) error {
	for _, n := range w.nodes {
		n.pump()
	}
	if err := w.watch.check(); err != nil {
		return err
	}
	return w.run(w.now.Add(d))
}

// Limits on how long the pair may take: settleTime until it shares the sending again,
// agreeTime until both databases are equal.
const (
	settleTime = 30 * time.Second
	// agreeTime is the time of a leave with its queries, plus twice the time that the slowest
	// channel needs for a backlog. It is shorter than the interval of an audit, so that no
	// audit can have repaired a difference.
	agreeTime = 4 * time.Second
)

// changeMinds makes hosts join and leave during the whole run.
func (w *World) changeMinds() {
	var next func()
	next = func() {
		if w.resting || w.opts.NoMinds {
			return
		}
		h, i := w.hosts[w.minds.IntN(len(w.hosts))], w.minds.IntN(len(w.streams))
		switch {
		case w.calm || h.faithful() && w.minds.IntN(100) > 0:
		case w.minds.IntN(20) == 0: // the switch now hashes the host's port to another leg
			h.leg = 1 - h.leg
		default:
			h.change(i, !h.wants[i])
			h.leaveBeyond(w.opts.Most, i)
		}
		w.after(10*time.Millisecond+time.Duration(w.minds.Int64N(int64(cmp.Or(w.opts.Pause, 2*time.Second)))), next)
	}
	for _, h := range w.hosts {
		for i := range w.streams {
			if w.opts.NoMinds || h.faithful() && w.opts.Most == 0 {
				h.change(i, w.minds.IntN(2) == 0)
			}
		}
	}
	w.after(0, next)
}

// quiet waits until all changes have settled. Then it compares both databases with each
// other and with what the hosts want.
func (w *World) quiet() error {
	// From now on no message is lost, so the next queries find the listeners whose
	// reports were lost.
	w.opts.Loss, w.resting = 0, true
	listening := mld.DefaultConfig().ListeningInterval()
	if err := w.pass(listening + 10*time.Second); err != nil {
		return fmt.Errorf("at rest: %w", err)
	}
	if err := w.agree(); err != nil {
		return fmt.Errorf("at rest: %w", err)
	}
	var wrong []error
	for _, n := range w.nodes {
		if err := w.compare(n); err != nil {
			wrong = append(wrong, fmt.Errorf("at rest, device %s: %w", n.name, err))
		}
	}
	return errors.Join(wrong...)
}

// compare checks a device's listeners against what the hosts want. Records of MLDv1 hosts
// are compared only as a group, because these hosts report for each other.
func (w *World) compare(n *node) error {
	for _, p := range n.snapshot().Profiles {
		if p.Tombstones > 0 {
			return fmt.Errorf("%d tombstones are left in %s", p.Tombstones, p.Name)
		}
	}
	for v := range vlans {
		known := make(map[string]bool)
		for _, g := range n.dev.Groups(w.now, configuredName(v)) {
			for _, h := range g.Hosts {
				known[g.Group.String()+" "+h.Host.String()] = true
			}
		}
		for i, s := range w.streams {
			wanted := slices.ContainsFunc(w.hosts, func(h *host) bool { return h.vlan == v && h.wants[i] })
			if routed := slices.Contains(n.routes[s.key()], legName(v)); routed != wanted {
				return fmt.Errorf("%s is wanted=%v on %s, forwarded=%v", s.group, wanted, legName(v), routed)
			}
			for _, h := range w.hosts {
				name := s.group.String() + " " + h.addr.String()
				if h.vlan == v && !h.v1 && known[name] != h.wants[i] {
					return fmt.Errorf("host %d wants %s=%v, known=%v", h.number, s.group, h.wants[i], known[name])
				}
			}
		}
	}
	return nil
}

// Schedule returns the planned steps, for the report of a failure.
func (w *World) Schedule() string { return strings.TrimRight(w.plan.String(), "\n") }
