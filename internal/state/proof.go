package state

import (
	"fmt"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
	"tandem/internal/proof"
)

// Proof is one kind of proof that a member, or the upstream interface, does its work.
type Proof struct {
	Object string `name:"object" label:"object"`
	Kind   string `name:"proof" label:"proof"` // able, arriving, leaving or told apart
	Proven bool   `name:"proven" metric:"proof" help:"1 while the device has shown that the object does this part of its work."`
	// Verdict distinguishes what was refuted from what was not measured; Proven is false
	// for both.
	Verdict proof.Verdict `name:"verdict"`
	For     time.Duration `name:"for"`    // how long neither the verdict nor its reason has changed
	Reason  string        `name:"reason"` // why the verdict is not Proven
}

// addStandings adds what was proved, and since when, to the state of a device.
func (d *Device) addStandings(s *device.Snapshot) {
	since := func(standing proof.Standing) time.Duration {
		if !standing.Since.IsSet() {
			return 0
		}
		return s.Now.Sub(standing.Since)
	}
	for i := range s.Sessions {
		d.ETrunks[i].BFDFor = since(s.Sessions[i])
	}
	for i := range d.ETrunks {
		t := &d.ETrunks[i]
		for _, p := range s.Proofs {
			if object := d.proven(t, p.Member); object != "" {
				t.Proofs = append(t.Proofs, Proof{Object: object, Kind: p.Kind.String(), Proven: p.Verdict == proof.Proven,
					Verdict: p.Verdict, For: since(p.Standing), Reason: p.Cause})
			}
		}
	}
	for _, m := range s.Members {
		if at := d.member(m.Member); at != nil {
			at.ReadyFor, at.PeerReadyFor = since(m.Readiness), since(m.PeerReadiness)
		}
	}
	for _, i := range s.Interfaces {
		if i.Upstream {
			d.Upstream.For = since(i.Ability)
		} else if at := find(d.Downstream, i.Name); at != nil {
			at.For, at.DeafFor = since(i.Ability), deafFor(s.Now, i.DeafSince)
		}
	}
}

func deafFor(now, since instant.Time) time.Duration {
	if !since.IsSet() {
		return 0
	}
	return now.Sub(since)
}

// proven returns the name of a proof's object if the display of E-Trunk t includes the
// object, and an empty name otherwise.
func (d *Device) proven(t *ETrunk, m device.Member) string {
	switch {
	case m == device.Member{}:
		return d.Upstream.Name
	case m.ETrunk == t.ID:
		return ethTrunk(m.EthTrunk)
	}
	return ""
}

func ethTrunk(id uint32) string { return fmt.Sprintf("Eth-Trunk%d", id) }

// member returns a member of an E-Trunk of the device, nil if there is none.
func (d *Device) member(id device.Member) *Member {
	for i := range d.ETrunks {
		for j := range d.ETrunks[i].Members {
			if m := &d.ETrunks[i].Members[j]; d.ETrunks[i].ID == id.ETrunk && m.ID == id.EthTrunk {
				return m
			}
		}
	}
	return nil
}
