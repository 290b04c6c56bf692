package device

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/mld"
)

// downstreams holds the interfaces towards hosts, by configured name.
type downstreams struct {
	*ground
	keyed[string, *downstream]
	followers followers
	numbered  uint32 // how many numbers have been given to interfaces
}

// configure makes the interfaces agree with the settings.
func (ds *downstreams) configure(now instant.Time) {
	for _, ifc := range ds.list {
		cfg, wanted := ds.settings.Interfaces[ifc.name]
		if !wanted || cfg.Upstream || cfg.Netdev != ifc.netdev {
			ds.discard(now, ifc)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ds.settings.Interfaces)) {
		cfg := ds.settings.Interfaces[name]
		if cfg.Upstream {
			continue
		}
		ifc := ds.get(name)
		if ifc == nil {
			ds.add(now, name, cfg)
			continue
		}
		changed := !ifc.cfg.MLD.Equal(cfg.MLD)
		ifc.cfg = cfg
		if changed {
			ifc.router.SetConfig(now, cfg.MLD)
		}
	}
}

func (ds *downstreams) add(now instant.Time, name string, cfg InterfaceSettings) {
	ds.numbered++
	ifc := newDownstream(now, ds.ground, ds.followers, name, cfg, ds.numbered)
	ds.put(name, ifc)
	ifc.setLink(now, ds.links[cfg.Netdev])
	for group := range ifc.router.Groups() { // its static groups
		ds.followers.regroup(now, group)
	}
}

// discard removes an interface from the device and from all routes.
func (ds *downstreams) discard(now instant.Time, ifc *downstream) {
	ds.remove(ifc.name)
	ds.followers.discarded(ifc)
	for group := range ifc.router.Groups() {
		ds.followers.regroup(now, group)
	}
}

// on returns the interface with this Linux name, nil if there is none.
func (ds *downstreams) on(netdev string) *downstream {
	for _, ifc := range ds.list {
		if ifc.netdev == netdev {
			return ifc
		}
	}
	return nil
}

// receive passes an MLD message to the router of the interface on which it came in.
func (ds *downstreams) receive(now instant.Time, ifc *downstream, ev *MLDReceived) {
	ifc.router.SetRoom(ds.room(ifc))
	if ev.Packet.Type != mld.TypeQuery {
		ifc.hearing.hear()
	}
	ifc.router.Receive(now, ev.Meta, ev.Packet)
	ifc.noteRefusals(now)
}

// reset queries the hosts of the groups, and forgets the hosts that do not answer.
func (ds *downstreams) reset(now instant.Time, ev ResetGroups) {
	if ifc := ds.get(ev.Interface); ifc != nil {
		for _, group := range ev.Groups {
			ifc.router.ResetGroup(now, group)
		}
	}
}

// room returns how many records hosts may create on an interface under the bound of the
// device, -1 for no bound.
func (ds *downstreams) room(ifc *downstream) int {
	left := ds.settings.RecordLimit
	if left == 0 {
		return -1
	}
	return max(left-ds.records()+ifc.router.Hosts(), 0)
}

// records returns the number of listener records.
func (ds *downstreams) records() (n int) {
	for _, ifc := range ds.list {
		n += ifc.router.Hosts()
	}
	return n
}

// refusalPause is the shortest time between two log events about refused joins on one
// interface.
const refusalPause = time.Minute

// noteRefusals logs that the configuration has refused joins.
func (i *downstream) noteRefusals(now instant.Time) {
	refused := i.router.Refused()
	if refused == i.Refused || i.Refused != 0 && now < i.RefusedAt.Add(refusalPause) {
		return
	}
	drops := i.router.State(now).Counters.Drops
	i.tell(event.MLDJoinRefused.With(i.name, refused-i.Refused, drops.Policy, drops.Access, drops.Limit, drops.Host))
	i.Refused, i.RefusedAt = refused, now
}

// groups yields the groups that any listener wants. A group may occur several times.
func (ds *downstreams) groups() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, ifc := range ds.list {
			for group := range ifc.router.Groups() {
				if !yield(group) {
					return
				}
			}
		}
	}
}

// wanted merges the filters of all interfaces (RFC 4605, section 3).
func (ds *downstreams) wanted(group netip.Addr) mld.Filter {
	var merged mld.Filter
	for _, ifc := range ds.list {
		merged = merged.Union(ifc.router.Filter(group))
	}
	return merged
}

// named lists the sources of a group, sorted, that the listeners of some interface want
// by name although those of another interface want any source.
func (ds *downstreams) named(group netip.Addr) []netip.Addr {
	var sources []netip.Addr
	for _, ifc := range ds.list {
		if f := ifc.router.Filter(group); f.Mode == mld.Include {
			sources = append(sources, f.Sources...)
		}
	}
	slices.SortFunc(sources, netip.Addr.Compare)
	return slices.Compact(sources)
}

// wanting appends the Linux names of the interfaces whose listeners want a stream, sorted.
func (ds *downstreams) wanting(sg SourceGroup, names []string) []string {
	if !mld.UsableSource(sg.Source) {
		return names
	}
	for _, ifc := range ds.list {
		if ifc.link.Exists && ifc.router.Wants(sg.Group, sg.Source) {
			names = append(names, ifc.netdev)
		}
	}
	slices.Sort(names)
	return names
}
