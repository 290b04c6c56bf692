package tape

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"tandem/internal/device"
	"tandem/internal/event"
)

// decisions describes in words what a device has decided. The order of the lines has no
// meaning.
func decisions(fx *device.Effects) (lines []string) {
	for _, r := range fx.Routes {
		lines = append(lines, route(&r))
	}
	slices.Sort(lines)
	if g := fx.Gate; g != nil {
		lines = append(lines, gate(g))
	}
	for _, l := range fx.Legs {
		lines = append(lines, fmt.Sprintf("leg %s: up %v, aside %v", l.Netdev, l.Up, l.Aside))
	}
	for _, e := range fx.Events {
		if role(e) {
			lines = append(lines, e.Name+": "+e.Facts())
		}
	}
	return lines
}

func route(r *device.RouteChange) string {
	if r.Delete {
		return fmt.Sprintf("entry (%s, %s): none", r.Source, r.Group)
	}
	return fmt.Sprintf("entry (%s, %s): from %s to %s", r.Source, r.Group, r.Incoming, strings.Join(r.Outgoing, " "))
}

// gate describes a gate in words. It takes time in proportion to the number of
// exceptions, which may be large.
func gate(g *device.Gate) string {
	line := fmt.Appendf(nil, "gate: closed %v, bucket 0 only %v, bucket 1 only %v", g.Closed, g.Bucket0, g.Bucket1)
	for _, sg := range g.Exceptions {
		line = sg.Source.AppendTo(append(line, ", and ("...))
		line = append(sg.Group.AppendTo(append(line, ", "...)), ')')
	}
	return string(line)
}

// role reports whether an event counts as a decision.
func role(e event.Event) bool {
	switch e.Kind {
	case event.ETrunkStatusChange, event.ETrunkMemberStatusChange, event.DutyChange:
		return true
	}
	return false
}

// decided returns a checksum of the decisions, and whether there are any. The checksum
// does not depend on the order of the entries. It must be cheap, because every join needs
// it.
func decided(fx *device.Effects) (sum uint64, any bool) {
	h := fnv.New64a()
	for i := range fx.Routes {
		r := &fx.Routes[i]
		h.Reset()
		source, group := r.Source.As16(), r.Group.As16()
		h.Write(source[:])
		h.Write(group[:])
		if r.Delete {
			h.Write([]byte{1})
		} else {
			h.Write([]byte(r.Incoming))
			for _, name := range r.Outgoing {
				h.Write([]byte{0})
				h.Write([]byte(name))
			}
		}
		sum ^= h.Sum64()
		any = true
	}
	rest := device.Effects{Gate: fx.Gate, Legs: fx.Legs, Events: fx.Events}
	for _, line := range decisions(&rest) {
		h.Reset()
		h.Write([]byte(line))
		sum = sum*31 + h.Sum64()
		any = true
	}
	return sum, any
}
