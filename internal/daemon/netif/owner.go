package netif

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/links"
	"tandem/internal/trunkguard"
)

// News is told what happens to interfaces.
type News interface {
	// LinkChanged tells that a link came, changed or went, or that the switch took it
	// into its aggregate or out of it.
	LinkChanged(device.LinkChanged)
	// Emit tells what belongs into the log.
	Emit(event.Event)
}

// Options are what an Owner needs.
type Options struct {
	RunDir   string // where it notes what it does to links, and which are the legs
	DeviceID uint64 // the LACP system of a leg in standby is made of it
	News     News
	State    State // of the Owner before a graceful restart, else the zero value
}

// Owner brings the network interfaces of the namespace to a configuration. Read may be
// called from any goroutine, all else only by whoever has the turn. Until Build it changes
// nothing.
type Owner struct {
	news    News
	runDir  string
	own     [6]byte // an LACP system identifier that no other device has
	netlink *links.Handle
	monitor *links.Monitor

	links   Links
	model   *config.Model // the one in force, nil before the first
	plan    plan          // of model, as of the links now
	built   plan          // as of Build
	undoLog undoLog
	state   State

	lacp     lacpWatch
	hearing  hearing
	lookAt   time.Time // zero before the first Build
	repairAt time.Time // likewise
}

const (
	// lookInterval is how often all links are looked at: the kernel does not tell of each
	// change, such as of an alias that a link gets while it is down.
	lookInterval = time.Second
	// repairInterval is how often the links are compared with what they should be.
	repairInterval = 10 * time.Second
)

// Open makes the Owner of the namespace of the calling thread.
func Open(opts Options) (*Owner, error) {
	o := &Owner{news: opts.News, runDir: opts.RunDir, own: OwnSystem(opts.DeviceID), state: opts.State}
	var err error
	if o.undoLog, err = readUndoLog(opts.RunDir); err != nil {
		o.news.Emit(event.LinksNotRecorded.With(err))
	}
	if o.netlink, err = links.Open(); err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	if o.monitor, err = links.Watch(); err != nil {
		o.netlink.Close()
		return nil, fmt.Errorf("link monitor: %w", err)
	}
	return o, nil
}

// Close ends the Owner and a Read that is waiting. What it did to links stays.
func (o *Owner) Close() {
	o.monitor.Close()
	o.netlink.Close()
}

// State returns what the Owner after a graceful restart begins with.
func (o *Owner) State() State { return o.state }

// Links are the links known.
func (o *Owner) Links() *Links { return &o.links }

// Read waits for changes of links and returns them for Update: first all links that there
// are. It returns net.ErrClosed after Close; after another error it may be called again
// and misses nothing. It is for one goroutine.
func (o *Owner) Read() ([]links.Link, error) {
	return o.monitor.Read()
}

// Update takes note of links that came, changed or went, tells of them, and mends what
// somebody has changed about those of the configuration. It reports whether the
// configuration means other links than when it was built: then it has to be applied anew.
func (o *Owner) Update(changed []links.Link) (rebuild bool) {
	if o.model != nil {
		for i, l := range changed {
			changed[i] = o.linkLocals().mended(l)
		}
	}
	o.links.Update(changed)
	for _, l := range changed {
		o.tell(l)
		if bond := o.links.Get(o.links.Name(l.Master)); bond.Bond != nil {
			o.tell(bond)
		}
		if !l.Exists {
			delete(o.state.Interfaces, l.Name)
		}
	}
	if o.model == nil {
		return false
	}
	o.plan = newPlan(o.model, &o.links, o.own)
	if slices.ContainsFunc(changed, func(l links.Link) bool { return slices.Contains(o.plan.legs, l.Name) }) {
		o.listen(time.Now())
	}
	if slices.ContainsFunc(changed, func(l links.Link) bool { return l.Bond != nil || l.Kind == "vlan" || o.plan.onTrunk(l.Name) }) {
		o.lookAtLACP(time.Now())
		o.report(event.EthTrunkNotConfigured, trunks{o.pass()}.reconcile())
	}
	if slices.ContainsFunc(changed, func(l links.Link) bool { return o.plan.wantsVRF(l.Name) || o.plan.bindings[l.Name] != "" }) {
		o.report(event.InterfaceNotConfigured, vrfs{o.pass()}.reconcile())
	}
	o.report(event.InterfaceNotConfigured, o.interfaces().reconcile())
	o.mendLinkLocals()
	return o.plan.differs(&o.built)
}

// Build makes the bonds, sub-interfaces and VRFs of a configuration, which is in force from
// then on, and undoes those that it does not want any more. An interface that the
// kernel cannot make is no error.
func (o *Owner) Build(m *config.Model) error {
	if o.model == nil {
		now := time.Now()
		o.lacp.begin(now) // of legs that a daemon before this one has steered
		o.hearing.begin(now)
		o.lookAt, o.repairAt = now.Add(lookInterval), now.Add(repairInterval)
	}
	o.model, o.plan = m, newPlan(m, &o.links, o.own)
	o.built = o.plan
	if err := trunkguard.WriteLegs(o.runDir, o.plan.legs); err != nil {
		return err
	}
	if err := (trunks{o.pass()}).reconcile(); err != nil {
		return err
	}
	return vrfs{o.pass()}.reconcile()
}

// Activate brings about whether the configured interfaces are up, and their addresses.
func (o *Owner) Activate() error {
	o.mendLinkLocals()
	return o.interfaces().reconcile()
}

// Steer takes a leg up, down or to LACP standby.
func (o *Owner) Steer(leg device.LegChange) error {
	o.state.trunk(leg.Netdev).Asked = leg
	o.lacp.begin(time.Now())
	if !leg.Up {
		return o.netlink.SetTrunkUp(leg.Netdev, false, nil)
	}
	return trunks{o.pass()}.raise(leg.Netdev, o.links.Get(leg.Netdev))
}

// TakeLegsDown takes all legs out of service, because nobody hears on them any more.
func (o *Owner) TakeLegsDown() {
	for _, leg := range o.plan.legs {
		if err := o.netlink.SetTrunkUp(leg, false, nil); err != nil && !errors.Is(err, links.ErrNotFound) {
			o.news.Emit(event.LegNotSteered.With(leg, false, false, err))
		}
	}
}

// Due is when Advance is to be called next, zero before the first Build.
func (o *Owner) Due() time.Time {
	due := o.lookAt
	for _, at := range []time.Time{o.lacp.lookAt, o.hearing.lookAt} {
		if !at.IsZero() && at.Before(due) {
			due = at
		}
	}
	return due
}

// Advance does what is due: it looks at the legs that join the switch's aggregate or leave
// it, and mends what somebody else has changed and Update was not told of. It reports the
// same as Update.
func (o *Owner) Advance(now time.Time) (rebuild bool) {
	if at := o.lacp.lookAt; !at.IsZero() && !now.Before(at) {
		o.lookAtLACP(now)
	}
	if at := o.hearing.lookAt; !at.IsZero() && !now.Before(at) {
		o.hear(now)
	}
	if now.Before(o.lookAt) {
		return false
	}
	o.lookAt = now.Add(lookInterval)
	rebuild = o.look()
	o.mendLinkLocals()
	o.hear(now)
	if now.Before(o.repairAt) {
		return rebuild
	}
	o.repairAt = now.Add(repairInterval)
	o.report(event.EthTrunkNotConfigured, trunks{o.pass()}.reconcile())
	o.report(event.InterfaceNotConfigured, o.interfaces().addresses())
	return rebuild
}

// look updates the links that differ from what is known of them.
func (o *Owner) look() (rebuild bool) {
	list, err := o.netlink.List()
	if err != nil {
		o.report(event.InterfaceNotConfigured, err)
		return false
	}
	list = slices.DeleteFunc(list, func(l links.Link) bool { return l.Equal(o.links.Get(l.Name)) })
	return len(list) > 0 && o.Update(list)
}

// Told returns what News is told of a link.
func (o *Owner) Told(l links.Link) device.LinkChanged {
	var known Trunk
	if t := o.state.Trunks[l.Name]; t != nil {
		known = *t
	}
	return device.LinkChanged{
		Netdev: l.Name, Exists: l.Exists, Index: l.Index, AdminUp: l.AdminUp, LinkLocal: l.LinkLocal,
		Up: o.links.Carries(l), LACP: speaksLACP(l), Apart: known.Apart, Key: known.Key, Heard: known.Heard, Lacks: lack(l),
	}
}

func (o *Owner) tell(l links.Link) { o.news.LinkChanged(o.Told(l)) }

func (o *Owner) lookAtLACP(now time.Time) {
	for _, leg := range o.lacp.look(now, o.netlink, &o.links, o.plan.legs, &o.state) {
		o.tell(leg)
	}
}

// listen has the legs looked at for packets from now on.
func (o *Owner) listen(now time.Time) {
	o.hearing.begin(now)
	o.hear(now)
}

func (o *Owner) hear(now time.Time) {
	heard, err := o.hearing.look(now, o.netlink, &o.links, o.plan.legs, &o.state)
	o.report(event.InterfaceNotConfigured, err)
	for _, leg := range heard {
		o.tell(leg)
	}
}

// mendLinkLocals adds the link-local addresses that are missing and takes away those that are not
// needed any more.
func (o *Owner) mendLinkLocals() {
	changed := o.linkLocals().reconcile()
	o.links.Update(changed)
	for _, l := range changed {
		o.tell(l)
	}
}

// RemoveLinkLocals takes away the link-local addresses that were added, as nobody needs them any
// more.
func (o *Owner) RemoveLinkLocals() { o.linkLocals().removeAll() }

// report tells what could not be brought about, if anything.
func (o *Owner) report(kind *event.Kind, err error) {
	if err != nil {
		o.news.Emit(kind.With(err))
	}
}

func (o *Owner) pass() *pass {
	return &pass{netlink: o.netlink, plan: &o.plan, undoLog: &o.undoLog, state: &o.state, emit: o.news.Emit}
}

func (o *Owner) linkLocals() linkLocals {
	return linkLocals{netlink: o.netlink, known: &o.links, plan: &o.plan, state: &o.state, own: o.own, emit: o.news.Emit}
}

func (o *Owner) interfaces() interfaces {
	return interfaces{netlink: o.netlink, known: &o.links, plan: &o.plan, state: &o.state}
}
