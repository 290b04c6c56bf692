package gate

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// Dropper is a chain of another program that drops some or all of the packets that the
// router forwards.
type Dropper struct {
	Family, Table, Chain string // ip6 or inet
	// Behind means that the chain comes after the gate, at the postrouting hook. Otherwise
	// it is at the forward hook.
	Behind bool
	// Policy means that the chain's policy is drop: it drops every packet that no rule
	// accepts. Otherwise one of its rules drops packets.
	Policy bool
}

// String names it as nft(8) does.
func (d Dropper) String() string {
	why := "a rule drops"
	if d.Policy {
		why = "policy drop"
	}
	return fmt.Sprintf("table %s %s, chain %s: %s", d.Family, d.Table, d.Chain, why)
}

// Droppers returns the chains of other programs that drop forwarded packets, those with a
// policy of drop first. It uses a connection of its own, so that a large firewall does
// not delay changes of the gate. It does not see rules outside nftables, such as those of
// ip6tables-legacy.
func (g *Gate) Droppers() (found []Dropper, err error) {
	var conn *nftables.Conn
	err = g.inside(func() (err error) {
		conn, err = nftables.New(nftables.AsLasting())
		return err
	})
	if err == nil {
		found, err = droppers(conn)
		_ = conn.CloseLasting()
	}
	if err != nil {
		return nil, fmt.Errorf("look for other firewalls: %w", err)
	}
	return found, nil
}

// families are the families whose chains IPv6 packets pass, as nft(8) names them.
var families = map[nftables.TableFamily]string{nftables.TableFamilyIPv6: "ip6", nftables.TableFamilyINet: "inet"}

func droppers(conn *nftables.Conn) ([]Dropper, error) {
	chains, err := conn.ListChains()
	if err != nil {
		return nil, err
	}
	var policies, rules []Dropper
	for _, c := range chains {
		if !meetsForwarded(c) {
			continue
		}
		d := Dropper{
			Family: families[c.Table.Family], Table: c.Table.Name, Chain: c.Name,
			Behind: *c.Hooknum == *nftables.ChainHookPostrouting,
			Policy: c.Policy != nil && *c.Policy == nftables.ChainPolicyDrop,
		}
		if d.Policy {
			policies = append(policies, d)
			continue
		}
		drops, err := hasDrop(conn, c, make(map[string]bool))
		if err != nil {
			return nil, err
		}
		if drops {
			rules = append(rules, d)
		}
	}
	return append(policies, rules...), nil
}

// meetsForwarded reports whether a chain belongs to another program and sees forwarded
// packets.
func meetsForwarded(c *nftables.Chain) bool {
	own := c.Table.Family == nftables.TableFamilyIPv6 && c.Table.Name == TableName
	return !own && families[c.Table.Family] != "" && c.Hooknum != nil &&
		(*c.Hooknum == *nftables.ChainHookForward || *c.Hooknum == *nftables.ChainHookPostrouting)
}

// hasDrop reports whether a chain has a rule that drops packets, or jumps to a chain that
// has one. Chains in seen are not looked at again.
func hasDrop(conn *nftables.Conn, chain *nftables.Chain, seen map[string]bool) (bool, error) {
	if seen[chain.Name] {
		return false, nil
	}
	seen[chain.Name] = true
	rules, err := conn.GetRules(chain.Table, chain)
	if err != nil {
		return false, err
	}
	for _, r := range rules {
		for _, e := range r.Exprs {
			drops, next := outcome(e)
			if next != "" {
				drops, err = hasDrop(conn, &nftables.Chain{Table: chain.Table, Name: next}, seen)
			}
			if drops || err != nil {
				return drops, err
			}
		}
	}
	return false, nil
}

// outcome reports whether an expression of a rule drops the packet, and returns the chain
// to which it jumps, if any.
func outcome(e expr.Any) (drops bool, next string) {
	switch e := e.(type) {
	case *expr.Reject:
		return true, ""
	case *expr.Verdict:
		switch e.Kind {
		case expr.VerdictDrop:
			return true, ""
		case expr.VerdictJump, expr.VerdictGoto:
			return false, e.Chain
		}
	}
	return false, ""
}
