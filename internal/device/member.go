package device

import (
	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// member is an Eth-Trunk in an E-Trunk: what it may send and why.
type member struct {
	id  Member
	leg LegSettings
	MemberKept
}

// MemberKept is what a device knows of a member.
type MemberKept struct {
	Asked *LegChange // what was last asked of the leg
	// UpAt is since when the leg has carrier, Never while it has none.
	UpAt instant.Time
	// Yielded: the operator has handed everything to the peer.
	Yielded bool
	// Withdrawn: it hands over before its configuration changes, see Withdraw.
	Withdrawn bool
	// HelpAt is when it serves regardless, as the peer cannot; Never while the peer can.
	HelpAt  instant.Time
	Fit     bool // everything is there to serve, since FitAt
	FitAt   instant.Time
	Lack    etrunk.Lack
	Lacking string // what keeps it from serving
	// Aside: the peer was serving already, and this member has not been ready since.
	Aside   bool
	Rival   Rival
	RivalAt instant.Time
	// PartBy is when a forced Backup stops waiting for its successor, Never while it does not wait.
	PartBy instant.Time
	// ServedAt is when the peer will have been ready for long enough to leave the switch to it.
	ServedAt instant.Time
	// StrandAt is when what it hears has been of no use for long enough to be stranded, Never while it is of use.
	StrandAt instant.Time
	Stranded bool
	// Unheard: hosts may be talking to the peer of which this device is not told.
	Unheard bool
	Covers  etrunk.Buckets
	Duty    Duty
}

func newMember(id Member, leg LegSettings) *member {
	return &member{id: id, leg: leg, MemberKept: MemberKept{Covers: etrunk.AllBuckets}}
}

// Rival is what is known of the peer's readiness.
type Rival uint8

const (
	rivalUnknown Rival = iota
	rivalNotReady
	rivalReady // since RivalAt
)
