package pairtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/gate"
	"tandem/internal/linux/testnet"
)

func countLines(text string) int { return strings.Count(text, "\n") }

// gateTables returns a connection to the nftables of a device, and its gate.
func (d *device) gateTables() (*nftables.Conn, *nftables.Table) {
	d.t.Helper()
	conn, err := nftables.New(nftables.WithNetNSFd(d.FD()))
	testnet.Must(d.t, err)
	tables, err := conn.ListTablesOfFamily(nftables.TableFamilyIPv6)
	testnet.Must(d.t, err)
	for _, table := range tables {
		if table.Name == gate.TableName {
			return conn, table
		}
	}
	return conn, nil
}

func (d *device) hasGate() bool {
	d.t.Helper()
	_, table := d.gateTables()
	return table != nil
}

// TestGateDeleted: another program clears the firewall. That deletes the gate, too,
// unless the kernel protects it.
func TestGateDeleted(t *testing.T) {
	p, _, _, _ := receivingPair(t)
	p.forms(2)
	conn, table := p.a.gateTables()
	if table == nil {
		t.Fatal("there is no gate")
	}
	conn.DelTable(table)
	repairs := uint64(1)
	if err := conn.Flush(); errors.Is(err, unix.EPERM) {
		repairs = 0
	} else {
		testnet.Must(t, err)
	}
	conn.FlushRuleset()
	testnet.Must(t, conn.Flush())
	eventually(t, "the gate is there and its repair counted", func() error {
		f, err := p.a.gate()
		switch {
		case err != nil:
			return err
		case repairs == 0 && f.Repairs != 0, f.Repairs < repairs:
			return fmt.Errorf("%d repairs", f.Repairs)
		case !p.a.hasGate():
			return errors.New("there is no gate")
		}
		return nil
	})
	contains(t, p.a.shows("multicast ipv6 gate"), "Repairs")
	// The gate closes for the peer's bucket again.
	before, err := p.a.gate()
	testnet.Must(t, err)
	eventually(t, "the gate drops what the peer sends", func() error {
		f, err := p.a.gate()
		if err == nil && f.OnlyFirst+f.OnlySecond <= before.OnlyFirst+before.OnlySecond {
			err = fmt.Errorf("%+v", f)
		}
		return err
	})
}

// TestForeignFirewall: a firewall of another program drops packets that the device
// forwards. As long as it does, an alarm names it.
func TestForeignFirewall(t *testing.T) {
	p, _, _, _ := receivingPair(t)
	p.forms(2)
	p.a.hasAlarms()
	drop := nftables.ChainPolicyDrop
	conn, _ := p.a.gateTables()
	firewall := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv6, Name: "filter"})
	conn.AddChain(&nftables.Chain{
		Table: firewall, Name: "FORWARD", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &drop,
	})
	testnet.Must(t, conn.Flush())
	p.a.hasAlarms("ETRUNK_NOT_READY", "STREAMS_DROPPED")
	contains(t, p.a.shows("alarm active"), "table ip6 filter, chain FORWARD: policy drop")
	p.a.standsAgainst("Eth-Trunk10", "something drops what is forwarded by it")
	p.b.canBeReloaded(nil, []string{"Eth-Trunk10"})
	contains(t, p.a.shows("e-trunk 1"), "Eth-Trunk10: something drops what is forwarded by it")
	conn.DelTable(firewall)
	testnet.Must(t, conn.Flush())
	p.a.hasAlarms()
	log := p.a.shows("logbuffer")
	contains(t, log, "GATE/3/STREAMS_DROPPED")
	contains(t, log, "GATE/5/STREAMS_LEAVE")
}
