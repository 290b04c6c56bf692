package pairtest

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/linux/packet"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// hundredThousand is the number of groups with which the page must work.
const hundredThousand = 100_000

func scaleGroup(i int) netip.Addr {
	a := [16]byte{0xff, 0x1e, 2: 0x5c}
	binary.BigEndian.PutUint32(a[12:], uint32(i))
	return netip.AddrFrom16(a)
}

// reportAll makes the host report every group, in reports that fit into an Ethernet frame.
func (n *network) reportAll(groups int) {
	n.t.Helper()
	const each = 60
	n.host.In(n.t, func() error {
		conn, err := packet.Open()
		if err != nil {
			return err
		}
		defer conn.Close()
		iface := n.host.Interface(n.t, bridge)
		for first := 0; first < groups; first += each {
			var records []mld.GroupRecord
			for i := first; i < min(first+each, groups); i++ {
				records = append(records, mld.GroupRecord{Type: mld.ModeIsExclude, Group: scaleGroup(i)})
			}
			for conn.Send(iface.Index, netip.Addr{}, mld.AllMLDv2Routers, mld.AppendReport(nil, records), true) != nil {
				time.Sleep(time.Millisecond) // the queue is full
			}
		}
		return nil
	})
}

// TestPageAtScale: the page shows 100,000 groups in pages and searches them. Its responses stay
// small.
func TestPageAtScale(t *testing.T) {
	p := newPair(t)
	testnet.Must(t, p.a.Links.SetUp("lo", true))
	b := newBrowser(t, p.a)
	p.start()
	p.configure("mld", "host-limit 200000")              // all are of one host
	eventually(t, "all groups are known", func() error { // repeated, because a full buffer loses reports
		p.reportAll(hundredThousand)
		f, err := p.a.profile()
		if err == nil && f.Records != hundredThousand {
			err = fmt.Errorf("%d records", f.Records)
		}
		return err
	})
	eventually(t, "both devices know them", func() error { return p.equal(hundredThousand) })
	b.open(pageURL, 1280)
	b.shows("document.getElementById('found').textContent", "100,000 found")
	b.shows("document.getElementById('page').textContent", "1 / 5,000")
	b.clicks("#next")
	b.shows("document.querySelector('#groups td').textContent", scaleGroup(20).String())
	b.search(scaleGroup(99_999).String(), "1 found")
	b.search(fmt.Sprint(scaleGroup(0x100), "/120"), "256 found")
	b.search("fe80::dead", "0 found")
	b.search("", "100,000 found")
	b.shows("document.querySelectorAll('#groups tbody tr').length", 20.0)

	began := time.Now()
	if _, err := p.a.fetch(pageURL + "api/groups"); err != nil {
		t.Error(err)
	}
	t.Logf("a page of %d groups in %v", hundredThousand, time.Since(began))
	b.quiet()
}
