package mld

import "tandem/internal/instant"

// While the replication channel is down, this device does not learn of the reports that
// the peer receives, and the peer does not learn of those received here. Two independent
// settings, which the caller sets, govern the records in that time.
//
//	retention    The peer lives. Records that the peer heard do not age, and neither do
//	             tombstones, because the records that they end do not age at the peer.
//	partitioned  The peer may have heard hosts of which this device does not know. It
//	             may have a live record of a host that left here.
//
// After a setting is cleared, a record that the peer heard ends here when it ends at the
// peer. Leave records always age.
//
// How a record of a host changes:
//
//	                report (7.4)                       leave, or record of the
//	(no record) ───────────────▶ live ◀────────┐       peer that says so
//	     ▲                        │ │          │ report
//	     │    listening interval  │ │          │
//	     │    over (9.4)          │ └──────▶ tombstone
//	     ├────────────────────────┘             │ acknowledged by the peer,
//	     └──────────────────────────────────────┘ or listening interval over
//
// There are two exceptions. A retained record starts a new listening interval when its
// time is over. A live record of this device becomes a tombstone when its time is over
// while partitioned, because the peer may have an older version that is still live.

// RetainPeer starts or ends retention. When retention ends, tombstones, and records whose
// time at the peer is over, get a full listening interval. Records that this rewrites get
// the version v.
func (r *Router) RetainPeer(now instant.Time, v Version, on bool, fx *Effects) {
	if r.kept.Retaining == on {
		return
	}
	if on {
		r.expire(now, fx)
		r.kept.Retaining = true
		if !r.kept.Querier.Duty {
			r.withdrawDones(now, v, fx)
		}
		return
	}
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		if rec := r.store.records.At(id); rec.group != 0 && r.isRetained(rec) {
			at := now.Add(r.ListeningInterval())
			if !r.kept.Partitioned {
				at = r.endOf(rec, now)
			}
			r.store.setExpiry(id, at, now)
		}
	}
	r.endRetention(now)
}

// endRetention ends retention. An expiry that a Done has lowered in the meantime stays
// lowered.
func (r *Router) endRetention(now instant.Time) {
	r.kept.Retaining = false
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		if rec := r.store.records.At(id); rec.group != 0 && rec.live() && id != r.store.groups.At(rec.group).leaveRecord {
			r.lowerByDone(now, id)
		}
	}
}

// SetPartitioned sets whether the peer may have received reports of hosts of which this
// router does not know. While it is set, the leave of a host makes a tombstone even if
// this router has no record of the host: the peer may have such a record, and would bring
// it back when the channel is up again.
//
// Clearing it ends retention, too. Records that this rewrites get the version v.
func (r *Router) SetPartitioned(now instant.Time, v Version, on bool, fx *Effects) {
	if r.kept.Partitioned && !on {
		for id := uint32(1); id <= r.store.records.Top(); id++ {
			if rec := r.store.records.At(id); rec.group != 0 {
				at := r.endOf(rec, now)
				r.store.setExpiry(id, at, now)
				if rec.device != 0 { // the record gets the same time here as at the peer
					rec.heard = max(rec.heard, at.Add(-r.ListeningInterval()))
				}
				if rec.flags&isProlonged != 0 {
					r.republish(now, v, id, fx)
				}
			}
		}
		if r.kept.Retaining {
			r.endRetention(now)
		}
	}
	r.kept.Partitioned = on
}

// endOf returns when a record ends if the channel to the peer is up from now on. A record
// that the peer heard ends when it ends at the peer. If that time is over already, the
// record gets a full listening interval, in which the peer sends the record again.
func (r *Router) endOf(rec *record, now instant.Time) instant.Time {
	retained := r.isRetained(rec)
	full := now.Add(r.ListeningInterval())
	switch at := rec.heard.Add(r.ListeningInterval()); {
	case rec.live() && at > now && (retained || r.kept.Partitioned && rec.device != 0):
		return instant.Earliest(at, rec.expires)
	case retained:
		return full
	}
	return rec.expires
}

// isRetained reports whether retention keeps a record from aging now.
func (r *Router) isRetained(rec *record) bool {
	return r.kept.Retaining && (rec.device != 0 || !rec.live()) && !r.isLeaveRecord(rec)
}

// missesAnswers reports whether the peer lives and may query hosts, but cannot report
// their answers to this router.
func (r *Router) missesAnswers() bool {
	return r.kept.Retaining || r.kept.Partitioned && !r.kept.Querier.Duty
}

// withdrawDones ends the pending leaves that a Done to this device began, and gives the
// MLDv1 records of their groups a full listening interval. The caller uses it when
// retention starts and the peer is the querier: the peer may not have received the Done,
// and could not report the hosts' answers.
func (r *Router) withdrawDones(now instant.Time, v Version, fx *Effects) {
	for gid := range r.store.leavingGroups() {
		g := r.store.groups.At(gid)
		if done := r.store.records.At(g.leaveRecord); !done.live() || done.flags&isV1 == 0 || done.device != 0 {
			continue
		}
		for id, rec := range r.store.listeners(g) {
			if rec.flags&isV1 == 0 {
				continue
			}
			if rec.device != 0 { // the record is retained, and ends when it ends at the peer
				r.store.setExpiry(id, max(rec.expires, rec.heard.Add(r.ListeningInterval())), now)
				continue
			}
			r.store.set(now, id, content{Filter: r.store.filter(id), flags: isV1, clock: v.Clock, heard: rec.heard,
				expires: now.Add(r.ListeningInterval())})
			fx.Changed = append(fx.Changed, Key{g.addr, r.store.hosts.At(rec.host).addr})
		}
		if addr := g.addr; r.store.erase(now, g.leaveRecord) {
			fx.Groups = append(fx.Groups, addr)
		}
	}
}

// republish gives a record a new version, so that the peer accepts it again. Without
// this, a peer that lost its own record gets it in the resynchronisation with the expiry
// that a Done had lowered, and lets it end.
func (r *Router) republish(now instant.Time, v Version, id uint32, fx *Effects) {
	rec := r.store.records.At(id)
	r.store.set(now, id, content{Filter: r.store.filter(id), flags: rec.flags & isV1, clock: v.Clock, heard: rec.heard, expires: rec.expires})
	fx.Changed = append(fx.Changed, Key{r.store.groups.At(rec.group).addr, r.store.hosts.At(rec.host).addr})
}

// turnIntoTombstone makes a tombstone of a record of this device whose time is over while
// the router is partitioned. The tombstone's version is the next one after the record's,
// so it cannot replace a newer record.
func (r *Router) turnIntoTombstone(now instant.Time, id uint32, fx *Effects) {
	rec := r.store.records.At(id)
	key := Key{r.store.groups.At(rec.group).addr, r.store.hosts.At(rec.host).addr}
	until := now.Add(r.ListeningInterval())
	if r.store.set(now, id, content{flags: isDeleted, clock: rec.clock + 1, heard: rec.heard, expires: until}) {
		fx.Groups = append(fx.Groups, key.Group)
	}
	r.store.expiry.add(id, until, now)
	fx.Changed = append(fx.Changed, key)
}
