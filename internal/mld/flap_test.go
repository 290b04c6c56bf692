package mld

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tandem/internal/instant"
)

// TestFlapping makes 10,000 hosts of both versions join, leave and change their filters for
// a minute, five thousand times a second. It compares every table with the reference model
// each second and at the end.
func TestFlapping(t *testing.T) {
	const (
		hosts, groups = 10_000, 200
		perSecond     = 5_000
	)
	x := newTrial(t, 1)
	x.rng = rand.New(rand.NewPCG(1, 8))
	x.groups, x.hosts = nil, nil
	for i := range groups {
		x.groups = append(x.groups, groupNumber(i))
	}
	for i := range hosts {
		x.hosts = append(x.hosts, addr(fmt.Sprintf("fe80::2:%x", i+1)))
	}
	for second := range 60 {
		for range perSecond {
			x.advance(x.now.Add(time.Second / perSecond))
			x.flap()
		}
		x.m.at(x.now)
		if err := x.differs(); err != "" {
			t.Fatalf("second %d: %s", second, err)
		}
	}
	if err := x.recordsDiffer(); err != "" {
		t.Fatal(err)
	}
	if err := x.r.verify(x.now); err != nil {
		t.Fatal(err)
	}
}

// advance advances the time of the router. The model computes its state only when it is
// compared.
func (x *trial) advance(until instant.Time) {
	for at := x.r.Deadline(); at.IsDue(until); at = x.r.Deadline() {
		x.now = max(x.now, at)
		x.fx.Reset()
		x.r.Advance(x.now, x.version(), &x.fx)
	}
	x.now = until
}

// flap is one change by one host. One host in ten uses MLDv1.
func (x *trial) flap() {
	i := x.rng.IntN(len(x.hosts))
	host, group := x.hosts[i], x.groups[x.rng.IntN(len(x.groups))]
	join := x.rng.IntN(2) == 0
	switch {
	case i%10 == 0 && join:
		x.hearV1(host, TypeReportV1, group)
		x.m.report(x.now, host, ModeIsExclude, group, 0, true)
	case i%10 == 0:
		x.hearV1(host, TypeDone, group)
		x.m.done(x.now, host, group)
	default:
		rec, told := x.wish(join)
		x.hear(host, rec, group, told.addrs()...)
		x.m.report(x.now, host, rec, group, told, false)
	}
}

// wish returns the record of an MLDv2 host that joins or leaves, for any source or for some
// sources.
func (x *trial) wish(join bool) (RecordType, sourceSet) {
	some := sourceSet(1 + x.rng.IntN(15))
	switch any := x.rng.IntN(2) == 0; {
	case join && any:
		return ChangeToExclude, 0
	case join:
		return AllowNewSources, some
	case any:
		return ChangeToInclude, 0
	}
	return BlockOldSources, some
}
