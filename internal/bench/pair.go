package bench

import (
	"errors"
	"fmt"
	"time"
)

// pair is two devices and their network.
type pair struct {
	*network
	a, b  *device
	wire  *wire // the cable to the leg of device a
	queue *backlog
}

// newPair starts both devices and waits until each sends its bucket.
func (r *run) newPair(lines ...string) (*pair, error) {
	return r.newPairWith(deviceOptions{lines: lines})
}

func (r *run) newPairWith(opt deviceOptions) (*pair, error) {
	n, err := newNetwork()
	if err != nil {
		return nil, err
	}
	p := &pair{network: n}
	if err := p.start(r, opt); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *pair) start(r *run, opt deviceOptions) (err error) {
	if p.a, err = r.startDevice(p.network, deviceA, opt); err != nil {
		return err
	}
	if p.b, err = r.startDevice(p.network, deviceB, opt); err != nil {
		return err
	}
	if p.wire, err = p.network.wire(hostLink(deviceA), false); err != nil {
		return err
	}
	if p.queue, err = p.backlog(deviceA); err != nil {
		return err
	}
	return p.settle(r)
}

func (p *pair) settle(r *run) error {
	return r.poll(30*time.Second, func() error { return errors.Join(p.a.settled(), p.b.settled()) })
}

func (p *pair) close() {
	for _, d := range []*device{p.a, p.b} {
		if d != nil {
			d.stop()
		}
	}
	if p.wire != nil {
		p.wire.close()
	}
	if p.queue != nil {
		p.queue.close()
	}
	p.network.close()
}

// processorTime returns the processor time that both daemons have used so far.
func (p *pair) processorTime() (time.Duration, error) {
	a, errA := p.a.processorTime()
	b, errB := p.b.processorTime()
	return a + b, errors.Join(errA, errB)
}

// settled returns nil if a device is ready and sends its bucket. Otherwise the error says
// what is missing.
func (d *device) settled() error {
	var trunks struct {
		List []struct {
			Duties []struct {
				Duty      string `json:"duty"`
				Ready     bool   `json:"ready"`
				PeerReady bool   `json:"peer-ready"`
				NotReady  string `json:"not-ready-reason"`
			} `json:"duties"`
		} `json:"e-trunks"`
	}
	if err := d.display("e-trunk 1", &trunks); err != nil {
		return err
	}
	if len(trunks.List) != 1 || len(trunks.List[0].Duties) != 1 {
		return errors.New("not configured yet")
	}
	if duty := trunks.List[0].Duties[0]; !duty.Ready || !duty.PeerReady || duty.Duty != "shared" {
		return fmt.Errorf("device %s: duty %s, ready %v (%s), peer ready %v", d.name, duty.Duty, duty.Ready, duty.NotReady, duty.PeerReady)
	}
	return nil
}

// serviceFacts is the part of the display of the remote backup service that the bench
// reads.
type serviceFacts struct {
	InSync        bool    `json:"in-sync"`
	Lag           int     `json:"lag-records"`
	Full          int     `json:"full-syncs"`
	FullTook      float64 `json:"last-full-sync-took-ms"`
	Part          int     `json:"difference-syncs"`
	PartTook      float64 `json:"last-difference-sync-took-ms"`
	BytesSent     int     `json:"bytes-sent"`
	BytesReceived int     `json:"bytes-received"`
}

func (d *device) service() (serviceFacts, error) {
	var services struct {
		List []serviceFacts `json:"services"`
	}
	if err := d.display("remote-backup-service rbs1 verbose", &services); err != nil {
		return serviceFacts{}, err
	}
	if len(services.List) != 1 {
		return serviceFacts{}, errors.New("no remote backup service")
	}
	return services.List[0], nil
}

// profileFacts is the part of the display of the remote backup profile that the bench
// reads.
type profileFacts struct {
	Records int    `json:"records"`
	Digest  string `json:"digest"`
}

func (d *device) records() (profileFacts, error) {
	var profiles struct {
		List []profileFacts `json:"profiles"`
	}
	if err := d.display("remote-backup-profile rbp1", &profiles); err != nil {
		return profileFacts{}, err
	}
	if len(profiles.List) != 1 {
		return profileFacts{}, errors.New("no remote backup profile")
	}
	return profiles.List[0], nil
}

// equal waits until both databases hold the given number of records and are equal.
func (p *pair) equal(r *run, records int) error {
	return r.poll(60*time.Second, func() error {
		a, err := p.a.records()
		if err != nil {
			return err
		}
		b, err := p.b.records()
		if err != nil {
			return err
		}
		if a != b || a.Records != records {
			return fmt.Errorf("%d records on a, %d on b, %d expected", a.Records, b.Records, records)
		}
		return nil
	})
}
