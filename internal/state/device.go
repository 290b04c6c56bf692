package state

import (
	"slices"
	"strings"
	"time"

	"tandem/internal/device"
	"tandem/internal/latency"
	"tandem/internal/proof"
)

// Device is the state of a device as a whole. Groups, routes, BFD sessions and the
// interfaces of the system are not in it, because there may be many; callers request them
// separately.
type Device struct {
	At     time.Time     `name:"time"` // wall clock
	ID     Hex           `name:"device-id"`
	Uptime time.Duration `name:"uptime" metric:"uptime_seconds" help:"Time since the daemon started."`
	// ServesAlone says that Alone returns no objection. The caller of [DeviceOf] sets it
	// after it has added the data of the kernel.
	ServesAlone bool    `name:"serves-alone" metric:"serves_alone" help:"1 while the device could serve every listener without its peer."`
	Ignored     Ignored `name:"ignored" metric:"device_ignored" by:"what" help:"Inputs that no part of the device takes, by what they were."`

	Upstream   *Upstream    `name:"upstream"`  // nil if no upstream interface is configured
	Proxy      *MLDCounted  `name:"mld-proxy"` // message counters of the proxy on the upstream interface
	Downstream []Downstream `name:"downstream"`
	ETrunks    []ETrunk     `name:"e-trunks"`
	Services   []Service    `name:"services"`
	Profiles   []Profile    `name:"profiles"`

	Socket MLDSocket `name:"mld-socket" metric:"mld_socket_" help:"MLD socket, messages"`
	// Joins is a histogram of the time from the reading of a report to the kernel's entry
	// for it.
	Joins      latency.Histogram `name:"join-latency" metric:"join_latency_seconds" help:"Time from reading a report to having the kernel's forwarding entry for it."`
	Forwarding Forwarding        `name:"forwarding" metric:"mfc_" help:"Forwarding cache, entries"`
	Gate       Gate              `name:"gate" metric:"gate_"`
}

// Ignored counts inputs that no part of the device handles.
type Ignored struct {
	MLDElsewhere    uint64 `name:"mld-elsewhere"` // MLD messages on an interface that is not configured for MLD
	MLDMalformed    uint64 `name:"mld-malformed"`
	StreamElsewhere uint64 `name:"stream-elsewhere"` // streams that came in on an interface that is not upstream
	HelloUnknown    uint64 `name:"hello-unknown"`    // hellos that no E-Trunk of the device accepts
}

// DeviceOf returns the state of a device. The caller adds the part that comes from the
// kernel.
func DeviceOf(s device.Snapshot) Device {
	d := Device{
		At: s.At, ID: Hex(s.DeviceID), Uptime: s.Uptime, Ignored: ignoredOf(&s.Counters),
		ETrunks: ETrunksOf(s.ETrunks, s.Members), Services: ServicesOf(s.Services), Profiles: ProfilesOf(s.Profiles),
		Forwarding: Forwarding{Total: s.Entries, Silent: s.Silent},
	}
	for i := range s.Streams {
		d.Services[i].Streams = streamsOf(s.Now, &s.Streams[i])
	}
	for _, i := range s.Interfaces {
		if i.Upstream {
			d.Upstream = &Upstream{Name: i.Name, Netdev: i.Netdev, Up: i.Up, Able: i.Lacks == proof.LacksNothing, Lacks: i.Lacks.String()}
			d.Proxy = &MLDCounted{Name: i.Name, LinkLocal: i.MLD.LinkLocal, Counters: i.MLD.Counters}
		} else {
			d.Downstream = append(d.Downstream, downstreamOf(&i))
		}
	}
	d.addStandings(&s)
	return d
}

func ignoredOf(c *device.Counters) Ignored {
	return Ignored{MLDElsewhere: c.MLDElsewhere, MLDMalformed: c.MLDMalformed, StreamElsewhere: c.StreamElsewhere, HelloUnknown: c.HelloUnknown}
}

// MLDCounted lists the MLD counters of each interface, by interface name.
func (d *Device) MLDCounted() (list []MLDCounted) {
	if d.Proxy != nil {
		list = append(list, *d.Proxy)
	}
	for _, i := range d.Downstream {
		list = append(list, MLDCounted{Name: i.Name, LinkLocal: i.LinkLocal, Counters: i.Counters})
	}
	slices.SortFunc(list, func(a, b MLDCounted) int { return strings.Compare(a.Name, b.Name) })
	return list
}
