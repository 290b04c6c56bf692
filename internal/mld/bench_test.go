package mld

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

func hostNumber(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xfe, 0x80, 11: 1, 12: byte(i >> 24), 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
}

// loaded returns a router that has received a one-record report of every host for every
// group. It also returns a function that makes the report of a group.
func loaded(groups, hosts int, sources func(group int) []netip.Addr) (*Router, func(group int) []byte) {
	report := func(group int) []byte {
		t, list := ModeIsExclude, []netip.Addr(nil)
		if sources != nil {
			t, list = ModeIsInclude, sources(group)
		}
		return AppendReport(nil, []GroupRecord{{t, groupNumber(group), list}})
	}
	cfg := DefaultConfig()
	cfg.MaxRecords, cfg.MaxEntries, cfg.MaxGroupSources, cfg.MaxHost = 0, 0, 0, 0
	r := NewRouter(cfg, 1, after(0))
	var fx Effects
	r.SetLink(after(0), self, true, &fx)
	var p Packet
	for g := range groups {
		_ = p.Parse(report(g))
		for h := range hosts {
			fx.Reset()
			_ = r.Receive(after(time.Duration(g)*time.Millisecond), Version{1, 1}, Meta{Src: hostNumber(h), HopLimit: 1}, &p, &fx)
		}
	}
	return r, report
}

func BenchmarkParse(b *testing.B) {
	for name, records := range map[string]int{"1": 1, "40": 40} {
		b.Run("records="+name, func(b *testing.B) {
			var list []GroupRecord
			for i := range records {
				list = append(list, GroupRecord{ModeIsInclude, groupNumber(i), []netip.Addr{s1}})
			}
			msg := AppendReport(nil, list)
			var p Packet
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Parse(msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRefresh decodes and applies one-record reports that refresh existing records:
// 10,000 groups of one host each.
func BenchmarkRefresh(b *testing.B) {
	for _, bc := range []struct {
		name    string
		sources func(int) []netip.Addr
	}{
		{"ASM", nil},
		{"SSM", func(int) []netip.Addr { return []netip.Addr{s1} }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			const groups = 10_000
			r, report := loaded(groups, 1, bc.sources)
			msgs := make([][]byte, groups)
			for i := range msgs {
				msgs[i] = report(i)
			}
			var p Packet
			var fx Effects
			b.ReportAllocs()
			now, i := after(time.Hour), 0
			for b.Loop() {
				now = now.Add(3 * time.Microsecond)
				fx.Reset()
				_ = p.Parse(msgs[i%groups])
				_ = r.Receive(now, Version{uint64(now), 1}, Meta{Src: hostNumber(0), HopLimit: 1}, &p, &fx)
				if r.Deadline().IsDue(now) {
					r.Advance(now, Version{uint64(now), 1}, &fx)
				}
				i++
			}
		})
	}
}

// BenchmarkJoin applies joins of new hosts and groups.
func BenchmarkJoin(b *testing.B) {
	r, _ := loaded(0, 0, nil)
	var fx Effects
	p := Packet{Type: TypeReportV2, Records: []GroupRecord{{ModeIsExclude, group1, nil}}}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		fx.Reset()
		p.Records[0].Group = groupNumber(i >> 4 % (1 << 20))
		_ = r.Receive(after(time.Second), Version{1, 1}, Meta{Src: hostNumber(i), HopLimit: 1}, &p, &fx)
		i++
	}
}

// BenchmarkSourcesOfOneGroup applies reports for one group with a thousand wanted sources.
// Each host changes to another source; there are a thousand such changes a second.
func BenchmarkSourcesOfOneGroup(b *testing.B) {
	for _, hosts := range []int{10, 1000, 2000, 20_000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			r, _ := loaded(0, 0, nil)
			source := func(i int) netip.Addr {
				return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 12: byte(i >> 24), 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
			}
			var fx Effects
			p := Packet{Type: TypeReportV2, Records: []GroupRecord{{ModeIsInclude, group1, make([]netip.Addr, 1)}}}
			report := func(i int) {
				fx.Reset()
				p.Records[0].Sources[0] = source(i * 7919 % (2 * hosts))
				now := after(time.Duration(i) * time.Millisecond)
				_ = r.Receive(now, Version{uint64(i), 1}, Meta{Src: hostNumber(i % hosts), HopLimit: 1}, &p, &fx)
				r.Advance(now, Version{uint64(i), 1}, &fx)
			}
			for i := range hosts {
				report(i)
			}
			b.ReportAllocs()
			i := hosts
			for b.Loop() {
				report(i)
				i++
			}
		})
	}
}

// BenchmarkMerge applies refreshes from the peer.
func BenchmarkMerge(b *testing.B) {
	const groups = 10_000
	r, _ := loaded(groups, 1, nil)
	var fx Effects
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		fx.Reset()
		r.Merge(after(time.Hour), Record{Key: Key{groupNumber(i % groups), hostNumber(0)}, Filter: Filter{Mode: Exclude},
			Version: Version{uint64(i + 10), 2}, Left: time.Minute}, &fx)
		i++
	}
}

// BenchmarkMemory reports the heap size of databases of several shapes.
func BenchmarkMemory(b *testing.B) {
	own := func(i int) []netip.Addr {
		return []netip.Addr{netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 12: byte(i >> 24), 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})}
	}
	for _, bc := range []struct {
		name          string
		groups, hosts int
		sources       func(int) []netip.Addr
	}{
		{"1000groups/1000hosts", 1000, 1000, nil},
		{"100000groups/1host/ASM", 100_000, 1, nil},
		{"100000groups/1host/SSM", 100_000, 1, own},
	} {
		b.Run(bc.name, func(b *testing.B) {
			var r *Router
			var before uint64
			for b.Loop() {
				r = nil //nolint:ineffassign // so that the last one is not counted
				before = heap()
				r, _ = loaded(bc.groups, bc.hosts, bc.sources)
			}
			used := float64(heap() - before)
			b.ReportMetric(used/float64(bc.groups*bc.hosts), "B/record")
			runtime.KeepAlive(r)
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
