package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"tandem/internal/probe"
)

// demo is one run of the demonstration.
type demo struct {
	*lab
	log    *timeline
	src    *source
	aud    *audience
	probes map[string]*probe.Probe
	groups []netip.Addr // groups of the streams that are joined all the time
	crowd  *crowd       // set during fault 16
	also   []netip.Addr // additional groups to which the source sends during a trial
	// newGroups counts the groups that newGroup has made.
	newGroups uint16
	// sharing says which device sent which streams when the pair was last complete.
	sharing string
}

// timeline prints lines with the time since its beginning.
type timeline struct {
	mu    sync.Mutex
	began time.Time
}

func (t *timeline) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Printf("%6.2f s  %s\n", time.Since(t.began).Seconds(), fmt.Sprintf(format, args...))
}

func (d *demo) say(format string, args ...any) { d.log.say(format, args...) }

// demoLimit bounds the duration of a demonstration.
const demoLimit = 400 * time.Second

// runDemo builds a lab, runs the faults and removes the lab.
func runDemo(p plan, args []string) error {
	fs := newFlags("demo", demoSynopsis+" [ -lacp ]")
	var f demoFlags
	f.add(fs)
	lacp := fs.Bool("lacp", p.lacp, "bonds that speak LACP")
	if err := parse(fs, args); err != nil {
		return err
	}
	faults, err := f.choose(*lacp)
	if err != nil {
		return err
	}
	p.lacp = *lacp
	o := demoOptions{faults: faults, rounds: max(1, f.rounds)}
	if os.Geteuid() != 0 {
		return inUserNamespace(p, append([]string{"demo"}, args...))
	}
	ctx, stop := untilSignal()
	defer stop()
	results, err := playDemo(ctx, p, o)
	if err != nil {
		return interrupted(ctx, err)
	}
	printTable(os.Stdout, results, p.lacp)
	if f.file != "" {
		if err := writeJSON(f.file, results); err != nil {
			return err
		}
	}
	return outcome(results)
}

// exitInconclusive is the exit status of a demonstration in which nothing failed but not
// everything was proved, because this machine had too little time.
const exitInconclusive = 3

// outcome returns nil if the pair survived every fault as required.
func outcome(results []result) error {
	failed := slices.ContainsFunc(results, func(r result) bool { return !r.OK && !r.Inconclusive })
	switch unproved := slices.ContainsFunc(results, func(r result) bool { return r.Inconclusive }); {
	case failed:
		return errors.New("not every fault was survived as required")
	case unproved:
		fmt.Fprintln(os.Stderr, "tandem-lab: no fault failed, but some rows are inconclusive: this machine had no time for the lab; try again when it is idle")
		return exitStatus(exitInconclusive)
	}
	return nil
}

func playDemo(ctx context.Context, p plan, o demoOptions) (results []result, err error) {
	limited, cancel := context.WithTimeout(ctx, time.Duration(o.rounds)*pace.stretch(demoLimit))
	defer cancel()
	log := &timeline{began: time.Now()}
	l, err := raise(p, log.say)
	if err != nil {
		return nil, err
	}
	d := &demo{lab: l, log: log, probes: make(map[string]*probe.Probe)}
	defer func() {
		d.end()
		err = errors.Join(err, l.close())
		log.say("lab removed")
	}()
	if err := d.begin(limited); err != nil {
		return nil, err
	}
	return d.playAll(limited, o)
}

// begin starts the pair and the streams, and measures for a while without a fault.
func (d *demo) begin(ctx context.Context) (err error) {
	d.say("network built: %d namespaces", len(parts()))
	if pace.emulated() {
		d.say("this machine is emulated and computes %.0f times slower than its host: limits are that much wider, and by what its threads come late; BFD detects in %v", pace.slowness, detection())
	}
	if err := d.startDaemons(ctx); err != nil {
		return err
	}
	for _, dev := range devices {
		d.probes[dev] = probe.New(d.socket(dev), askTimeout)
		d.say("tandemd of device %s runs the procedure, pid %d", dev, d.keeper.pid(dev))
	}
	d.groups = groupsOf(streams)
	if d.src, err = startSource(d.topo, d.groups); err != nil {
		return err
	}
	d.say("source sends %d packets/s to each of %d groups", time.Second/packetInterval, len(d.groups))
	if err := d.joinAll(); err != nil {
		return err
	}
	if err := d.whole(ctx); err != nil {
		return d.explain(err)
	}
	d.say("replicated: %s", d.sharing)
	if err := d.tellSharing(ctx); err != nil {
		return err
	}
	return d.baseline(ctx)
}

func (d *demo) joinAll() error {
	d.aud = newAudience(d.topo)
	count := make(map[string]int)
	for _, m := range memberships() {
		if _, err := d.aud.add(m); err != nil {
			return err
		}
		switch {
		case m.host == v1Host:
			count["MLDv1"]++
		case m.stream.ssm:
			count["SSM"]++
		default:
			count["ASM"]++
		}
	}
	d.say("joined: %d hosts, %d memberships (%d SSM, %d ASM, %d ASM by MLDv1)",
		hostCount, len(memberships()), count["SSM"], count["ASM"], count["MLDv1"])
	return nil
}

func (d *demo) tellSharing(ctx context.Context) error {
	p, err := askPair(ctx, d.probes[deviceA], d.probes[deviceB])
	if err != nil {
		return err
	}
	a, b := p.sharers(d.groups)
	d.say("a sends %v", a)
	d.say("b sends %v", b)
	return nil
}

const baselineTime = time.Second

// baseline waits until every listener is served. Then it checks that no packet is lost without
// a fault.
func (d *demo) baseline(ctx context.Context) error {
	var list []*listener
	d.aud.look(func(l []*listener) { list = slices.Clone(l) })
	for _, l := range list {
		if _, err := d.served(ctx, l, startLimit); err != nil {
			return d.explain(fmt.Errorf("%v: %w", l.membership, err))
		}
	}
	if err := sleep(ctx, quiet); err != nil {
		return err
	}
	w := window{from: d.src.position()}
	for _, l := range list {
		l.since = w.from
	}
	if err := sleep(ctx, baselineTime); err != nil {
		return err
	}
	w.to = d.src.position()
	if err := sleep(ctx, flight); err != nil {
		return err
	}
	d.say("--- no fault, %d packets to each listener", w.to-w.from)
	d.report(w)
	return nil
}

// explain adds the last lines of the daemons' logs to an error.
func (d *demo) explain(err error) error {
	return fmt.Errorf("%w\n--- tandemd of device a:\n%s--- tandemd of device b:\n%s",
		err, d.keeper.tail(deviceA), d.keeper.tail(deviceB))
}

func (d *demo) playAll(ctx context.Context, o demoOptions) ([]result, error) {
	var results []result
	for range o.rounds {
		for _, unit := range d.trials() {
			if !o.plays(unit) {
				continue
			}
			r, err := d.play(ctx, o, unit)
			if err == nil {
				err = d.aud.failure()
			}
			if err != nil {
				return results, err
			}
			results = append(results, r...)
		}
	}
	return results, d.instruments()
}

// instruments checks that measured delays are those of the devices and not of the lab.
func (d *demo) instruments() error {
	var dropped uint32
	d.aud.look(func(list []*listener) {
		for _, l := range list {
			dropped += l.dropped
		}
	})
	d.say("source: %d packets to each group, %d refused by the kernel, it stood still for %.1f ms at most; listeners' sockets overflowed %d times",
		d.src.position(), d.src.failed.Load(), ms(d.src.standstill(window{0, d.src.position()})), dropped)
	if d.src.failed.Load() > 0 || dropped > 0 {
		return errors.New("the lab itself lost packets: the figures say nothing of the devices")
	}
	return nil
}

// end stops everything that the demonstration has started.
func (d *demo) end() {
	if d.src != nil {
		d.src.close()
	}
	d.crowd.close()
	if d.aud != nil {
		d.aud.close()
	}
	for _, p := range d.probes {
		p.Close()
	}
}
