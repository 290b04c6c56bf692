package pim

import (
	"fmt"
	"net/netip"
)

// Counters holds the numbers of messages that an interface received, sent and refused.
type Counters struct {
	Received Messages `name:"received" by:"message"`
	Sent     Messages `name:"sent" by:"message"`
	Drops    Drops    `name:"drops" by:"cause"`
}

// Messages counts messages by kind.
type Messages struct {
	Hellos     uint64 `name:"hellos"`
	JoinPrunes uint64 `name:"join-prunes"`
	Joins      uint64 `name:"joins"`  // join entries in the Join/Prune messages
	Prunes     uint64 `name:"prunes"` // prune entries in the Join/Prune messages
	Asserts    uint64 `name:"asserts"`
	Bootstraps uint64 `name:"bootstraps"`
}

func (c *Messages) count(m Message) {
	switch m := m.(type) {
	case *Hello:
		c.Hellos++
	case *JoinPrune:
		c.JoinPrunes++
		for i := range m.Groups {
			c.Joins += uint64(len(m.Groups[i].Joins))
			c.Prunes += uint64(len(m.Groups[i].Prunes))
		}
	case *Assert:
		c.Asserts++
	case *Bootstrap:
		c.Bootstraps++
	}
}

// DropCause says why a message had no effect.
type DropCause uint8

// The causes.
const (
	DropMalformed DropCause = iota // Parse refused the message
	DropChecksum                   // its checksum is wrong
	DropLinkDown                   // the interface is down, or has no PIM
	DropSource                     // sender is not link-local
	DropOwn                        // sender is this router
	DropType                       // a message that a last-hop router does not handle
	DropNeighbor                   // sender is no neighbor: it has sent no hello
	DropToUs                       // a join to this router, which serves no other router
	DropRPF                        // a Bootstrap that did not come from the next hop towards its bootstrap router
	DropPreferred                  // a Bootstrap of a router that has lost the election
	DropLimit                      // the bound on neighbors or zones is reached
	dropCauses
)

var dropNames = [dropCauses]string{"malformed", "checksum", "link down", "source not link-local", "own message",
	"message type", "no neighbor", "join to this router", "wrong direction", "bootstrap router not preferred", "limit reached"}

// String returns the cause in words.
func (c DropCause) String() string {
	if c < dropCauses {
		return dropNames[c]
	}
	return fmt.Sprintf("DropCause(%d)", uint8(c))
}

// Drops counts dropped messages by cause.
type Drops struct {
	Malformed uint64 `name:"malformed"`
	Checksum  uint64 `name:"checksum"`
	LinkDown  uint64 `name:"link-down"`
	Source    uint64 `name:"source"`
	Own       uint64 `name:"own"`
	Type      uint64 `name:"type"`
	Neighbor  uint64 `name:"neighbor"`
	ToUs      uint64 `name:"to-us"`
	RPF       uint64 `name:"rpf"`
	Preferred uint64 `name:"preferred"`
	Limit     uint64 `name:"limit"`
}

// Count adds one to the counter of a cause.
func (d *Drops) Count(c DropCause) {
	if c < dropCauses {
		*d.counters()[c]++
	}
}

func (d *Drops) counters() [dropCauses]*uint64 {
	return [dropCauses]*uint64{&d.Malformed, &d.Checksum, &d.LinkDown, &d.Source, &d.Own, &d.Type, &d.Neighbor,
		&d.ToUs, &d.RPF, &d.Preferred, &d.Limit}
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

// DropError says that a message was dropped, and why.
type DropError struct {
	Cause DropCause
	From  netip.Addr
	Err   error // the error of Parse, else nil
}

// Error implements error.
func (e *DropError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("pim: message from %v dropped: %v", e.From, e.Err)
	}
	return fmt.Sprintf("pim: message from %v dropped: %v", e.From, e.Cause)
}

// Unwrap returns the error of Parse.
func (e *DropError) Unwrap() error { return e.Err }
