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

// News receives the reports of an Owner.
type News interface {
	// LinkChanged reports a link that was added, changed or removed, or that the switch
	// has taken into its aggregate or out of it.
	LinkChanged(device.LinkChanged)
	// Emit sends an event to the log.
	Emit(event.Event)
}

// Options are what an Owner needs.
type Options struct {
	RunDir   string // the directory of the files with the changes made to links, and with the names of the legs
	DeviceID uint64 // the source of the LACP system of a leg in standby
	News     News
	State    State // the state of the Owner before a graceful restart, else the zero value
}

// Owner makes the network interfaces of the namespace agree with a configuration. Any
// goroutine may call Read; only the goroutine that has the turn may call the other
// methods. Before Build it changes nothing.
type Owner struct {
	news    News
	runDir  string
	own     [6]byte // an LACP system identifier that no other device has
	netlink *links.Handle
	monitor *links.Monitor

	links   Links
	model   *config.Model // the configuration in force, nil before the first
	plan    plan          // the plan of model for the links as they are now
	built   plan          // the plan at the time of Build
	undoLog undoLog
	state   State

	lacp     lacpWatch
	hearing  hearing
	lookAt   time.Time // when to check all links next; zero before the first Build
	repairAt time.Time // when to repair next; zero before the first Build
}

const (
	// lookInterval is the time between two checks of all links. The kernel does not
	// report each change, for instance an alias that a link gets while it is down.
	lookInterval = time.Second
	// repairInterval is the time between two comparisons of the links with the plan.
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

// Close ends the Owner and a waiting Read. It leaves the links as they are.
func (o *Owner) Close() {
	o.monitor.Close()
	o.netlink.Close()
}

// State returns the state for the Owner after a graceful restart.
func (o *Owner) State() State { return o.state }

// Links returns the known links.
func (o *Owner) Links() *Links { return &o.links }

// Read waits for changes of links and returns them for Update: the first call returns all
// existing links. It returns net.ErrClosed after Close. After another error it may be
// called again and still returns every change. Only one goroutine may call it.
func (o *Owner) Read() ([]links.Link, error) {
	return o.monitor.Read()
}

// Update stores links that were added, changed or removed, reports them, and repairs what
// another program has changed about the configured ones. It returns true if the names in
// the configuration now mean other links than at Build: then the configuration has to be
// applied again.
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

// Build puts a configuration into force: it makes the bonds, sub-interfaces and VRFs of
// the configuration, and removes those of earlier ones. An interface that the kernel
// cannot make is no error.
func (o *Owner) Build(m *config.Model) error {
	if o.model == nil {
		now := time.Now()
		o.lacp.begin(now) // for legs that a daemon before this one has steered
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

// Activate sets the configured interfaces up or down, and sets their addresses.
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

// TakeLegsDown takes all legs out of service, because this daemon no longer receives on
// them.
func (o *Owner) TakeLegsDown() {
	for _, leg := range o.plan.legs {
		if err := o.netlink.SetTrunkUp(leg, false, nil); err != nil && !errors.Is(err, links.ErrNotFound) {
			o.news.Emit(event.LegNotSteered.With(leg, false, false, err))
		}
	}
}

// Due returns when Advance must be called next, the zero Time before the first Build.
func (o *Owner) Due() time.Time {
	due := o.lookAt
	for _, at := range []time.Time{o.lacp.lookAt, o.hearing.lookAt} {
		if !at.IsZero() && at.Before(due) {
			due = at
		}
	}
	return due
}

// Advance does what is due: it checks the legs that join the switch's aggregate or leave
// it, and repairs changes by other programs that the kernel has not reported. It returns
// the same as Update.
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

// look checks all links and updates those that have changed.
func (o *Owner) look() (rebuild bool) {
	list, err := o.netlink.List()
	if err != nil {
		o.report(event.InterfaceNotConfigured, err)
		return false
	}
	list = slices.DeleteFunc(list, func(l links.Link) bool { return l.Equal(o.links.Get(l.Name)) })
	return len(list) > 0 && o.Update(list)
}

// Told returns the report about a link for the device.
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

// listen starts the checks for a first packet on the legs.
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

// mendLinkLocals adds the own link-local addresses that are missing and removes those
// that are not needed any more.
func (o *Owner) mendLinkLocals() {
	changed := o.linkLocals().reconcile()
	o.links.Update(changed)
	for _, l := range changed {
		o.tell(l)
	}
}

// RemoveLinkLocals removes all own link-local addresses, when multicast routing no longer
// needs them.
func (o *Owner) RemoveLinkLocals() { o.linkLocals().removeAll() }

// report logs an error that has kept the owner from making something, if there is one.
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
