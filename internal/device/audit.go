package device

// What the kernel holds can be compared with what the device wants it to hold,
// entry by entry and a few at a time, while both change:
//
//	BeginAudit, Audit of every entry that the kernel has, Unaudited
//
// An entry that is made meanwhile counts as seen.

// BeginAudit begins a comparison.
func (d *Device) BeginAudit() {
	d.routes.table.round++
	d.routes.table.seen = 0
}

// Audit returns what the kernel should hold for one (S,G) that it holds; false
// when it should hold nothing.
func (d *Device) Audit(sg SourceGroup) (RouteChange, bool) {
	r := d.routes.table.get(sg)
	if r == nil {
		return RouteChange{}, false
	}
	d.routes.table.see(r)
	return r.change(sg), true
}

// Route is Audit without taking the entry for seen.
func (d *Device) Route(sg SourceGroup) (RouteChange, bool) {
	r := d.routes.table.get(sg)
	if r == nil {
		return RouteChange{}, false
	}
	return r.change(sg), true
}

// Unaudited lists the entries that have not been seen since BeginAudit. When
// there are none, which is usual, it looks at none.
func (d *Device) Unaudited() []SourceGroup {
	if d.routes.table.seen == d.routes.table.routes.Len() {
		return nil
	}
	var list []SourceGroup
	for sg, r := range d.routes.table.all() {
		if r.round != d.routes.table.round {
			list = append(list, sg)
		}
	}
	return list
}
