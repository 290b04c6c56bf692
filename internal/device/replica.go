package device

import (
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// service is a remote backup service and the records that it replicates: those
// of every interface whose profile names it. It is the [rbs.Store].
type service struct {
	dev  *Device
	name string
	cfg  ServiceSettings
	core *rbs.Service
	fx   rbs.Effects

	ServiceKept

	interfaces []*downstream // whose records it replicates, by name
	merging    *downstream   // whose records are being merged, nil for none
	index      *leafIndex    // of their records, nil while nobody asks what is in a leaf
}

// ServiceKept is what a device knows of a remote backup service beside its core.
type ServiceKept struct {
	InSync     bool
	SyncedOnce bool // since this device booted
	EverUp     bool
	LostAt     instant.Time // when it was last in sync
	UpAt       instant.Time // when the latest connection was established
	Holding    bool         // the peer's records do not age
	Unknown    bool         // the peer has let ours expire
	Detour     rbs.Ends     // between which it connects instead, zero for none
}

func (d *Device) newService(name string) *service {
	s := &service{dev: d, name: name}
	s.core = rbs.NewService(s, d.clock, d.id, d.boot, rand.New(d.random(0)))
	return s
}

// channelEvent hands an event to the service it is for.
func (d *Device) channelEvent(now instant.Time, ev Event) {
	with := func(name string, do func(s *service)) {
		if s := d.services.get(name); s != nil {
			do(s)
		}
	}
	switch ev := ev.(type) {
	case ChannelAccepted:
		with(ev.Service, func(s *service) { s.core.Accepted(now, ev.Conn, ev.From, &s.fx) })
	case ChannelDialled:
		with(ev.Service, func(s *service) { s.core.Dialled(now, ev.Conn, &s.fx) })
	case ChannelDialFailed:
		with(ev.Service, func(s *service) { s.core.DialFailed(now, ev.Reason, &s.fx) })
	case ChannelListenFailed:
		with(ev.Service, func(s *service) { s.core.ListenFailed(now, ev.Reason, &s.fx) })
	case ChannelHandshakeFailed:
		with(ev.Service, func(s *service) { s.core.HandshakeFailed(now, ev.Reason, &s.fx) })
	case ChannelReceived:
		with(ev.Service, func(s *service) { s.core.Received(now, ev.Conn, ev.Bytes, &s.fx) })
	case ChannelWritten:
		with(ev.Service, func(s *service) { s.core.Written(now, ev.Conn, &s.fx) })
	case ChannelClosed:
		with(ev.Service, func(s *service) { s.core.Closed(now, ev.Conn, ev.Reason, &s.fx) })
	case AskStatus:
		with(ev.Service, func(s *service) { s.core.AskStatus(now, &s.fx) })
	case TellStatus:
		with(ev.Service, func(s *service) { s.core.TellStatus(now, ev.Status, &s.fx) })
	case BatchBackup:
		with(ev.Service, func(s *service) { s.core.Reset(now, &s.fx) })
	}
}

// pumpServices lets every service send what has become due, and takes over
// what it asked for.
func (d *Device) pumpServices(now instant.Time) {
	for _, s := range d.services.list {
		if s.core.Deadline().IsDue(now) {
			s.core.Advance(now, &s.fx)
			s.shed(now)
		}
		d.applyChannel(now, s)
	}
}

func (d *Device) applyChannel(now instant.Time, s *service) {
	fx := &s.fx
	if d.replayed {
		*fx = rbs.Effects{} // what came of them is in the recording
		return
	}
	if len(fx.Close)+len(fx.Listen)+len(fx.Dial)+len(fx.Send)+len(fx.Events) == 0 && !fx.StatusWanted && fx.Status == nil {
		return
	}
	for _, ev := range fx.Events {
		d.tellChannel(s, ev)
		if ev.Kind == rbs.ChannelUp {
			s.observe(Outcome{Kind: ChannelIsUp})
			s.UpAt = now
		}
	}
	d.fx.Channels = append(d.fx.Channels, ChannelEffects{Service: s.name, Effects: *fx})
	*fx = rbs.Effects{}
	if inSync := s.core.InSync(); inSync != s.InSync {
		d.setInSync(now, s, inSync)
	}
}

// setInSync takes note that the two databases are the same, or may differ.
func (d *Device) setInSync(now instant.Time, s *service, inSync bool) {
	s.InSync = inSync
	for _, ifc := range s.interfaces {
		ifc.router.SetPartitioned(now, !inSync)
	}
	if inSync {
		s.observe(Outcome{Kind: ChannelInSync})
		s.SyncedOnce, s.EverUp, s.Unknown = true, true, false
		d.orphansSynchronised(now, s)
	} else {
		s.observe(Outcome{Kind: ChannelLost})
		s.LostAt = now
	}
	d.agenda.add(stageDuty, now)
	d.agenda.add(stageExceptions, now)
}

func (d *Device) tellChannel(s *service, ev rbs.Event) {
	switch ev.Kind {
	case rbs.ChannelUp:
		d.tell(event.RBSChannelStatusChange.With(s.name, "Up", ev.Reason))
	case rbs.ChannelDown:
		d.tell(event.RBSChannelStatusChange.With(s.name, "Down", ev.Reason))
	default:
		d.tell(event.RBSChannelEvent.With(s.name, ev.Kind, ev.Reason))
	}
}

// refreshRetention stops the ageing of the peer's records while their channel
// is broken and the peer is alive, for the retention time at most.
func (d *Device) refreshRetention(now instant.Time) {
	for _, s := range d.services.list {
		until := s.LostAt.Add(s.cfg.Retention)
		cut := s.EverUp && !s.InSync && d.peerAlive(s.name)
		holding := cut && now < until
		if holding {
			d.agenda.add(stageRecords, until)
		} else if cut {
			d.becomeUnknown(now, s, until)
		}
		if holding == s.Holding {
			continue
		}
		s.Holding = holding
		for _, ifc := range s.interfaces {
			ifc.router.RetainPeer(now, holding)
		}
	}
}

// forgetMargin is ample for the difference between the moments at which the two devices
// noticed that the channel broke.
const forgetMargin = 10 * time.Second

// becomeUnknown makes orphans of all listeners that were heard here before the peer, which has
// held its copies until a time, lets them expire.
func (d *Device) becomeUnknown(now instant.Time, s *service, held instant.Time) {
	if s.Unknown || len(s.interfaces) == 0 {
		return
	}
	life := s.interfaces[0].router.ListeningInterval()
	for _, ifc := range s.interfaces {
		life = min(life, ifc.router.ListeningInterval())
	}
	if at := held.Add(life - forgetMargin); now < at {
		d.agenda.add(stageRecords, at)
		return
	}
	s.Unknown = true
	for _, ifc := range s.interfaces {
		for h, v := range ifc.router.Own() {
			// As if from before the connection that may be there by now: it tells of them all.
			d.orphans.await(s.LostAt, listener{ifc, h}, replicaVersion(v), false)
		}
	}
	d.orphansSoon(now)
}

// peerAlive reports whether any E-Trunk behind a service still hears its peer.
func (d *Device) peerAlive(service string) bool {
	for _, p := range d.settings.Profiles {
		if t := d.trunks.get(p.Member.ETrunk); p.Service == service && t != nil && t.state.PeerAlive {
			return true
		}
	}
	return false
}

// The rbs.Store.

// Buckets implements [rbs.Store].
func (s *service) Buckets() int { return buckets }

// Digest implements [rbs.Store].
func (s *service) Digest(bucket int) (digest uint64) {
	for _, ifc := range s.interfaces {
		digest ^= ifc.ledger.digests[bucket]
	}
	return digest
}

// Len implements [rbs.Store].
func (s *service) Len() (n int) {
	for _, ifc := range s.interfaces {
		n += ifc.ledger.kept
	}
	return n
}

// NextGroup implements [rbs.Store]: interface by interface.
func (s *service) NextGroup(after rbs.Ref, refs []rbs.Ref) []rbs.Ref {
	first := max(0, slices.IndexFunc(s.interfaces, func(ifc *downstream) bool { return ifc.number == after.Part }))
	for _, ifc := range s.interfaces[first:] {
		group, records := ifc.router.GroupAfter(after.Group)
		for h := range records {
			refs = append(refs, rbs.Ref{Part: ifc.number, Group: group, Record: uint32(h)})
		}
		if group != 0 {
			return refs
		}
		after.Group = 0
	}
	return refs
}

// At implements [rbs.Store].
func (s *service) At(now instant.Time, ref rbs.Ref) (rbs.Record, bool) {
	ifc := s.part(ref.Part)
	if ifc == nil {
		return rbs.Record{}, false
	}
	rec, ok := ifc.router.At(now, mld.Handle(ref.Record))
	if !ok {
		return rbs.Record{}, false
	}
	return replica(ifc, rec), true
}

// Tombstones implements [rbs.Store].
func (s *service) Tombstones(now instant.Time) iter.Seq[rbs.Record] {
	return func(yield func(rbs.Record) bool) {
		for _, ifc := range s.interfaces {
			if ifc.ledger.kept == ifc.ledger.live {
				continue // there are none to look for
			}
			for rec := range ifc.router.Tombstones(now) {
				if !yield(replica(ifc, rec)) {
					return
				}
			}
		}
	}
}

// Record implements [rbs.Store].
func (s *service) Record(now instant.Time, key rbs.Key) (rbs.Record, bool) {
	ifc := s.interfaceOf(key)
	if ifc == nil {
		return rbs.Record{}, false
	}
	rec, ok := ifc.router.Get(now, mld.Key{Group: key.Group, Host: key.Host})
	if !ok {
		return rbs.Record{}, false
	}
	return replica(ifc, rec), true
}

// Merge implements [rbs.Store]: a record from the peer goes the way of a report.
func (s *service) Merge(now instant.Time, rec *rbs.Record) rbs.Merged {
	d := s.dev
	s.observe(Outcome{Kind: RecordMerged, Record: *rec})
	ifc := s.interfaceOf(rec.Key)
	if ifc == nil {
		return rbs.Unknown
	}
	if s.merging != ifc {
		s.EndMerge(now)
		s.merging = ifc
	}
	if s.InSync && !rec.Deleted { // what is told to catch up is old
		ifc.hearing.told(rec.Host)
	}
	merged := ifc.router.Merge(now, mld.Record{
		Key:     mld.Key{Group: rec.Group, Host: rec.Host},
		Filter:  mld.Filter{Mode: filterMode(rec.Exclude), Sources: rec.Sources},
		Version: mld.Version{Clock: uint64(rec.Version.Clock), Device: rec.Version.Device},
		V1:      rec.V1,
		Deleted: rec.Deleted,
		Left:    rec.Left,
	})
	d.adopt(now, ifc, rec.Key, rec.Version) // whoever tells of a listener knows it
	return [...]rbs.Merged{rbs.Newer, rbs.Stale, rbs.Unfit, rbs.Full}[merged]
}

// Restamp implements [rbs.Store]. The clock is the device's, so it concerns all that is for
// the same peer, and what no peer has seen.
func (s *service) Restamp(_ instant.Time, peer rbs.Version, by rbs.Stamp) {
	for _, other := range s.dev.services.list {
		if met := other.core.Peer().Device; other == s || met == 0 || met == peer.Device {
			other.restamp(peer, by)
		}
	}
}

func (s *service) restamp(peer rbs.Version, by rbs.Stamp) {
	s.observe(Outcome{Kind: ClockMoved, Record: rbs.Record{Version: peer}, By: by})
	for _, ifc := range s.interfaces {
		ifc.router.Restamp(uint64(by))
		for i := range ifc.awaited.list {
			ifc.awaited.list[i].Version.Clock += by
		}
	}
}

// EndMerge implements [rbs.Store].
func (s *service) EndMerge(now instant.Time) {
	if s.merging != nil {
		s.merging.router.EndMerge(now)
		s.merging = nil
	}
}

// Acked implements [rbs.Store].
func (s *service) Acked(now instant.Time, key rbs.Key, v rbs.Version) {
	s.observe(Outcome{Kind: RecordAcked, Record: rbs.Record{Key: key, Version: v}})
	ifc := s.interfaceOf(key)
	if ifc == nil {
		return
	}
	h := ifc.handle(key)
	s.dev.orphanAdopted(now, listener{ifc, h}, v)
	ifc.router.Forget(now, h, mld.Version{Clock: uint64(v.Clock), Device: v.Device})
}

// adopt takes note that the peer knows a listener at a version.
func (d *Device) adopt(now instant.Time, ifc *downstream, key rbs.Key, v rbs.Version) {
	if d.orphans.waiting > 0 {
		d.orphanAdopted(now, listener{ifc, ifc.handle(key)}, v)
	}
}

// handle finds the record of a replicated key, 0 when there is none.
func (i *downstream) handle(key rbs.Key) mld.Handle {
	return i.router.HandleOf(mld.Key{Group: key.Group, Host: key.Host})
}

func (s *service) interfaceOf(key rbs.Key) *downstream {
	id := identity{key.BackupID, key.SubInterface}
	for _, ifc := range s.interfaces {
		if ifc.ledger.identity == id {
			return ifc
		}
	}
	return nil
}

func replica(ifc *downstream, rec mld.Record) rbs.Record {
	return rbs.Record{
		Key:     ifc.ledger.key(rec.Key),
		Version: replicaVersion(rec.Version),
		Exclude: rec.Mode == mld.Exclude,
		V1:      rec.V1,
		Deleted: rec.Deleted,
		Sources: rec.Sources,
		Left:    rec.Left,
	}
}

func replicaVersion(v mld.Version) rbs.Version {
	return rbs.Version{Clock: rbs.Stamp(v.Clock), Device: v.Device}
}

func filterMode(exclude bool) mld.FilterMode {
	if exclude {
		return mld.Exclude
	}
	return mld.Include
}

var _ rbs.Store = (*service)(nil)
