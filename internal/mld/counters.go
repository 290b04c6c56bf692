package mld

import (
	"fmt"
	"net/netip"
)

// Counters holds the numbers of messages that an interface received, sent and refused.
type Counters struct {
	Received Messages `name:"received" by:"message"`
	Sent     Messages `name:"sent" by:"message"`
	Drops    Drops    `name:"drops" by:"cause"`
	Activity Activity `name:"activity" by:"kind"`
}

// Activity counts how often hosts reported that they join a group, and that they leave it.
type Activity struct {
	Joins  uint64 `name:"joins"`
	Leaves uint64 `name:"leaves"`
	// Unasked counts the leaves after which no query was sent, because the pending leaves
	// had reached their bound.
	Unasked uint64 `name:"unasked"`
}

func (a *Activity) count(old, next Filter) {
	switch {
	case old.Empty():
		a.Joins++
	case next.Empty():
		a.Leaves++
	}
}

// Messages counts messages by kind.
type Messages struct {
	GeneralQueries uint64 `name:"general-queries"`
	GroupQueries   uint64 `name:"group-queries"`  // group specific
	SourceQueries  uint64 `name:"source-queries"` // group-and-source specific
	ReportsV1      uint64 `name:"reports-v1"`
	ReportsV2      uint64 `name:"reports-v2"`
	Dones          uint64 `name:"dones"`
	Records        uint64 `name:"records"`       // group records within ReportsV2
	OtherVersion   uint64 `name:"other-version"` // queries, counted above too, of a version other than the configured one
}

func (m *Messages) countQuery(q *Query) {
	switch {
	case q.General():
		m.GeneralQueries++
	case len(q.Sources) == 0:
		m.GroupQueries++
	default:
		m.SourceQueries++
	}
}

func (m *Messages) count(p *Packet) {
	switch p.Type {
	case TypeQuery:
		m.countQuery(&p.Query)
	case TypeReportV1:
		m.ReportsV1++
	case TypeDone:
		m.Dones++
	case TypeReportV2:
		m.ReportsV2++
		m.Records += uint64(len(p.Records))
	}
}

// DropCause says why a message, or a group record of a report, had no effect.
type DropCause uint8

// The causes. The last eight drop one record of a report and leave the rest.
const (
	DropMalformed   DropCause = iota // Parse refused the message
	DropLinkDown                     // the interface is down
	DropHopLimit                     // hop limit other than 1
	DropSource                       // sender is not link-local
	DropOwn                          // sender is this router
	DropRouterAlert                  // option missing and required
	DropVersion                      // MLDv2 message on an interface set to version 1
	DropType                         // a message type that this side, router or host, does not handle
	DropUnheard                      // a query that the hosts on the link did not receive, or that they drop
	DropSender                       // the source policy or the query policy denies the sender
	DropForeign                      // a query of a router outside the pair, or of one that queries too rarely
	DropLinkScope                    // group is not routed between links
	DropRecordType                   // unknown record type
	DropLimit                        // a bound of the configuration is reached
	DropCompat                       // a record that MLDv1 compatibility mode ignores (section 8.3.2)
	DropDone                         // a Done that comes while this router cannot ask the hosts whether they listen
	DropPolicy                       // the group policy denies it, or some of its sources
	DropAccess                       // the access limit is reached
	DropHost                         // the host already holds the most that one host may hold
	dropCauses
)

var dropNames = [dropCauses]string{"malformed", "link down", "hop limit not 1", "source not link-local", "own message",
	"router alert missing", "version", "message type", "query not sent to hosts", "source policy", "foreign querier", "link-scope group", "record type", "limit reached",
	"MLDv1 compatibility", "done not verifiable", "group policy", "access limit reached", "host limit reached"}

// String returns the cause in words.
func (c DropCause) String() string {
	if c < dropCauses {
		return dropNames[c]
	}
	return fmt.Sprintf("DropCause(%d)", uint8(c))
}

// Drops counts drops by cause: messages, or group records for the last eight causes.
type Drops struct {
	Malformed   uint64 `name:"malformed"`
	LinkDown    uint64 `name:"link-down"`
	HopLimit    uint64 `name:"hop-limit"`
	Source      uint64 `name:"source"`
	Own         uint64 `name:"own"`
	RouterAlert uint64 `name:"router-alert"`
	Version     uint64 `name:"version"`
	Type        uint64 `name:"type"`
	Unheard     uint64 `name:"unheard"`
	Sender      uint64 `name:"sender"`
	Foreign     uint64 `name:"foreign"`

	LinkScope  uint64 `name:"link-scope"`
	RecordType uint64 `name:"record-type"`
	Limit      uint64 `name:"limit"`
	Compat     uint64 `name:"compat"`
	Done       uint64 `name:"done"`
	Policy     uint64 `name:"policy"`
	Access     uint64 `name:"access"`
	Host       uint64 `name:"host"`
}

// Count adds one to the counter of a cause.
func (d *Drops) Count(c DropCause) {
	if c < dropCauses {
		*d.counters()[c]++
	}
}

func (d *Drops) counters() [dropCauses]*uint64 {
	return [dropCauses]*uint64{&d.Malformed, &d.LinkDown, &d.HopLimit, &d.Source, &d.Own, &d.RouterAlert,
		&d.Version, &d.Type, &d.Unheard, &d.Sender, &d.Foreign, &d.LinkScope, &d.RecordType, &d.Limit, &d.Compat, &d.Done, &d.Policy, &d.Access, &d.Host}
}

// All yields every cause with its count, in the order of the constants.
func (d Drops) All() func(yield func(DropCause, uint64) bool) {
	return func(yield func(DropCause, uint64) bool) {
		for c, n := range d.counters() {
			if !yield(DropCause(c), *n) {
				return
			}
		}
	}
}

// DropError is the error of a message that was dropped as a whole. It gives the cause.
type DropError struct {
	Cause DropCause
	Type  Type
	From  netip.Addr
}

// Error implements error.
func (e *DropError) Error() string {
	return fmt.Sprintf("mld: %v from %v dropped: %v", e.Type, e.From, e.Cause)
}
