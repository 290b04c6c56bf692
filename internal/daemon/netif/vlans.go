package netif

import "tandem/internal/linux/links"

// vlan makes or adopts a sub-interface.
func (t trunks) vlan(p vlanPlan) error {
	link, parent := t.now[p.netdev], t.now[p.parent]
	if _, ours := t.undoLog.Created[p.netdev]; ours && link.VLAN.ID != p.id {
		if err := t.remove(p.netdev); err != nil {
			return err
		}
		link = links.Link{}
	}
	if link.Exists || !parent.Exists {
		return nil
	}
	_, err := t.create(p.netdev, t.undoLog.Created, func() error { return t.netlink.AddVLAN(p.netdev, p.parent, p.id) })
	return err
}
