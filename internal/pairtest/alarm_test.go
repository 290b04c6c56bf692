package pairtest

import (
	"fmt"
	"slices"
	"testing"

	"tandem/internal/linux/testnet"
)

// alarms lists the names of the active alarms of a device.
func (d *device) alarms() (names []string, err error) {
	var shown struct{ Alarms []struct{ Alarm string } }
	err = d.display("alarm active", &shown)
	for _, a := range shown.Alarms {
		names = append(names, a.Alarm)
	}
	return names, err
}

// hasAlarms waits until exactly these alarms are active.
func (d *device) hasAlarms(want ...string) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("device %s has the alarms %v", d.name, want), func() error {
		got, err := d.alarms()
		if slices.Sort(got); err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("it has %v", got)
		}
		return err
	})
}

// TestAlarms: the loss of the peer is an alarm while it lasts, also the second time. The
// log shows its beginning and its end.
func TestAlarms(t *testing.T) {
	p := newPair(t)
	p.start()
	p.a.hasAlarms()
	for range 2 {
		p.b.kill()
		p.a.hasAlarms("BFD_SESSION_DOWN", "ETRUNK_PEER_LOST", "RBS_CHANNEL_DOWN")
		p.b.start()
		p.a.hasAlarms()
	}
	testnet.Must(t, p.a.Links.SetUp(upLink, false))
	p.a.hasAlarms("ETRUNK_NOT_READY", "UPSTREAM_DOWN")
	testnet.Must(t, p.a.Links.SetUp(upLink, true))
	p.a.hasAlarms()

	log := p.a.shows("logbuffer")
	for _, line := range []string{
		"%%01BFD/4/STACHG_TODWN(l)", "%%01ETRUNK/4/ETRUNK_STATUS_CHANGE(l)", "%%01ETRUNK/5/DUTY_CHANGE(l)",
		"%%01RBS/4/RBS_CHANNEL_STATUS_CHANGE(l)", "%%01ALARM/4/ALARM_RAISED(l)", "%%01ALARM/5/ALARM_CLEARED(l)",
	} {
		contains(t, log, line)
	}
	p.a.types("reset logbuffer")
	contains(t, p.a.shows("logbuffer"), "Current messages: 0")
}

// TestDivergenceIsShown: while the databases stay different, both devices have an alarm, twice.
// Here one device has no profile for the records of the other.
func TestDivergenceIsShown(t *testing.T) {
	p := newPair(t)
	p.start()
	p.join(ssmGroup, sourceAddr)
	p.forms(1)
	for range 2 {
		p.b.configures("remote-backup-profile rbp1", "backup-id 11 remote-backup-service rbs1")
		for _, d := range []*device{p.a, p.b} {
			d.hasAlarms("ETRUNK_CONFIG_DIFFERS", "ETRUNK_NOT_READY", "RBS_DIVERGED")
			contains(t, d.shows("alarm active"), "RBS_DIVERGED")
		}
		p.b.configures("remote-backup-profile rbp1", "backup-id 10 remote-backup-service rbs1")
		p.a.hasAlarms()
		p.b.hasAlarms()
		p.forms(1)
	}
}

// raises waits for an alarm, whatever others there are.
func (d *device) raises(want string) {
	d.t.Helper()
	eventually(d.t, "device "+d.name+" has the alarm "+want, func() error {
		got, err := d.alarms()
		if err == nil && !slices.Contains(got, want) {
			err = fmt.Errorf("it has %v", got)
		}
		return err
	})
}
