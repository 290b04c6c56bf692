package device

import (
	"testing"
	"time"

	"tandem/internal/event"
	"tandem/internal/mld"
)

// TestDeaf: if hosts no longer answer on an interface where they did before, an alarm
// begins before their records expire, and lasts until a message of a host comes. An
// interface that never had hosts causes no alarm.
func TestDeaf(t *testing.T) {
	const heard, empty = "Interface=Eth-Trunk10", "Interface=Eth-Trunk10.100"
	r := readyRig(t)
	join := mld.GroupRecord{Type: mld.ChangeToExclude}
	for range 2 {
		r.report("eth-trunk10", 1, 1, join)
		deaf := time.Duration(0)
		for ; deaf < 10*time.Minute && !r.raised(event.Deaf, heard); deaf += time.Second {
			r.pass(time.Second)
		}
		if cfg := mld.DefaultConfig(); deaf < cfg.QueryInterval || deaf > cfg.ListeningInterval()+time.Second {
			t.Errorf("known after %v", deaf)
		}
		r.pass(10 * time.Minute)
		if !r.raised(event.Deaf, heard) || r.raised(event.Deaf, empty) {
			t.Error("the alarm has gone, or is of the interface without hosts, too")
		}
		r.report("eth-trunk10", 1, 1, join)
		if r.raised(event.Deaf, heard) {
			t.Error("the alarm outlives the first message")
		}
	}
	// A host answers each query.
	for range 40 {
		r.pass(mld.DefaultConfig().QueryInterval / 2)
		r.report("eth-trunk10", 1, 1, join)
		if r.raised(event.Deaf, heard) {
			t.Fatal("deaf, though a host answers")
		}
	}
}
