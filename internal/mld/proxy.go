package mld

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

type Proxy struct{}

func NewProxy(cfg Config, rng *rand.Rand, now time.Duration) *Proxy       { return &Proxy{} }
func (p *Proxy) SetConfig(now time.Duration, cfg Config)                  {}
func (p *Proxy) SetLink(now time.Duration, linkLocal netip.Addr, up bool) {}
func (p *Proxy) Want(now time.Duration, group netip.Addr, f Filter)       {}
func (p *Proxy) Receive(now time.Duration, meta Meta, pkt *Packet) error  { return nil }
func (p *Proxy) Malformed()                                               {}
func (p *Proxy) Advance(now time.Duration, fx *Effects)                   {}
func (p *Proxy) Deadline() (at time.Duration, ok bool)                    { return 0, false }
func (p *Proxy) Pending() int                                             { return 0 }
func (p *Proxy) Joined() int                                              { return 0 }
func (p *Proxy) Counters() Counters                                       { return Counters{} }
