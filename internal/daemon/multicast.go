package daemon

import (
	"errors"
	"time"

	"tandem/internal/daemon/mldio"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/fib/kernel"
	"tandem/internal/linux/inherit"
	"tandem/internal/state"
)

// multicast is what `multicast ipv6 routing-enable` opens: the forwarding plane and the
// MLD socket.
type multicast struct {
	plane fib.Plane
	mld   *mldio.Socket
}

// openPlane opens the forwarding plane; this is where it is chosen.
var openPlane fib.Open = kernel.Open

// openMulticast opens the forwarding plane and the MLD socket, or takes over those of a
// daemon before this one.
func (d *Daemon) openMulticast() error {
	if d.multicast != nil {
		return nil
	}
	plane, err := openPlane(multicastRouter{d}, d.wantGate, d.inheritedPlane())
	if err != nil {
		return err
	}
	mld, err := d.openMLD()
	if err != nil {
		return errors.Join(err, plane.Close())
	}
	d.multicast = &multicast{plane, mld}
	d.readers.Go("forwarding plane", plane.Run)
	d.readers.Go("MLD", mld.Run)
	return nil
}

// inheritedPlane is what the forwarding plane of a daemon before this one has left.
func (d *Daemon) inheritedPlane() (left fib.Checkpoint) {
	if d.legacy == nil {
		return left
	}
	left.State = d.legacy.Forwarding
	for _, name := range planeFiles {
		for _, f := range d.legacy.files.All(name) {
			left.Files = append(left.Files, inherit.File{Name: name, File: f})
		}
	}
	return left
}

// planeFiles are the names of what forwarding planes hand over.
var planeFiles = []string{kernel.FileName}

func (d *Daemon) openMLD() (*mldio.Socket, error) {
	if d.legacy != nil {
		if socket := d.legacy.files.One(mldFile); socket != nil {
			if mld, err := mldio.Adopt(multicastRouter{d}, socket, d.legacy.Joined); err == nil {
				return mld, nil
			}
		}
	}
	return mldio.Open(multicastRouter{d})
}

func (d *Daemon) closeMulticast() {
	if d.multicast == nil {
		return
	}
	d.multicast.mld.Close()
	if err := d.multicast.plane.Close(); err != nil {
		d.emit(event.GateNotRemoved.With(err))
	}
	d.multicast = nil
}

// handOver hands the plane and the socket to a successor.
func (m *multicast) handOver(s *handover) (inherit.Files, error) {
	left, err := m.plane.HandOver()
	if err != nil {
		return nil, err
	}
	socket, joined := m.mld.HandOver()
	s.Forwarding, s.Joined = left.State, joined
	return append(left.Files, inherit.File{Name: mldFile, File: socket}), nil
}

// describe fills in what the plane and the socket tell.
func (m *multicast) describe(s *state.Device) {
	told := m.plane.State()
	g := &told.Gate
	s.Gate = state.Gate{
		Installed: true,
		Closed:    g.Closed, Bucket0: g.Bucket0, Bucket1: g.Bucket1, Orphans: g.Exceptions,
		DroppedClosed: g.DroppedClosed, DroppedBucket0: g.DroppedBucket0, DroppedBucket1: g.DroppedBucket1,
		Repairs: g.Repairs,
	}
	s.Forwarding.Repairs = state.Repairs(told.Repairs)
	s.Socket = state.MLDSocket(m.mld.Counters())
}

// counted adds the plane's counters to entries that are listed in a turn. It asks for
// them outside of turns.
func (d *Daemon) counted(list func() []device.RouteSnapshot) []state.Route {
	var entries []device.RouteSnapshot
	var m *multicast
	_ = d.call(func() { entries, m = list(), d.multicast })
	routes := make([]state.Route, len(entries))
	streams := make([]device.SourceGroup, len(entries))
	for i, e := range entries {
		routes[i] = state.RouteOf(e)
		streams[i] = device.SourceGroup{Source: e.Source, Group: e.Group}
	}
	if m == nil {
		return routes
	}
	for i, c := range m.plane.Counters(streams) {
		routes[i].Packets, routes[i].Bytes, routes[i].WrongIf = c.Packets, c.Bytes, c.WrongInterface
	}
	return routes
}

// attach has packets forwarded between the existing interfaces of the configuration, and
// no others, and listens for MLD on them.
func (d *Daemon) attach() error {
	if d.multicast == nil {
		return nil
	}
	var interfaces []fib.Interface
	var indexes []int
	for _, name := range d.multicastNetdevs() {
		if link := d.links.Get(name); link.Exists {
			interfaces = append(interfaces, fib.Interface{Name: link.Name, Index: link.Index})
			indexes = append(indexes, link.Index)
		}
	}
	// MLDv1 reports are heard only where packets are forwarded.
	return errors.Join(d.multicast.plane.SetInterfaces(interfaces), d.multicast.mld.SetInterfaces(indexes))
}

// multicastRouter is the daemon as the forwarding plane and the MLD socket see it: they
// tell it what they hear and ask what is wanted. It implements [fib.Router] and
// [mldio.Router].
type multicastRouter struct{ d *Daemon }

func (r multicastRouter) Turn(f func(fib.Wanted)) bool {
	return r.d.call(func() { f(r.d.device) }) == nil
}

func (r multicastRouter) StreamArrived(netdev string, stream device.SourceGroup) bool {
	return r.d.post(device.StreamArrived{Netdev: netdev, Source: stream.Source, Group: stream.Group})
}

func (r multicastRouter) StreamsSilent(streams []device.SourceGroup) bool {
	return r.d.post(device.StreamsSilent{Streams: streams})
}

func (r multicastRouter) Receive(events []device.Event, readAt time.Time) bool {
	return r.d.turn(func() { r.d.handle(events, readAt) }) == nil
}

func (r multicastRouter) Name(index int) string { return r.d.links.Name(index) }

func (r multicastRouter) Emit(e event.Event) { r.d.emit(e) }
