package pairtest

import (
	"fmt"
	"testing"

	"tandem/internal/linux/testnet"
)

// TestBatchBackup: all records are sent again in both directions at the request of either
// device, in the user view and in the service view. No packet is lost.
func TestBatchBackup(t *testing.T) {
	p := newPair(t)
	p.start()
	s := p.stream(ssmGroup)
	l := p.join(ssmGroup, sourceAddr)
	p.forms(1)
	l.awaits(s)
	from := s.position()
	for range 2 {
		for d, request := range map[*device][]string{
			p.a: {"batch-backup service-type mld now"},
			p.b: {"system-view", "remote-backup-service rbs1", "batch-backup service-type all now", "return"},
		} {
			before, err := d.service()
			testnet.Must(t, err)
			d.types(request...)
			eventually(t, "device "+d.name+" has been sent everything, and has sent it", func() error {
				f, err := d.service()
				if err == nil && (f.Full != before.Full+1 || f.FullSent != 1 || f.FullGot != 1 || !f.InSync || !f.Equal) {
					err = fmt.Errorf("%+v, before %+v", f, before)
				}
				return err
			})
		}
	}
	to := s.position()
	l.awaits(s)
	if missed := l.missed(from, to); missed > 0 {
		t.Errorf("%d packets missed", missed)
	}
}
