package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"tandem/internal/probe"
)

// askTimeout bounds one request to a daemon.
const askTimeout = 2 * time.Second

// The JSON fields that the lab reads from the displays.
type (
	trunkFacts struct {
		State     string      `json:"state"`
		PeerAlive bool        `json:"peer-alive"`
		BFD       string      `json:"bfd-state"`
		Duties    []dutyFacts `json:"duties"`
	}
	dutyFacts struct {
		ID        int    `json:"id"`
		Duty      string `json:"duty"`
		Ready     bool   `json:"ready"`
		PeerReady bool   `json:"peer-ready"`
	}
	serviceFacts struct {
		TCP    string `json:"tcp-state"`
		InSync bool   `json:"in-sync"`
		Lag    int    `json:"lag-records"`
	}
	profileFacts struct {
		Records  int    `json:"records"`
		Digest   string `json:"digest"`
		Ready    bool   `json:"ready"`
		NotReady string `json:"not-ready-reason"`
	}
	entryFacts struct {
		Source netip.Addr `json:"source"`
		Group  netip.Addr `json:"group"`
		Orphan bool       `json:"orphan"`
		Out    []struct {
			Interface string `json:"interface"`
			Sends     bool   `json:"sends"`
		} `json:"outgoing-interfaces"`
	}
)

// status is the state of one device, read from its displays.
type status struct {
	trunk   trunkFacts
	duty    dutyFacts
	service serviceFacts
	profile profileFacts
	entries []entryFacts
}

// ask reads the state of a device.
func ask(ctx context.Context, p *probe.Probe) (status, error) {
	var (
		trunks struct {
			List []trunkFacts `json:"e-trunks"`
		}
		services struct {
			List []serviceFacts `json:"services"`
		}
		profiles struct {
			List []profileFacts `json:"profiles"`
		}
		table struct {
			List []entryFacts `json:"entries"`
		}
	)
	for what, into := range map[string]any{
		fmt.Sprintf("e-trunk %d", etrunkID):    &trunks,
		"remote-backup-service " + serviceName: &services,
		"remote-backup-profile " + profileName: &profiles,
		"multicast ipv6 forwarding-table":      &table,
	} {
		if err := p.Display(ctx, what, into); err != nil {
			return status{}, err
		}
	}
	if len(trunks.List) != 1 || len(trunks.List[0].Duties) != 1 || len(services.List) != 1 || len(profiles.List) != 1 {
		return status{}, errors.New("not configured yet")
	}
	return status{trunks.List[0], trunks.List[0].Duties[0], services.List[0], profiles.List[0], table.List}, nil
}

// sends reports whether the device sends a stream on its leg.
func (s status) sends(group netip.Addr) bool {
	for _, e := range s.entries {
		if e.Group != group || e.Source != sourceAddr {
			continue
		}
		for _, o := range e.Out {
			if o.Sends {
				return true
			}
		}
	}
	return false
}

// pair is the state of both devices.
type pair struct{ a, b status }

// askPair reads the state of both devices.
func askPair(ctx context.Context, a, b *probe.Probe) (pair, error) {
	var both pair
	var err error
	if both.a, err = ask(ctx, a); err != nil {
		return both, fmt.Errorf("device a: %w", err)
	}
	if both.b, err = ask(ctx, b); err != nil {
		return both, fmt.Errorf("device b: %w", err)
	}
	return both, nil
}

func (p pair) of(device string) status {
	if device == deviceA {
		return p.a
	}
	return p.b
}

// equal reports whether the two databases are equal.
func (p pair) equal() bool {
	return p.a.profile.Digest == p.b.profile.Digest && p.a.profile.Records == p.b.profile.Records
}

// settled returns nil if the pair is complete and shares the sending of the groups. Otherwise
// the error says what is missing.
func (p pair) settled(groups []netip.Addr) error {
	for _, d := range devices {
		s := p.of(d)
		switch {
		case !s.trunk.PeerAlive:
			return fmt.Errorf("device %s does not hear its peer", d)
		case s.trunk.BFD != "Up":
			return fmt.Errorf("BFD of device %s is %s", d, s.trunk.BFD)
		case s.service.TCP != "Connected":
			return fmt.Errorf("backup service of device %s is %s", d, s.service.TCP)
		case !s.service.InSync:
			return fmt.Errorf("device %s is not synchronised", d)
		case !s.duty.Ready:
			return fmt.Errorf("device %s is not ready: %s", d, s.profile.NotReady)
		case !s.duty.PeerReady:
			return fmt.Errorf("device %s has not heard that its peer is ready", d)
		case s.duty.Duty != "shared":
			return fmt.Errorf("duty of device %s is %q", d, s.duty.Duty)
		}
	}
	if !p.equal() {
		return fmt.Errorf("databases differ: %d records on a, %d on b", p.a.profile.Records, p.b.profile.Records)
	}
	for _, g := range groups {
		if a, b := p.a.sends(g), p.b.sends(g); a == b {
			return fmt.Errorf("%s is sent by %s", g, map[bool]string{true: "both", false: "neither"}[a])
		}
	}
	return nil
}

// sharers returns the groups that each device sends.
func (p pair) sharers(groups []netip.Addr) (a, b []netip.Addr) {
	for _, g := range groups {
		if p.a.sends(g) {
			a = append(a, g)
		}
		if p.b.sends(g) {
			b = append(b, g)
		}
	}
	return a, b
}

// poll calls done until it returns nil. When the time is over, it returns the last error of
// done.
func poll(ctx context.Context, limit time.Duration, done func() error) error {
	return probe.Await(ctx, limit, pollInterval, done)
}

const pollInterval = 100 * time.Millisecond
