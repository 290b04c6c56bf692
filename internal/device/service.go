package device

import (
	"iter"
	"slices"

	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// service is a remote backup service and the records that it replicates: those of every
// interface whose profile names the service. It implements [rbs.Store].
type service struct {
	all  *replication
	name string
	cfg  ServiceSettings
	core *rbs.Service
	fx   rbs.Effects

	ServiceKept

	arriving   proof.Arriving[SourceGroup] // which of the streams behind its interfaces come in at one device only
	most       [2]bool                     // most streams do not come in here [0], or at the peer [1]; as of the last settling
	interfaces []*downstream               // the interfaces whose records the service replicates, by name
	merging    *downstream                 // the interface whose records are being merged, nil for none
	index      *leafIndex                  // the index of the records by leaf, nil while no comparison needs it
}

// ServiceKept is the state of a remote backup service without its core.
type ServiceKept struct {
	InSync     bool
	SyncedOnce bool // a synchronisation has ended since this device booted
	EverUp     bool
	LostAt     instant.Time // when the service was last in sync
	UpAt       instant.Time // when the latest connection was established
	Holding    bool         // retention is on: the records that the peer heard do not age
	Unknown    bool         // the peer must have let the records of this device's listeners expire
	Detour     rbs.Ends     // addresses of a heartbeat path to connect between, zero for none
	// Arriving is whether the streams that the service's listeners want arrive here.
	Arriving proof.Standing
	Pin      ServicePin // the certificate and the device ID that the peer must have
}

// observe passes an outcome of the connection to the observer, see [Device.Observe].
func (s *service) observe(o Outcome) {
	if s.all.observer != nil {
		s.all.observer(s.name, o)
	}
}

// noteArriving records whether the streams that the service's listeners want arrive here.
func (s *service) noteArriving(now instant.Time, watched bool) {
	counts := s.arriving.Counts()
	switch {
	case !watched:
		s.Arriving.Note(now, proof.Unproven, "which streams arrive is not measured")
	case !s.arriving.Compared():
		s.Arriving.Note(now, proof.Unproven, "the peer does not tell which streams arrive there")
	case s.arriving.LacksMost():
		s.Arriving.Note(now, proof.Refuted, "most streams do not arrive")
	case counts.Lacking > 0:
		s.Arriving.Note(now, proof.Refuted, "some streams do not arrive")
	case counts.Flowing == 0:
		s.Arriving.Note(now, proof.Unproven, "no stream flows")
	default:
		s.Arriving.Note(now, proof.Proven, "")
	}
}

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

// NextGroup implements [rbs.Store]. It goes through one interface after another.
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
				continue // this interface has no tombstones
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

// Merge implements [rbs.Store]. A record from the peer has the same consequences as a
// report of its host.
func (s *service) Merge(now instant.Time, rec *rbs.Record) rbs.Merged {
	s.observe(Outcome{Kind: RecordMerged, Record: *rec})
	ifc := s.interfaceOf(rec.Key)
	if ifc == nil {
		return rbs.Unknown
	}
	if s.merging != ifc {
		s.EndMerge(now)
		s.merging = ifc
	}
	if s.InSync && !rec.Deleted { // during the synchronisation the records are old reports, which do not show that hosts answer now
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
	if e := s.all.exceptions; e.waiting > 0 { // the peer knows a listener of which it sends a record
		e.adopted(now, listener{ifc, ifc.handle(rec.Key)}, rec.Version)
	}
	return [...]rbs.Merged{rbs.Newer, rbs.Stale, rbs.Unfit, rbs.Full}[merged]
}

// Restamp implements [rbs.Store]. All services of the device have one clock, so it moves
// the records of all services that have the same peer, and of those without a peer so
// far.
func (s *service) Restamp(_ instant.Time, peer rbs.Version, by rbs.Stamp) {
	for _, other := range s.all.list {
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
	s.all.exceptions.adopted(now, listener{ifc, h}, v)
	ifc.router.Forget(now, h, mld.Version{Clock: uint64(v.Clock), Device: v.Device})
}

// handle returns the handle of a replicated key's record, 0 if there is none.
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

func filterMode(exclude bool) mld.FilterMode {
	if exclude {
		return mld.Exclude
	}
	return mld.Include
}

var _ rbs.Store = (*service)(nil)
