package mld

import (
	"fmt"
	"net/netip"
	"time"
)

// Type is the ICMPv6 type number of an MLD message (RFC 9777, section 5).
type Type uint8

// The MLD messages.
const (
	TypeQuery    Type = 130
	TypeReportV1 Type = 131
	TypeDone     Type = 132
	TypeReportV2 Type = 143
)

// String returns the name of the message as displays write it.
func (t Type) String() string {
	switch t {
	case TypeQuery:
		return "Query"
	case TypeReportV1:
		return "ReportV1"
	case TypeDone:
		return "Done"
	case TypeReportV2:
		return "ReportV2"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// RecordType is the type of a group record in an MLDv2 report (RFC 9777, section 5.2.12).
type RecordType uint8

// Record types: the current state, a change of the filter mode, a change of the
// source list. Receivers skip any other value.
const (
	ModeIsInclude   RecordType = 1
	ModeIsExclude   RecordType = 2
	ChangeToInclude RecordType = 3
	ChangeToExclude RecordType = 4
	AllowNewSources RecordType = 5
	BlockOldSources RecordType = 6
)

// String returns the abbreviation that RFC 9777 uses.
func (t RecordType) String() string {
	switch t {
	case ModeIsInclude:
		return "IS_IN"
	case ModeIsExclude:
		return "IS_EX"
	case ChangeToInclude:
		return "TO_IN"
	case ChangeToExclude:
		return "TO_EX"
	case AllowNewSources:
		return "ALLOW"
	case BlockOldSources:
		return "BLOCK"
	}
	return fmt.Sprintf("RecordType(%d)", uint8(t))
}

// GroupRecord is one multicast address record of an MLDv2 report.
type GroupRecord struct {
	Type    RecordType
	Group   netip.Addr
	Sources []netip.Addr
}

// Query is the content of a query of either version (RFC 9777, section 5.1).
type Query struct {
	// Version is 1 or 2. Version 1 has MaxResponse and Group only.
	Version int
	// MaxResponse is the longest time that hosts may wait before they answer: whole
	// milliseconds, up to 65.535 s in version 1 and about 8387 s in version 2.
	MaxResponse time.Duration
	// Group is :: in a general query.
	Group netip.Addr
	// Suppress is the S flag: routers that receive the query do not lower their timers.
	Suppress bool
	// Robustness is the querier's robustness variable, 0 when it exceeds 7.
	Robustness int
	// QueryInterval is the querier's interval in whole seconds, up to 31744 s.
	QueryInterval time.Duration
	// Sources is not empty in a group-and-source specific query.
	Sources []netip.Addr
}

// General reports whether the query asks for every group.
func (q Query) General() bool { return !q.Group.IsValid() || q.Group.IsUnspecified() }

// Destination returns where the query is sent to: all nodes on the link, or the
// group it asks for (RFC 9777, section 5.1.15).
func (q Query) Destination() netip.Addr {
	if q.General() {
		return allNodes
	}
	return q.Group
}

// Packet is one decoded message of any type. Parse overwrites it and uses its memory
// again, so its content is valid until the next Parse. Clone makes a copy that stays valid.
type Packet struct {
	Type Type
	// Query holds the fields of a query; Group is set for ReportV1 and Done too.
	Query
	// Records holds the group records of a ReportV2, those of unknown type included.
	Records []GroupRecord

	addrs []netip.Addr // the memory of all Sources of this packet
}
