package bench

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

var figure4 = figure{
	id: "F4", about: "one-record reports taken in without loss, the device on one core",
	goal: ">= 300,000/s refreshes with 10,000 groups known, >= 150,000/s distinct joins",
	unit: "reports/s", run: intake,
}

const (
	intakeGroups    = 10_000
	intakeRefreshes = 1_000_000
	intakeJoins     = 200_000
	refreshGoal     = 300_000
	joinGoal        = 150_000
)

// intake measures how fast a single device handles reports about (S,G)s while its peer is
// away. The device maintains the listener database, the membership upstream, the forwarding
// cache, and the queue of changes for the peer.
func intake(r *run) (outcome, error) {
	again, fresh := reports(intakeRefreshes, intakeGroups, 100, refresh), reports(intakeJoins, intakeJoins, 100, join)
	read, err := bareIntake(r, again, false)
	if err != nil {
		return outcome{}, fmt.Errorf("bare receiver: %w", err)
	}
	set, err := bareIntake(r, fresh, true)
	if err != nil {
		return outcome{}, fmt.Errorf("bare receiver that sets entries: %w", err)
	}
	refreshes, err := intakeOf(r, "refresh", reports(intakeGroups, intakeGroups, 100, join), again)
	if err != nil {
		return outcome{}, err
	}
	joins, err := intakeOf(r, "join", nil, fresh)
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		Value: refreshes.rate,
		Met:   refreshes.rate >= refreshGoal && joins.rate >= joinGoal,
		Rows: []row{
			{"refreshes, 10,000 (S,G) known", refreshes.rate, "reports/s", ">= 300,000",
				number(read) + "/s (bare receiver)", refreshes.note()},
			{"distinct (S,G) joins", joins.rate, "reports/s", ">= 150,000",
				number(set) + "/s (bare receiver that sets entries)", joins.note()},
		},
	}, nil
}

// taken is the result for one load.
type taken struct {
	reports int
	rate    float64
	cpu     time.Duration
}

func (t taken) note() string {
	return fmt.Sprintf("%s reports, none lost, %.2f us of processor each", number(float64(t.reports)), us(t.cpu)/float64(t.reports))
}

// intakeOf measures how fast a new device processes the reports of load. Before the
// measurement the device receives the reports of before.
func intakeOf(r *run, name string, before, load *frames) (taken, error) {
	n, err := newNetwork()
	if err != nil {
		return taken{}, err
	}
	defer n.close()
	d, err := r.startDevice(n, deviceA, deviceOptions{oneCore: true})
	if err != nil {
		return taken{}, err
	}
	defer d.stop()
	w, err := n.wire(hostLink(deviceA), false)
	if err != nil {
		return taken{}, err
	}
	defer w.close()
	waiting, err := n.backlog(deviceA)
	if err != nil {
		return taken{}, err
	}
	defer waiting.close()
	if before != nil {
		if _, err := r.inTurns(w, before, waiting, d.hasTaken(before.len())); err != nil {
			return taken{}, err
		}
	} else {
		before = new(frames)
	}
	cpu, err := d.processorTime()
	if err != nil {
		return taken{}, err
	}
	var took time.Duration
	err = r.profiled(d, "F4-"+name, func() (err error) {
		took, err = r.inTurns(w, load, waiting, d.hasTaken(before.len()+load.len()))
		return err
	})
	if err != nil {
		return taken{}, err
	}
	after, err := d.processorTime()
	if err != nil {
		return taken{}, err
	}
	return taken{load.len(), float64(load.len()) / took.Seconds(), after - cpu}, nil
}

// hasTaken returns a function that reports whether the MLD routers have counted so many
// reports.
func (d *device) hasTaken(reports int) func() error {
	return func() error {
		got, err := d.reportsTaken()
		if err == nil && got < reports {
			err = fmt.Errorf("%d of %d reports were taken in", got, reports)
		}
		return err
	}
}

func (d *device) reportsTaken() (total int, err error) {
	var facts struct {
		Interfaces []struct {
			Messages []struct {
				Type     string `json:"message-type"`
				Received int    `json:"received"`
			} `json:"messages"`
		} `json:"interfaces"`
	}
	err = d.display("mld control-message counters interface eth-trunk 10", &facts)
	for _, i := range facts.Interfaces {
		for _, m := range i.Messages {
			if m.Type == "MLDv2 Report" {
				total += m.Received
			}
		}
	}
	return total, err
}

// bareIntake measures the limit: one core reads the same reports and does nothing else, or
// sets the entry of each.
func bareIntake(r *run, load *frames, setsEntries bool) (rate float64, err error) {
	b, err := newBare(runtime.NumCPU()-1, setsEntries)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	took, err := r.inTurns(b.wire, load, b.waiting, b.hasTaken(load.len()))
	return float64(load.len()) / took.Seconds(), err
}
