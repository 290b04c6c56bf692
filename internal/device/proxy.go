package device

import (
	"iter"
	"math/rand/v2"
	"net/netip"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

// proxy is the upstream interface with its MLD proxy (RFC 4605). Its methods apply the
// effects of the proxy core.
type proxy struct {
	*ground
	name   string // the configured name of the upstream interface, empty if there is none
	netdev string
	link   LinkChanged
	core   *mld.Proxy // nil if there is no upstream interface
	fx     mld.Effects
}

// exists implements [upstream].
func (p *proxy) exists() bool { return p.core != nil }

// isOn reports whether the upstream interface is the one with this Linux name.
func (p *proxy) isOn(netdev string) bool { return p.exists() && p.netdev == netdev }

// open makes an interface the upstream one. If there was a predecessor, memory is its
// state.
func (p *proxy) open(now instant.Time, name string, cfg InterfaceSettings, memory *mld.ProxyMemory) {
	p.name, p.netdev = name, cfg.Netdev
	p.core = mld.NewProxy(cfg.MLD, rand.New(p.random(0)), now)
	if memory != nil {
		p.core.Resume(now, *memory)
	}
	p.setLink(now, p.links[cfg.Netdev])
}

// leave stops using the upstream interface, and leaves the groups that the listeners want
// there. The routers on it get one report. If that is lost, they notice by their own
// queries.
func (p *proxy) leave(now instant.Time, groups iter.Seq[netip.Addr]) {
	if !p.exists() {
		return
	}
	for group := range groups {
		p.want(now, group, mld.Filter{})
	}
	p.advance(now)
	p.name, p.netdev, p.link, p.core = "", "", LinkChanged{}, nil
}

// configure applies new settings if the upstream interface is still the one with this
// name, and reports whether it is.
func (p *proxy) configure(now instant.Time, name string, cfg InterfaceSettings) bool {
	on := p.exists() && p.name == name && p.netdev == cfg.Netdev
	if on {
		p.core.SetConfig(now, cfg.MLD)
	}
	return on
}

// incoming implements [upstream]: the proxy has only one interface, so every stream comes
// in there.
func (p *proxy) incoming(SourceGroup) string { return p.netdev }

// isUp implements [upstream].
func (p *proxy) isUp() bool { return p.link.Up }

// unable implements [upstream].
func (p *proxy) unable() string {
	if lack := p.link.lack(); lack != "" {
		return p.name + ": " + lack
	}
	return ""
}

// setLink passes the state of the interface's link to the proxy core.
func (p *proxy) setLink(now instant.Time, link LinkChanged) {
	p.link = link
	p.core.SetLink(now, link.LinkLocal, link.Up)
}

// receive passes an MLD message to the proxy core, which counts the messages that it
// drops.
func (p *proxy) receive(now instant.Time, meta mld.Meta, packet *mld.Packet) {
	if p.core.Receive(now, meta, packet) == nil {
		p.advance(now)
	}
}

// malformed counts a message that could not be decoded.
func (p *proxy) malformed() { p.core.Malformed() }

// counters returns the message counters of the upstream interface.
func (p *proxy) counters() mld.Counters { return p.core.Counters() }

// want implements [upstream].
func (p *proxy) want(now instant.Time, group netip.Addr, filter mld.Filter) {
	if !p.exists() {
		return
	}
	was := p.joining()
	p.core.Want(now, group, filter)
	p.noteJoining(now, was)
}

// reportAll implements [upstream].
func (p *proxy) reportAll(now instant.Time) {
	if p.exists() {
		p.core.ReportAll(now)
		p.advance(now)
	}
}

// advance sends the reports that are due.
func (p *proxy) advance(now instant.Time) {
	if !p.exists() {
		return
	}
	was := p.joining()
	p.core.Advance(now, &p.fx)
	for _, report := range p.fx.Reports {
		p.ground.fx.MLD = append(p.ground.fx.MLD, SendMLD{
			Netdev: p.netdev, Destination: report.Dst, Payload: report.Payload,
			RouterAlert: p.settings.Interfaces[p.name].MLD.SendRouterAlert,
		})
	}
	p.fx.Reset()
	p.noteJoining(now, was)
}

// deadline is when advance must next be called.
func (p *proxy) deadline() instant.Time {
	if !p.exists() {
		return instant.Never
	}
	return p.core.Deadline()
}

// joining implements [upstream].
func (p *proxy) joining() bool { return p.exists() && p.core.Pending() > 0 }

// noteJoining makes the duty be computed again when joins have begun to wait, or no
// longer wait.
func (p *proxy) noteJoining(now instant.Time, was bool) {
	if was != p.joining() {
		p.agenda.add(stageDuty, now)
	}
}

// memory returns the state for a successor.
func (p *proxy) memory() mld.ProxyMemory {
	if !p.exists() {
		return mld.ProxyMemory{}
	}
	return p.core.Memory()
}
