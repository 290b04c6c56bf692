package gate

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// Dropper is a chain of somebody else that packets meet on their way through the router, and
// that drops what it does not let pass, or some of it.
type Dropper struct {
	Family, Table, Chain string // ip6 or inet
	// Behind says that it is behind the gate, at the postrouting hook, else it is at the forward
	// hook.
	Behind bool
	// Policy says that it drops what none of its rules lets pass. Else a rule of it drops.
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

// Droppers finds them, those with a policy first. It has a connection of its own, so a large
// firewall keeps no change of the gate waiting. What is not of nftables, such as the tables of
// ip6tables-legacy, it does not see.
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

// families are those whose chains IPv6 packets meet, as nft(8) names them.
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

// meetsForwarded reports whether a chain is somebody else's that forwarded packets come to.
func meetsForwarded(c *nftables.Chain) bool {
	own := c.Table.Family == nftables.TableFamilyIPv6 && c.Table.Name == TableName
	return !own && families[c.Table.Family] != "" && c.Hooknum != nil &&
		(*c.Hooknum == *nftables.ChainHookForward || *c.Hooknum == *nftables.ChainHookPostrouting)
}

// hasDrop reports whether a rule of a chain drops, or one of a chain to which it leads, those
// left out that have been seen.
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

// outcome tells whether an expression drops, or to which chain it leads.
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
