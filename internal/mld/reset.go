package mld

import (
	"net/netip"

	"tandem/internal/instant"
)

// ResetGroup forgets the hosts of a group as if all of them had left it now, and asks
// whether they have: the group is forwarded for the last listener query time, and a host
// that still listens answers and is known again. Prompt leave does not apply. Static
// groups stay. It does nothing if no device would query the hosts, because a router
// outside the pair is the querier, or because the peer is the querier and the channel is
// down. Rewritten records get the version v.
func (r *Router) ResetGroup(now instant.Time, v Version, addr netip.Addr, fx *Effects) {
	gid := r.store.findGroup(addr)
	asked := r.IsQuerier() || !r.kept.Querier.Duty && !r.missesAnswers()
	if gid == 0 || !asked {
		return
	}
	var hosts []netip.Addr
	var wanted Filter
	fl := flags(0)
	for id, rec := range r.store.listeners(r.store.groups.At(gid)) {
		if r.isLeaveRecord(rec) {
			continue
		}
		hosts = append(hosts, r.store.hosts.At(rec.host).addr)
		wanted = wanted.Union(r.store.filter(id))
		fl |= rec.flags & isV1
	}
	if len(hosts) == 0 {
		return
	}
	// The leave record is written first, so that the group always has either the leave
	// record or its hosts.
	sent := len(fx.Queries)
	r.beginLeave(now, v, gid, wanted, fl, fx)
	for _, host := range hosts {
		key := Key{addr, host}
		r.write(now, v, key, r.store.place(key), Filter{}, isDeleted)
		fx.Changed = append(fx.Changed, key)
	}
	fx.Groups = append(fx.Groups, addr)
	fx.Queries = fx.Queries[:sent] // these queries would say that the hosts are still known; startQueries makes the right ones
	r.startQueries(now, gid, wanted, now.Add(r.inUse.LastListenerQueryTime()), true, fx)
}
