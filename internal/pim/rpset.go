package pim

import (
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// LearntRange is a range of groups with its RPs.
type LearntRange struct {
	Group netip.Prefix
	RPs   []LearntRP
	// Partial holds the RPs of a set that has come only in part, in fragments with Tag.
	Tag     uint16
	Partial []LearntRP
}

// LearntRP is an RP of a range. The lower priority wins.
type LearntRP struct {
	RP       netip.Addr
	Priority uint8
	Expires  instant.Time
}

// learn stores the RPs of a range. They replace the former ones when all fragments have
// come (RFC 5059, section 3.4).
func (z *Zone) learn(now instant.Time, tag uint16, told *RPRange) {
	at := slices.IndexFunc(z.Ranges, func(l LearntRange) bool { return l.Group == told.Group.Masked() })
	if told.Group.Bidir {
		return // the range is not for PIM-SM
	}
	if at < 0 {
		if told.Count == 0 || len(z.Ranges) >= maxRanges {
			return
		}
		at = len(z.Ranges)
		z.Ranges = append(z.Ranges, LearntRange{Group: told.Group.Masked()})
	}
	l := &z.Ranges[at]
	if l.Tag != tag {
		l.Tag, l.Partial = tag, nil
	}
	for _, rp := range told.RPs {
		l.Partial = slices.DeleteFunc(l.Partial, func(p LearntRP) bool { return p.RP == rp.RP })
		l.Partial = append(l.Partial, LearntRP{rp.RP, rp.Priority, now.Add(rp.HoldTime)})
	}
	if len(l.Partial) >= int(told.Count) {
		l.RPs, l.Partial = l.Partial, nil
	}
	z.forget(now)
}

// forget removes the RPs whose hold time is over.
func (z *Zone) forget(now instant.Time) {
	over := func(p LearntRP) bool { return p.Expires.IsDue(now) }
	z.Ranges = slices.DeleteFunc(z.Ranges, func(l LearntRange) bool {
		return !slices.ContainsFunc(l.RPs, func(p LearntRP) bool { return !over(p) }) &&
			!slices.ContainsFunc(l.Partial, func(p LearntRP) bool { return !over(p) })
	})
	for i := range z.Ranges {
		z.Ranges[i].RPs = slices.DeleteFunc(z.Ranges[i].RPs, over)
		z.Ranges[i].Partial = slices.DeleteFunc(z.Ranges[i].Partial, over)
	}
}
