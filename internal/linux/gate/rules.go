package gate

import (
	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Registers of 16 bytes each. Source and group together fill two.
const (
	reg1 = unix.NFT_REG_1
	reg2 = unix.NFT_REG_2
	reg3 = unix.NFT_REG_3
)

// Offsets of the addresses in the IPv6 header.
const (
	offsetSource = 8
	offsetGroup  = 24
)

// rules returns the rules of each chain, in the order of chains.
func (r ruleset) rules() [5][][]expr.Any {
	hold, pass := goTo(r.hold), goTo(r.pass)
	return [...][][]expr.Any{
		{
			passOthers(),
			append(r.excepted(), pass),
			ruleClosed:    append(r.outOf(closedSet), &expr.Counter{}, hold),
			ruleBucket0:   append(append(r.outOf(bucket0Set), r.otherBucket(0)...), &expr.Counter{}, hold),
			ruleBucket1:   append(append(r.outOf(bucket1Set), r.otherBucket(1)...), &expr.Counter{}, hold),
			ruleCount - 1: {pass},
		},
		{r.outOf(heldSet), {&expr.Verdict{Kind: expr.VerdictDrop}}},
		{r.outOf(passedSet)},
		{passOthers(), passOwn(), r.outOf(leftSet)},
		{r.strangersControl()},
	}
}

// passOthers accepts every packet except multicast of a scope wider than the link.
func passOthers() []expr.Any {
	// The first byte is ff for multicast. The low half of the second byte is the scope.
	mask, wider := [16]byte{0xff, 0x0f}, [16]byte{0xff, 3}
	return []expr.Any{
		&expr.Payload{DestRegister: reg1, Base: expr.PayloadBaseNetworkHeader, Offset: offsetGroup, Len: 16},
		&expr.Bitwise{SourceRegister: reg1, DestRegister: reg1, Len: 16, Mask: mask[:], Xor: make([]byte, 16)},
		&expr.Cmp{Op: expr.CmpOpLt, Register: reg1, Data: wider[:]},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}
}

func (r ruleset) outOf(set int) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: reg1},
		&expr.Lookup{SourceRegister: reg1, SetName: r.names[set].Name, SetID: r.names[set].ID},
	}
}

// excepted matches the streams that this device sends in the peer's stead.
func (r ruleset) excepted() []expr.Any {
	return append(loadSG(),
		&expr.Lookup{SourceRegister: reg1, SetName: r.exceptions.Name, SetID: r.exceptions.ID})
}

// passOwn accepts packets that the router itself sends. Before Linux 5.7 it matches
// nothing.
func passOwn() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIF, Register: reg1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg1, Data: make([]byte, 4)},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}
}

// strangersControl drops packets for the control ports that arrive on a guarded interface.
func (r ruleset) strangersControl() []expr.Any {
	// Two registers of four bytes, side by side.
	const protocol, port = unix.NFT_REG32_00, unix.NFT_REG32_01
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg1},
		&expr.Lookup{SourceRegister: reg1, SetName: r.names[guardedSet].Name, SetID: r.names[guardedSet].ID},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: protocol},
		&expr.Payload{DestRegister: port, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Lookup{SourceRegister: protocol, SetName: r.ports.Name, SetID: r.ports.ID},
		&expr.Counter{},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}
}

func goTo(chain *nftables.Chain) expr.Any {
	return &expr.Verdict{Kind: expr.VerdictGoto, Chain: chain.Name}
}

// otherBucket matches an (S,G) that is not in the bucket.
func (r ruleset) otherBucket(bucket uint32) []expr.Any {
	return append(loadSG(),
		&expr.Hash{SourceRegister: reg1, DestRegister: reg3, Length: sgSize, Modulus: 2, Seed: r.seed, Type: expr.HashTypeJenkins},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg3, Data: binaryutil.NativeEndian.PutUint32(bucket)})
}

// loadSG puts the source and the group into the first two registers.
func loadSG() []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: reg1, Base: expr.PayloadBaseNetworkHeader, Offset: offsetSource, Len: 16},
		&expr.Payload{DestRegister: reg2, Base: expr.PayloadBaseNetworkHeader, Offset: offsetGroup, Len: 16},
	}
}
