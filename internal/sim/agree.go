package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
)

// settle waits until both devices share the sending again and hold the same records.
func (w *World) settle() error {
	for deadline := w.now.Add(settleTime); !w.shared(); {
		if w.now >= deadline {
			return fmt.Errorf("the pair does not share again after %v: A %s, B %s", settleTime, w.nodes[0].describe(), w.nodes[1].describe())
		}
		if err := w.pass(100 * time.Millisecond); err != nil {
			return err
		}
	}
	w.watch.forgive(w.strict)
	w.settled, w.strict, w.heard = true, true, false
	return w.agree()
}

// agree waits until both databases are equal. While it waits, no host joins or leaves.
func (w *World) agree() error {
	w.calm = true
	defer func() { w.calm = false }()
	for deadline := w.now.Add(agreeTime); ; {
		a, b := w.digests(0), w.digests(1)
		if slices.Equal(a, b) {
			return w.checkGone()
		}
		if w.now >= deadline {
			return fmt.Errorf("the databases differ %v after the last change: A %v, B %v:%s", agreeTime, a, b, w.difference())
		}
		if err := w.pass(50 * time.Millisecond); err != nil {
			return err
		}
	}
}

// checkGone checks that no leave is forgotten. If both devices agree and the device that heard
// the leave has not died, neither may hold the listener.
func (w *World) checkGone() error {
	for _, h := range w.hosts {
		for i, s := range w.streams {
			heard := h.gone[i]
			if h.v1 || h.wants[i] || heard.node == nil || heard.node.boots != heard.boot || !heard.node.hasVLAN(h.vlan) {
				continue
			}
			if heard.node.knows(h, s) {
				return fmt.Errorf("host %d has left %s, %s heard it and holds it for a listener", h.number, s.group, heard.node.name)
			}
		}
	}
	return nil
}

// knows reports whether a device has a record of a host for a stream. An MLDv1 host may
// be silent because another host has reported, so any MLDv1 record of the group counts.
func (n *node) knows(h *host, s stream) bool {
	for _, g := range n.dev.Groups(n.w.now, configuredName(h.vlan)) {
		if g.Group == s.group {
			return slices.ContainsFunc(g.Hosts, func(state mld.HostState) bool {
				return state.Host == h.addr || h.v1 && state.V1 && !state.Host.IsUnspecified()
			})
		}
	}
	return false
}

// difference lists the records that only one device has.
func (w *World) difference() string {
	var lists [2]map[string]mld.HostState
	for i, n := range w.nodes {
		lists[i] = make(map[string]mld.HostState)
		for v := range vlans {
			for _, g := range n.dev.Groups(w.now, configuredName(v)) {
				for _, h := range g.Hosts {
					lists[i][fmt.Sprintf("%s %s %s", legName(v), g.Group, h.Host)] = h
				}
			}
		}
	}
	var text strings.Builder
	for i, list := range lists {
		for _, key := range slices.Sorted(maps.Keys(list)) {
			if _, both := lists[1-i][key]; !both {
				fmt.Fprintf(&text, "\n\tonly %s: %s %+v", w.nodes[i].name, key, list[key])
			}
		}
	}
	return text.String()
}

// digests lists the digest of each profile of a device.
func (w *World) digests(node int) []string {
	var list []string
	for _, p := range w.nodes[node].snapshot().Profiles {
		list = append(list, fmt.Sprintf("%s: %d records %016x", p.Name, p.Records, p.Digest))
	}
	return list
}

func (w *World) shared() bool {
	for _, n := range w.nodes {
		if !n.alive() || n.bfd != etrunk.BFDUp {
			return false
		}
		snap := n.snapshot()
		rest := n.dutyAtRest(snap.ETrunks[0].Preferred)
		if !snap.Services[0].InSync || !snap.Members[0].Ready || n.duty().Kind != rest || n.legUp() != (rest != device.DutyNone) {
			return false
		}
	}
	return true
}

// dutyAtRest returns the duty of a device in a pair without faults.
func (n *node) dutyAtRest(preferred bool) device.DutyKind {
	switch {
	case n.memberMode() != etrunk.Auto:
		return device.DutyShared
	case preferred:
		return device.DutySole
	}
	return device.DutyNone
}

func (n *node) describe() string {
	if !n.alive() {
		return "is dead"
	}
	duty := n.duty()
	return fmt.Sprintf("%s (%s), in sync %v", duty.Kind, duty.Reason, n.snapshot().Services[0].InSync)
}
