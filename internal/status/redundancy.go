package status

import (
	"time"

	"tandem/internal/state"
)

// Proof is one kind of proof of an interface, see [state.Proof].
type Proof struct {
	Trunk   uint32 `json:"trunk"`
	Object  string `json:"object"`
	Kind    string `json:"kind"`
	Verdict string `json:"verdict"`
	Since   int64  `json:"since"`
	Reason  string `json:"reason"`
}

// Reload is what stands against reloading each of the two devices now, see
// [state.Redundancy].
type Reload struct {
	Peer []Objection `json:"peer"`
	Self []Objection `json:"self"`
}

// ReloadOf describes an answer.
func ReloadOf(r state.Redundancy) Reload {
	return Reload{objections(r.Peer.Against), objections(r.Self.Against)}
}

// Objection is a reason why a device cannot serve all listeners alone, see [state.Objection].
type Objection struct {
	Object string `json:"object"`
	Reason string `json:"reason"`
	Since  int64  `json:"since"` // 0 while that is not known
}

// mostObjections limits how many objections are told.
const mostObjections = 30

// objections converts objections, the first ones if there are many.
func objections(list []state.Objection) []Objection {
	out := make([]Objection, 0, len(list))
	for _, o := range list[:min(len(list), mostObjections)] {
		at := int64(0)
		if !o.Since.IsZero() {
			at = o.Since.UnixMilli()
		}
		out = append(out, Objection{o.Object, o.Reason, at})
	}
	return out
}

// PeerTold returns what a device that told this some time ago has said of the pair.
func (d *Device) PeerTold(age time.Duration) state.PeerTold {
	return state.PeerTold{ID: d.ID, Age: age, Alone: told(d.Alone), Sees: told(d.Sees)}
}

// told converts objections of a peer. They stay nil if the peer has not told them.
func told(list []Objection) []state.Objection {
	if list == nil {
		return nil
	}
	out := []state.Objection{}
	for _, o := range list {
		objection := state.Objection{Object: o.Object, Reason: o.Reason}
		if o.Since != 0 {
			objection.Since = time.UnixMilli(o.Since)
		}
		out = append(out, objection)
	}
	return out
}
