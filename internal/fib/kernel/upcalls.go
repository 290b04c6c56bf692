package kernel

import (
	"context"

	"tandem/internal/device"
	"tandem/internal/linux/mroute"
)

// readUpcalls tells the router of streams that the kernel has no route for.
func (p *Plane) readUpcalls(context.Context) error {
	for {
		up, err := p.table.ReadUpcall()
		if err != nil {
			if p.mayReadOn("multicast routing", err) {
				continue
			}
			return nil
		}
		if up.Kind != mroute.NoCache {
			continue
		}
		if !p.router.StreamArrived(p.interfaces.name(up.Ifindex), device.SourceGroup{Source: up.Source, Group: up.Group}) {
			return nil
		}
	}
}
