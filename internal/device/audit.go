package device

// What the kernel holds can be compared with what the device wants it to hold,
// entry by entry and a few at a time, while both change:
//
//	BeginAudit, Audit of every entry that the kernel has, Unaudited
//
// An entry that is made meanwhile counts as seen.

// BeginAudit begins a comparison.
func (d *Device) BeginAudit() {
	d.routes.round++
	d.routes.seen = 0
}

// Audit returns what the kernel should hold for one (S,G) that it holds; false
// when it should hold nothing. Upstream is empty while there is no upstream
// interface.
func (d *Device) Audit(sg SourceGroup) (RouteChange, bool) {
	r := d.routes.get(sg)
	if r == nil {
		return RouteChange{}, false
	}
	d.routes.see(r)
	return d.routeChange(sg, r), true
}

// Route is Audit without taking the entry for seen.
func (d *Device) Route(sg SourceGroup) (RouteChange, bool) {
	r := d.routes.get(sg)
	if r == nil {
		return RouteChange{}, false
	}
	return d.routeChange(sg, r), true
}

// Unaudited lists the entries that have not been seen since BeginAudit. When
// there are none, which is usual, it looks at none.
func (d *Device) Unaudited() []SourceGroup {
	if d.routes.seen == d.routes.routes.Len() {
		return nil
	}
	var list []SourceGroup
	for sg, r := range d.routes.all() {
		if r.round != d.routes.round {
			list = append(list, sg)
		}
	}
	return list
}

// routeChange is what gives an entry to the kernel.
func (d *Device) routeChange(sg SourceGroup, r *route) RouteChange {
	return RouteChange{Source: sg.Source, Group: sg.Group, Upstream: d.upstream.netdev, Outgoing: r.outgoing.list()}
}
