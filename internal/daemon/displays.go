package daemon

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tandem/internal/config"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/mld"
	"tandem/internal/state"
	"tandem/internal/status"
	"tandem/internal/task"
)

// displays provides the data that consoles, the web page and the metrics show of the
// daemon. Its methods may be called from any goroutine. They return copies, or empty
// values after the daemon has stopped.
type displays struct{ o *owners }

// Snapshot returns the state of the device.
func (d displays) Snapshot() (s state.Device) {
	_ = d.o.loop.Call(func() { s = d.o.snapshot() })
	return s
}

// Status returns a short status of this device.
func (d displays) Status() (s status.Device) {
	_ = d.o.loop.Call(func() { s = d.o.describe() })
	return s
}

// PeerStatus returns the last status of the peer and when it came; the time is zero if none has
// come.
func (d displays) PeerStatus() (s status.Device, at time.Time) { return d.o.board.Peer() }

// History lists the samples of the last minutes.
func (d displays) History() []status.Sample { return d.o.board.Samples() }

const (
	// peerPatience is how long a display waits for the peer to send its present status.
	peerPatience = time.Second
	peerPoll     = 5 * time.Millisecond
)

// Redundancy judges whether each of the two devices can be reloaded. It requests the
// peer's status and waits for the answer, so that the judgement uses what both devices
// have measured in the last second.
func (d displays) Redundancy() state.Redundancy {
	asked := time.Now()
	if d.o.askPeers(d.Snapshot()) {
		for task.Pause(context.Background(), peerPoll) {
			if _, at := d.o.board.Peer(); at.After(asked) || time.Since(asked) > peerPatience {
				break
			}
		}
	}
	return d.judge()
}

// Reload returns the reasons against a reload of each of the two devices, using the last
// report of the peer.
func (d displays) Reload() status.Reload { return status.ReloadOf(d.judge()) }

func (d displays) judge() state.Redundancy {
	s := d.Snapshot()
	peer, at := d.o.board.Peer()
	return state.RedundancyOf(&s, peer.PeerTold(time.Since(at)))
}

// Groups lists the groups of a downstream interface, by its configured name.
func (d displays) Groups(iface string, _ bool) []state.Group {
	var groups []mld.GroupState
	_ = d.o.loop.Call(func() { groups = d.o.router.Groups(iface) })
	return described(groups)
}

func described(groups []mld.GroupState) []state.Group {
	list := make([]state.Group, 0, len(groups))
	for _, g := range groups {
		list = append(list, state.GroupOf(g))
	}
	return list
}

// GroupNames lists the groups of a downstream interface, in no order.
func (d displays) GroupNames(iface string) (names []netip.Addr) {
	_ = d.o.loop.Call(func() { names = slices.Collect(d.o.router.EachGroup(iface)) })
	return names
}

// groupSlice is how many groups one turn examines.
const groupSlice = 4096

// Listening returns those of the groups that a host wants on a downstream interface.
func (d displays) Listening(iface string, host netip.Addr, groups []netip.Addr) (wanted []netip.Addr) {
	for some := range slices.Chunk(groups, groupSlice) {
		_ = d.o.loop.Call(func() {
			for _, g := range some {
				if d.o.router.Listens(iface, g, host) {
					wanted = append(wanted, g)
				}
			}
		})
	}
	return wanted
}

// GroupStates returns the state of groups of a downstream interface. It leaves out groups
// that no listener wants.
func (d displays) GroupStates(iface string, groups []netip.Addr) []state.Group {
	var states []mld.GroupState
	_ = d.o.loop.Call(func() {
		for _, g := range groups {
			if s, ok := d.o.router.Group(iface, g); ok {
				states = append(states, s)
			}
		}
	})
	return described(states)
}

// Routes lists the forwarding entries with their counters.
func (d displays) Routes() []state.Route { return d.o.routing.Counted(d.o.router.Routes) }

// GroupRoutes lists the forwarding entries of a group with their counters.
func (d displays) GroupRoutes(group netip.Addr) []state.Route {
	return d.o.routing.Counted(func() []device.RouteSnapshot { return d.o.router.GroupRoutes(group) })
}

// BFD returns the configured BFD sessions, including those that do not run.
func (d displays) BFD() []state.BFDSession { return state.BFDSessionsOf(d.o.bfd.List()) }

// BFDStatistics returns the counters of BFD.
func (d displays) BFDStatistics() state.BFDStatistics { return d.o.bfd.Statistics() }

// Interfaces lists the interfaces of the configuration and of the system.
func (d displays) Interfaces() (infos []state.Interface) {
	_ = d.o.loop.Call(func() {
		infos = d.o.netif.Interfaces()
		for i := range infos {
			infos[i].BFDDown = d.o.bfd.Lost(infos[i].Netdev)
		}
	})
	if err := netif.CountTraffic(infos); err != nil { // not in the turn, so that no other work waits for it
		d.o.opts.Journal.Emit(event.CountersNotRead.With(err))
	}
	return infos
}

// UnicastRoutes lists the unicast routes of a VPN instance, or of the public network if
// vpn is empty.
func (d displays) UnicastRoutes(vpn string) (routes []state.UnicastRoute, err error) {
	known, err := netif.KernelRoutes()
	if err != nil {
		return nil, err
	}
	if stopped := d.o.loop.Call(func() { routes, err = d.o.netif.UnicastRoutes(vpn, known) }); stopped != nil {
		return nil, stopped
	}
	return routes, err
}

// EthTrunk returns the state in the kernel of a configured Eth-Trunk. It returns an error if
// the Eth-Trunk is not configured.
func (d displays) EthTrunk(number uint32) (info state.EthTrunk, err error) {
	name := config.EthTrunkName(number)
	stopped := d.o.loop.Call(func() {
		if d.o.model.Interfaces[name] == nil {
			err = fmt.Errorf("%s is not configured; known: %s", name, known(ethTrunks(d.o.model)))
			return
		}
		info, err = d.o.netif.EthTrunk(name)
	})
	if stopped != nil {
		return info, stopped
	}
	return info, err
}

func ethTrunks(m *config.Model) map[config.InterfaceName]bool {
	trunks := make(map[config.InterfaceName]bool)
	for name := range m.Interfaces {
		if _, ok := name.EthTrunk(); ok {
			trunks[name] = true
		}
	}
	return trunks
}

// known lists the names of objects, for an error message about an unknown name.
func known[K cmp.Ordered, V any](objects map[K]V) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		names = append(names, fmt.Sprint(name))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
