package device

import (
	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/proof"
)

// member is an Eth-Trunk in an E-Trunk, with the state of its duty.
type member struct {
	id  Member
	leg LegSettings
	MemberKept
}

// MemberKept is the state of a member that outlives an event.
type MemberKept struct {
	Asked *LegChange // the state that was last requested of the leg
	// UpAt is since when the leg has carrier, Never while it has no carrier.
	UpAt instant.Time
	// Yielded says that the operator has requested a switchover to the peer.
	Yielded bool
	// Withdrawn says that the member hands over before its configuration changes, see
	// Withdraw.
	Withdrawn bool
	// HelpAt is when the member serves in spite of a switchover because the peer cannot
	// serve; Never while the peer can.
	HelpAt  instant.Time
	Fit     bool // the member lacks nothing, since FitAt
	FitAt   instant.Time
	Lack    etrunk.Lack
	Lacking string // what keeps the member from serving, in words
	// Aside says that the peer's member served everything when this member was not ready,
	// and that this member has not been ready since.
	Aside   bool
	Rival   Rival
	RivalAt instant.Time
	// PartBy is when a forced Backup stops waiting for its successor; Never while it does
	// not wait.
	PartBy instant.Time
	// ServedAt is when the peer will have been ready for long enough, so that the switch
	// can do without this leg.
	ServedAt instant.Time
	// StrandAt is when the leg will be taken out of service because its reports serve no
	// listener; Never while they do (see strands).
	StrandAt instant.Time
	Stranded bool
	// Unheard says that hosts may send reports to the peer of which this device does not
	// learn.
	Unheard bool
	Covers  etrunk.Buckets
	Duty    Duty
	// What is proved of the member here and at the peer, and since when; see note in
	// proofs.go.
	Readiness, PeerReadiness proof.Standing
	Ability, Leaving         proof.Standing
}

func newMember(id Member, leg LegSettings) *member {
	return &member{id: id, leg: leg, MemberKept: MemberKept{Covers: etrunk.AllBuckets}}
}

// Rival says what this device knows of the readiness of the peer's member.
type Rival uint8

const (
	rivalUnknown Rival = iota
	rivalNotReady
	rivalReady // the peer is ready, since RivalAt
)
