package gate

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// ruleset is the table as nftables objects:
//
//	table ip6 tandem { flags owner, persist;
//		set closed  { type ifname }
//		set bucket0 { type ifname }
//		set bucket1 { type ifname }
//		set exceptions { type ipv6_addr . ipv6_addr }
//		chain forward {
//			type filter hook forward priority filter; policy accept;
//			ip6 daddr & ff0f:: < ff03:: accept          # not multicast wider than the link
//			ip6 saddr . ip6 daddr @exceptions accept
//			oifname @closed counter drop
//			oifname @bucket0 jhash ip6 saddr . ip6 daddr mod 2 seed S != 0 counter drop
//			oifname @bucket1 jhash ip6 saddr . ip6 daddr mod 2 seed S != 1 counter drop
//		}
//	}
type ruleset struct {
	table      *nftables.Table
	chain      *nftables.Chain
	names      [nameSets]*nftables.Set
	exceptions *nftables.Set
	seed       uint32
}

// Registers of 16 bytes each. Source and group together fill two.
const (
	reg1 = unix.NFT_REG_1
	reg2 = unix.NFT_REG_2
	reg3 = unix.NFT_REG_3
)

// Where the addresses stand in the IPv6 header.
const (
	offsetSource = 8
	offsetGroup  = 24
)

// Numbers of the rules that drop, in the chain.
const (
	ruleClosed  = 2
	ruleBucket0 = 3
	ruleBucket1 = 4
	ruleCount   = 5
)

func newRuleset(seed uint32) ruleset {
	r := ruleset{table: &nftables.Table{Family: nftables.TableFamilyIPv6, Name: TableName}, seed: seed}
	policy := nftables.ChainPolicyAccept
	r.chain = &nftables.Chain{
		Table: r.table, Name: "forward", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &policy,
	}
	for i, name := range [nameSets]string{closedSet: "closed", bucket0Set: "bucket0", bucket1Set: "bucket1"} {
		// The identifiers are of the transaction; set here because the
		// library would draw them from a counter that it does not guard.
		r.names[i] = &nftables.Set{Table: r.table, ID: uint32(i + 1), Name: name,
			KeyType: nftables.TypeIFName, KeyByteOrder: binaryutil.NativeEndian} // the order only tells nft(8) how to show names
	}
	r.exceptions = &nftables.Set{Table: r.table, ID: nameSets + 1, Name: "exceptions",
		KeyType: nftables.MustConcatSetType(nftables.TypeIP6Addr, nftables.TypeIP6Addr)}
	return r
}

// create queues the whole table with its contents, in place of any other.
func (r ruleset) create(conn *nftables.Conn, want *contents) error {
	conn.AddTable(r.table) // so that there is one to delete
	conn.DelTable(r.table)
	conn.CreateTable(r.table) // with its protection, see socket.amend
	conn.AddChain(r.chain)
	for _, set := range append(r.names[:], r.exceptions) {
		if err := conn.AddSet(set, nil); err != nil {
			return fmt.Errorf("set up the gate: %w", err)
		}
	}
	rules := [ruleCount][]expr.Any{
		0:           passOthers(),
		1:           r.passExceptions(),
		ruleClosed:  dropping(r.outOf(closedSet)),
		ruleBucket0: dropping(append(r.outOf(bucket0Set), r.otherBucket(0)...)),
		ruleBucket1: dropping(append(r.outOf(bucket1Set), r.otherBucket(1)...)),
	}
	for _, exprs := range rules {
		conn.AddRule(&nftables.Rule{Table: r.table, Chain: r.chain, Exprs: exprs})
	}
	_, err := r.change(conn, newContents(want.seed), want)
	return err
}

// passOthers lets pass what is not multicast of a scope wider than the link.
func passOthers() []expr.Any {
	// The first byte is ff for multicast, the low half of the second is the scope.
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

// passExceptions lets pass what this device sends in the peer's stead.
func (r ruleset) passExceptions() []expr.Any {
	return append(loadSG(),
		&expr.Lookup{SourceRegister: reg1, SetName: r.exceptions.Name, SetID: r.exceptions.ID},
		&expr.Verdict{Kind: expr.VerdictAccept})
}

// otherBucket matches an (S,G) that is not of the bucket.
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

func dropping(match []expr.Any) []expr.Any {
	return append(match, &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop})
}

// change queues what leads from one contents to another and says whether that is anything.
func (r ruleset) change(conn *nftables.Conn, from, to *contents) (bool, error) {
	changed := false
	edit := func(set *nftables.Set, del, add [][]byte) error {
		changed = changed || len(del)+len(add) > 0
		if err := each(del, func(e []nftables.SetElement) error { return conn.SetDeleteElements(set, e) }); err != nil {
			return err
		}
		return each(add, func(e []nftables.SetElement) error { return conn.SetAddElements(set, e) })
	}
	for i, set := range r.names {
		if err := edit(set, missing(from.names[i], to.names[i], nameBytes), missing(to.names[i], from.names[i], nameBytes)); err != nil {
			return false, fmt.Errorf("change the gate: %w", err)
		}
	}
	if err := edit(r.exceptions, missing(from.exceptions, to.exceptions, sgBytes), missing(to.exceptions, from.exceptions, sgBytes)); err != nil {
		return false, fmt.Errorf("change the gate: %w", err)
	}
	return changed, nil
}

// chunk is how many elements go into one message: a netlink attribute holds 64 KiB.
const chunk = 500

func each(keys [][]byte, do func([]nftables.SetElement) error) error {
	for part := range slices.Chunk(keys, chunk) {
		elements := make([]nftables.SetElement, len(part))
		for i, k := range part {
			elements[i].Key = k
		}
		if err := do(elements); err != nil {
			return err
		}
	}
	return nil
}

// read asks the kernel for the elements of the sets.
func (r ruleset) read(conn *nftables.Conn, seed uint32) (*contents, error) {
	c := newContents(seed)
	for i, set := range r.names {
		elements, err := conn.GetSetElements(set)
		if err != nil {
			return nil, err
		}
		for _, e := range elements {
			var k nameKey
			copy(k[:], e.Key)
			c.names[i][k] = struct{}{}
		}
	}
	elements, err := conn.GetSetElements(r.exceptions)
	if err != nil {
		return nil, err
	}
	for _, e := range elements {
		var k sgKey
		copy(k[:], e.Key)
		c.exceptions[k] = struct{}{}
	}
	return c, nil
}

// drops picks the counters out of the rules.
func (r ruleset) drops(rules []*nftables.Rule) (d Drops) {
	for i, to := range map[int]*uint64{ruleClosed: &d.Closed, ruleBucket0: &d.Bucket0, ruleBucket1: &d.Bucket1} {
		if i >= len(rules) {
			continue
		}
		for _, e := range rules[i].Exprs {
			if c, ok := e.(*expr.Counter); ok {
				*to = c.Packets
			}
		}
	}
	return d
}
