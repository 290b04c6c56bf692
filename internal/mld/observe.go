package mld

import (
	"iter"

	"tandem/internal/instant"
)

// Handle identifies a record of one router as long as the record exists. After that,
// another record may get the same handle.
type Handle uint32

// Rewrite describes one write to a record: what it was before and what it is now. A
// tombstone exists and is not live.
type Rewrite struct {
	Handle   Handle
	Key      Key
	Old, New Version
	WasLive  bool
	IsLive   bool
	Created  bool // before, there was no record of this key
	Gone     bool // after the write, the record no longer exists
}

// Observe sets a function that is called for every write to a record, whatever the cause.
// It is called in the middle of the write and must not call the router. nil removes the
// function.
func (r *Router) Observe(observer func(Rewrite)) { r.store.observer = observer }

// HandleOf returns the handle of the record of a key, 0 if there is no such record.
func (r *Router) HandleOf(key Key) Handle { return Handle(r.store.lookup(key)) }

// At returns the record of a handle, false when there is none. Its Left is counted from
// now.
func (r *Router) At(now instant.Time, h Handle) (Record, bool) {
	if h == 0 || uint32(h) > r.store.records.Top() {
		return Record{}, false
	}
	rec := r.store.records.At(uint32(h))
	if rec.group == 0 {
		return Record{}, false
	}
	return r.view(now, rec), true
}

// GroupOf returns the number of the group of a record that exists. When a group has gone,
// another group may get the same number.
func (r *Router) GroupOf(h Handle) uint32 { return r.store.records.At(uint32(h)).group }

// GroupAfter returns the next higher number of a group, 0 if there is none, and the
// handles of the group's records, tombstones included. GroupAfter(0) is the first group.
// The router must not be modified during the iteration.
func (r *Router) GroupAfter(number uint32) (next uint32, records iter.Seq[Handle]) {
	for next = number + 1; next <= r.store.groups.Top(); next++ {
		if first := r.store.groups.At(next).records.First; first != 0 {
			return next, func(yield func(Handle) bool) {
				for id := first; id != 0 && yield(Handle(id)); id = r.store.records.At(id).links.Next {
				}
			}
		}
	}
	return 0, func(func(Handle) bool) {}
}

// Tombstones yields the records that are not live. The router must not be
// modified during the iteration.
func (r *Router) Tombstones(now instant.Time) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for id := uint32(1); id <= r.store.records.Top(); id++ {
			if rec := r.store.records.At(id); rec.group != 0 && !rec.live() && !yield(r.view(now, rec)) {
				return
			}
		}
	}
}

// Own yields the live records of hosts that this device heard last, with their versions.
// The router must not be modified during the iteration.
func (r *Router) Own() iter.Seq2[Handle, Version] {
	return func(yield func(Handle, Version) bool) {
		for id := uint32(1); id <= r.store.records.Top(); id++ {
			rec := r.store.records.At(id)
			if rec.group != 0 && rec.device == 0 && rec.live() && !r.isLeaveRecord(rec) && !yield(Handle(id), r.store.version(rec)) {
				return
			}
		}
	}
}

// Handles yields the handle of every record, tombstones included. The router
// must not be modified during the iteration.
func (r *Router) Handles() iter.Seq[Handle] {
	return func(yield func(Handle) bool) {
		for id := uint32(1); id <= r.store.records.Top(); id++ {
			if r.store.records.At(id).group != 0 && !yield(Handle(id)) {
				return
			}
		}
	}
}

// notifyObserver calls the observer after a write. was and fl are the record's version
// and flags before the write.
func (s *store) notifyObserver(id uint32, was Version, fl flags, gone bool) {
	if s.observer == nil {
		return
	}
	rec := s.records.At(id)
	w := Rewrite{
		Handle:  Handle(id),
		Key:     Key{s.groups.At(rec.group).addr, s.hosts.At(rec.host).addr},
		Old:     was,
		WasLive: fl&isDeleted == 0,
		Created: fl&isNew != 0,
		Gone:    gone,
	}
	if !gone {
		w.New, w.IsLive = s.version(rec), rec.live()
	}
	s.observer(w)
}
