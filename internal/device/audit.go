package device

// The audit compares the kernel's entries with those that the device wants, a few at a
// time, while both change:
//
//	BeginAudit, Audit of every entry that the kernel has, Unaudited
//
// An entry that the device makes during the audit counts as seen.

// BeginAudit begins an audit.
func (d *Device) BeginAudit() {
	d.routes.table.round++
	d.routes.table.seen = 0
}

// Audit returns what the kernel should hold for an (S,G) for which it holds an entry;
// false if it should hold none. The entry then counts as seen.
func (d *Device) Audit(sg SourceGroup) (RouteChange, bool) {
	r := d.routes.table.get(sg)
	if r == nil {
		return RouteChange{}, false
	}
	d.routes.table.see(r)
	return r.change(sg), true
}

// Route is like Audit, but the entry does not count as seen.
func (d *Device) Route(sg SourceGroup) (RouteChange, bool) {
	r := d.routes.table.get(sg)
	if r == nil {
		return RouteChange{}, false
	}
	return r.change(sg), true
}

// Unaudited lists the entries that have not been seen since BeginAudit. If all have been
// seen, which is usual, it does not go through the table.
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
