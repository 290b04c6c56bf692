package gate

import (
	"fmt"
	"math"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
)

// ruleset is the table as nftables objects:
//
//	table ip6 tandem { flags owner, persist;
//		set closed  { type ifname }
//		set bucket0 { type ifname }
//		set bucket1 { type ifname }
//		set held    { type ifname; counter }
//		set passed  { type ifname; counter }
//		set left    { type ifname; counter }
//		set guarded { type ifname }
//		set exceptions { type ipv6_addr . ipv6_addr }
//		set control { type inet_proto . inet_service }
//		chain forward {                                 # behind the chains of all others
//			type filter hook forward priority 2147483647; policy accept;
//			ip6 daddr & ff0f:: < ff03:: accept          # not multicast wider than the link
//			ip6 saddr . ip6 daddr @exceptions goto pass
//			oifname @closed counter goto hold
//			oifname @bucket0 jhash ip6 saddr . ip6 daddr mod 2 seed S != 0 counter goto hold
//			oifname @bucket1 jhash ip6 saddr . ip6 daddr mod 2 seed S != 1 counter goto hold
//			goto pass
//		}
//		chain hold {
//			oifname @held
//			drop
//		}
//		chain pass {
//			oifname @passed
//		}
//		chain leave {
//			type filter hook postrouting priority 2147483647; policy accept;
//			ip6 daddr & ff0f:: < ff03:: accept
//			iif 0 accept                                # the router's own
//			oifname @left
//		}
//		chain control {
//			type filter hook input priority -2147483648; policy accept;
//			iifname @guarded meta l4proto . th dport @control counter drop
//		}
//	}
type ruleset struct {
	table                      *nftables.Table
	forward, hold, pass, leave *nftables.Chain
	control                    *nftables.Chain
	names                      [nameSets]*nftables.Set
	exceptions, ports          *nftables.Set
	seed                       uint32
}

// Indexes, in the forward chain, of the rules that hold packets back.
const (
	ruleClosed  = 2
	ruleBucket0 = 3
	ruleBucket1 = 4
	ruleCount   = 6
)

func newRuleset(seed uint32) ruleset {
	r := ruleset{table: &nftables.Table{Family: nftables.TableFamilyIPv6, Name: TableName}, seed: seed}
	policy := nftables.ChainPolicyAccept
	last := nftables.ChainPriorityRef(math.MaxInt32)
	r.forward = &nftables.Chain{
		Table: r.table, Name: "forward", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: last, Policy: &policy,
	}
	r.leave = &nftables.Chain{
		Table: r.table, Name: "leave", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPostrouting, Priority: last, Policy: &policy,
	}
	r.control = &nftables.Chain{
		Table: r.table, Name: "control", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityRef(math.MinInt32), Policy: &policy,
	}
	r.hold = &nftables.Chain{Table: r.table, Name: "hold"}
	r.pass = &nftables.Chain{Table: r.table, Name: "pass"}
	for i, name := range setNames {
		// An identifier is valid in its transaction only. It is set here because the
		// library would take it from a counter that is not safe for concurrent use.
		r.names[i] = &nftables.Set{Table: r.table, ID: uint32(i + 1), Name: name, Counter: counts(i),
			KeyType: nftables.TypeIFName, KeyByteOrder: binaryutil.NativeEndian} // only nft(8) needs the byte order, to show names
	}
	r.exceptions = &nftables.Set{Table: r.table, ID: nameSets + 1, Name: "exceptions",
		KeyType: nftables.MustConcatSetType(nftables.TypeIP6Addr, nftables.TypeIP6Addr)}
	r.ports = &nftables.Set{Table: r.table, ID: nameSets + 2, Name: "control",
		KeyType: nftables.MustConcatSetType(nftables.TypeInetProto, nftables.TypeInetService)}
	return r
}

// create queues the whole table with its contents. It replaces any existing table.
func (r ruleset) create(conn *nftables.Conn, want *contents) error {
	conn.AddTable(r.table) // so that the table exists when it is deleted
	conn.DelTable(r.table)
	conn.CreateTable(r.table) // socket.amend adds the protection
	for _, set := range append(r.names[:], r.exceptions, r.ports) {
		if err := conn.AddSet(set, nil); err != nil {
			return fmt.Errorf("set up the gate: %w", err)
		}
	}
	chains := r.chains()
	for _, chain := range chains {
		conn.AddChain(chain)
	}
	for i, rules := range r.rules() {
		for _, exprs := range rules {
			conn.AddRule(&nftables.Rule{Table: r.table, Chain: chains[i], Exprs: exprs})
		}
	}
	_, err := r.change(conn, newContents(want.seed), want)
	return err
}

// chains returns all chains, the one at the forward hook first.
func (r ruleset) chains() [5]*nftables.Chain {
	return [...]*nftables.Chain{r.forward, r.hold, r.pass, r.leave, r.control}
}

// handles reads the kernel's numbers of all rules.
func (r ruleset) handles(conn *nftables.Conn) (list []uint64, err error) {
	for _, chain := range r.chains() {
		rules, err := conn.GetRules(r.table, chain)
		if err != nil {
			return nil, err
		}
		list = appendHandles(list, rules)
	}
	return list, nil
}

func appendHandles(list []uint64, rules []*nftables.Rule) []uint64 {
	for _, r := range rules {
		list = append(list, r.Handle)
	}
	return list
}

// drops reads the drop counters from the rules.
func (r ruleset) drops(rules []*nftables.Rule) (d Drops) {
	for i, to := range map[int]*uint64{ruleClosed: &d.Closed, ruleBucket0: &d.Bucket0, ruleBucket1: &d.Bucket1} {
		if i >= len(rules) {
			continue
		}
		*to = counted(rules[i])
	}
	return d
}

// counted returns the packet counter of a rule.
func counted(rule *nftables.Rule) (packets uint64) {
	for _, e := range rule.Exprs {
		if c, ok := e.(*expr.Counter); ok {
			packets = c.Packets
		}
	}
	return packets
}
