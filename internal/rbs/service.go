package rbs

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

type Service struct{}

func NewService(store Store, clock *Clock, device, boot uint64, rng *rand.Rand) *Service { return &Service{} }
func (s *Service) Configure(now time.Duration, cfg Config, fx *Effects)                    {}
func (s *Service) Accepted(now time.Duration, conn ConnID, from netip.Addr, fx *Effects)   {}
func (s *Service) ListenFailed(now time.Duration, reason string, fx *Effects)              {}
func (s *Service) Dialled(now time.Duration, conn ConnID, fx *Effects)                     {}
func (s *Service) DialFailed(now time.Duration, reason string, fx *Effects)                {}
func (s *Service) Received(now time.Duration, conn ConnID, b []byte, fx *Effects)          {}
func (s *Service) Written(now time.Duration, conn ConnID, fx *Effects)                     {}
func (s *Service) Closed(now time.Duration, conn ConnID, reason string, fx *Effects)       {}
func (s *Service) Advance(now time.Duration, fx *Effects)                                  {}
func (s *Service) Deadline() (at time.Duration, ok bool)                                   { return 0, false }
func (s *Service) Dirty(now time.Duration, key Key)                                        {}
func (s *Service) Reset(now time.Duration, fx *Effects)                                    {}
func (s *Service) InSync() bool                                                            { return false }
func (s *Service) State(now time.Duration, wall time.Time) State                           { return State{} }
