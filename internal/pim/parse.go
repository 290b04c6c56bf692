package pim

import (
	"fmt"
	"net/netip"
	"time"
)

// ParseError says why a message was refused.
type ParseError struct {
	Type  Type
	Field string // the part that is wrong, for example "length"
	Have  int
	Want  int // the smallest valid value of Have, 0 where this does not apply
}

// Error implements error.
func (e *ParseError) Error() string {
	if e.Want == 0 {
		return fmt.Sprintf("pim: %v: bad %s %d", e.Type, e.Field, e.Have)
	}
	return fmt.Sprintf("pim: %v: %s %d, want at least %d", e.Type, e.Field, e.Have, e.Want)
}

// Parse decodes a message, which begins with its PIM header. It does not check the
// checksum (see ChecksumRight). The message keeps no reference to b, except for the
// packet in a Register. Parse skips data behind the end of a message, unknown hello
// options and reserved fields, as section 4.9 demands. An error is a *ParseError.
func Parse(b []byte) (Message, error) {
	if len(b) < headerSize {
		return nil, &ParseError{Field: "length", Have: len(b), Want: headerSize}
	}
	if v := b[0] >> 4; v != version {
		return nil, &ParseError{Type: Type(b[0] & 0x0f), Field: "version", Have: int(v)}
	}
	r := reader{kind: Type(b[0] & 0x0f), left: b[headerSize:]}
	var m Message
	switch r.kind {
	case TypeHello:
		m = r.hello()
	case TypeRegister:
		m = r.register()
	case TypeRegisterStop:
		m = &RegisterStop{Group: r.group(), Source: r.unicast()}
	case TypeJoinPrune:
		m = r.joinPrune()
	case TypeBootstrap:
		m = r.bootstrap(b[1]&0x80 != 0)
	case TypeAssert:
		m = r.assert()
	default:
		r.fail("type", int(r.kind), 0)
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// reader reads fields from a message. After an error it returns zeros.
type reader struct {
	kind Type
	left []byte
	err  error
}

func (r *reader) fail(field string, have, want int) {
	if r.err == nil {
		r.err = &ParseError{Type: r.kind, Field: field, Have: have, Want: want}
	}
}

// take returns the next n bytes, which are zeros after an error.
func (r *reader) take(n int) []byte {
	if len(r.left) < n {
		r.fail("length", len(r.left), n)
	}
	if r.err != nil {
		return make([]byte, n)
	}
	b := r.left[:n]
	r.left = r.left[n:]
	return b
}

func (r *reader) hello() *Hello {
	h := &Hello{}
	for r.err == nil && len(r.left) > 0 {
		head := r.take(minTLV)
		kind, size := be.Uint16(head), int(be.Uint16(head[2:]))
		value := reader{kind: r.kind, left: r.take(size)}
		value.option(h, kind, size)
		if value.err != nil && r.err == nil {
			r.err = value.err
		}
	}
	return h
}

// option decodes one option of a hello. It ignores options that it does not know.
func (r *reader) option(h *Hello, kind uint16, size int) {
	switch kind {
	case optionHoldTime:
		h.HoldTime, h.HasHoldTime = r.seconds(), true
	case optionPruneDelay:
		b := r.take(4)
		propagation := be.Uint16(b)
		h.PruneDelay = &PruneDelay{
			Tracking:    propagation&0x8000 != 0,
			Propagation: time.Duration(propagation&0x7fff) * time.Millisecond,
			Override:    time.Duration(be.Uint16(b[2:])) * time.Millisecond,
		}
	case optionDRPriority:
		h.DRPriority, h.HasDRPriority = be.Uint32(r.take(4)), true
	case optionGeneration:
		h.GenerationID, h.HasGenerationID = be.Uint32(r.take(4)), true
	case optionAddresses:
		h.Addresses = nil // a later list replaces an earlier one
		for range size / unicastSize {
			h.Addresses = append(h.Addresses, r.unicast())
		}
	}
}

func (r *reader) register() *Register {
	flags := r.take(4)[0]
	return &Register{Border: flags&0x80 != 0, Null: flags&0x40 != 0, Packet: r.left}
}

func (r *reader) joinPrune() *JoinPrune {
	j := &JoinPrune{Upstream: r.unicast()}
	groups := r.take(2)[1]
	j.HoldTime = r.seconds()
	for i := 0; i < int(groups) && r.err == nil; i++ {
		g := GroupRecord{Group: r.group()}
		b := r.take(4)
		joins, prunes := int(be.Uint16(b)), int(be.Uint16(b[2:]))
		g.Joins, g.Prunes = r.sources(joins), r.sources(prunes)
		j.Groups = append(j.Groups, g)
	}
	return j
}

// sources decodes n encoded source addresses.
func (r *reader) sources(n int) (list []Source) {
	if want := n * groupSize; len(r.left) < want {
		r.fail("length", len(r.left), want)
	}
	for i := 0; i < n && r.err == nil; i++ {
		flags := byte(0)
		prefix := r.prefix(&flags)
		list = append(list, Source{Prefix: prefix, Sparse: flags&0x04 != 0, Wildcard: flags&0x02 != 0, RPT: flags&0x01 != 0})
	}
	return list
}

func (r *reader) bootstrap(noForward bool) *Bootstrap {
	head := r.take(4)
	m := &Bootstrap{NoForward: noForward, FragmentTag: be.Uint16(head), HashMaskLen: head[2], Priority: head[3]}
	if m.HashMaskLen > 128 {
		r.fail("hash mask length", int(m.HashMaskLen), 0)
	}
	m.BSR = r.unicast()
	for r.err == nil && len(r.left) > 0 {
		g := RPRange{Group: r.group()}
		count := r.take(4)
		g.Count = count[0]
		for i := 0; i < int(count[1]) && r.err == nil; i++ {
			rp := RPEntry{RP: r.unicast(), HoldTime: r.seconds()}
			rp.Priority = r.take(2)[0]
			g.RPs = append(g.RPs, rp)
		}
		m.Ranges = append(m.Ranges, g)
	}
	return m
}

func (r *reader) assert() *Assert {
	a := &Assert{Group: r.group(), Source: r.unicast()}
	preference := be.Uint32(r.take(4))
	a.Metric = Metric{RPT: preference>>31 != 0, Preference: preference & 0x7fffffff, Cost: be.Uint32(r.take(4))}
	return a
}

func (r *reader) seconds() time.Duration { return time.Duration(be.Uint16(r.take(2))) * time.Second }

func (r *reader) group() GroupRange {
	flags := byte(0)
	prefix := r.prefix(&flags)
	if r.err == nil && !prefix.Addr().IsMulticast() {
		r.fail("group prefix", int(prefix.Addr().As16()[0]), 0)
	}
	return GroupRange{Prefix: prefix, Bidir: flags&0x80 != 0, Zone: flags&0x01 != 0}
}

// prefix decodes the part that encoded group and source addresses have in common.
func (r *reader) prefix(flags *byte) netip.Prefix {
	r.family()
	b := r.take(2)
	*flags = b[0]
	addr := netip.AddrFrom16([16]byte(r.take(16)))
	if b[1] > 128 {
		r.fail("mask length", int(b[1]), 0)
		return netip.Prefix{}
	}
	return netip.PrefixFrom(addr, int(b[1]))
}

func (r *reader) unicast() netip.Addr {
	r.family()
	return netip.AddrFrom16([16]byte(r.take(16)))
}

// family checks that an address is IPv6 in its native encoding.
func (r *reader) family() {
	b := r.take(2)
	if r.err == nil && b[0] != familyIPv6 {
		r.fail("address family", int(b[0]), 0)
	}
	if r.err == nil && b[1] != encodingRaw {
		r.fail("address encoding", int(b[1]), 0)
	}
}
