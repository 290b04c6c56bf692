package mld

import (
	"iter"
	"net/netip"
	"time"
)

type Router struct{}

func NewRouter(cfg Config, device uint64, now time.Duration) *Router                    { return &Router{} }
func (r *Router) SetConfig(now time.Duration, cfg Config, fx *Effects)                  {}
func (r *Router) SetLink(now time.Duration, linkLocal netip.Addr, up bool, fx *Effects) {}
func (r *Router) SetQuerierDuty(now time.Duration, on bool, fx *Effects)                {}
func (r *Router) Receive(now time.Duration, v Version, meta Meta, p *Packet, fx *Effects) error {
	return nil
}
func (r *Router) Malformed()                                            {}
func (r *Router) Merge(now time.Duration, rec Record, fx *Effects) bool { return false }
func (r *Router) HoldPeer(now time.Duration, on bool, fx *Effects)      {}
func (r *Router) Forget(key Key, v Version)                             {}
func (r *Router) Advance(now time.Duration, v Version, fx *Effects)     {}
func (r *Router) Deadline() (at time.Duration, ok bool)                 { return 0, false }
func (r *Router) Filter(group netip.Addr) Filter                        { return Filter{} }
func (r *Router) Wants(group, source netip.Addr) bool                   { return false }
func (r *Router) Get(key Key) (Record, bool)                            { return Record{}, false }
func (r *Router) Records() iter.Seq[Record]                             { return func(func(Record) bool) {} }
func (r *Router) Groups() iter.Seq[netip.Addr]                          { return func(func(netip.Addr) bool) {} }
func (r *Router) GroupState(now time.Duration, group netip.Addr) (GroupState, bool) {
	return GroupState{}, false
}
func (r *Router) State(now time.Duration) InterfaceState { return InterfaceState{} }
