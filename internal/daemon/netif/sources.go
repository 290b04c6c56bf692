package netif

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"tandem/internal/config"
	"tandem/internal/event"
)

// source is an address of this device that some configured protocol uses as source.
type source struct {
	object  string
	address netip.Addr
}

// sourcesOf lists the source addresses that a configuration uses.
func sourcesOf(m *config.Model) (list []source) {
	add := func(a netip.Addr, format string, name any) {
		if a.IsValid() && !a.IsUnspecified() {
			list = append(list, source{fmt.Sprintf(format, name), a.WithZone("")})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.ETrunks)) {
		for _, path := range m.ETrunks[id].Paths() {
			add(path.Local, "ETrunkId=%d", id)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Services)) {
		add(m.Services[name].Local, "ServiceName=%s", name)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Sessions)) {
		add(m.Sessions[name].Local, "SessionName=%s", name)
	}
	return list
}

// Conditions lists the configured interfaces that do not exist, and the configured source
// addresses that no interface has, or that no permitted interface has. Packets from such
// an address cannot be sent.
func (o *Owner) Conditions() (list []event.Condition) {
	if o.model == nil {
		return nil
	}
	for _, i := range o.plan.interfaces {
		if _, made := o.undoLog.Created[i.netdev]; !made && !o.links.Get(i.netdev).Exists {
			list = append(list, event.Condition{AlarmKind: event.InterfaceAbsent, Object: string(i.Name)})
		}
	}
	for _, s := range sourcesOf(o.model) {
		if !o.links.has(s.address) {
			list = append(list, event.Condition{AlarmKind: event.SourceMissing, Object: s.object + ", Source=" + s.address.String()})
		}
	}
	return list
}

// has reports whether an enabled link has a usable address a.
func (l *Links) has(a netip.Addr) bool {
	for _, link := range l.byName {
		if link.AdminUp && slices.ContainsFunc(link.Addresses, func(p netip.Prefix) bool { return p.Addr() == a }) {
			return true
		}
	}
	return false
}
