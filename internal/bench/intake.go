package bench

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/packet"
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

// intake lets a single device, whose peer is away, take in reports about (S,G)s:
// the listener database, the membership upstream and the forwarding cache, and
// the queue of what the peer must be told, are all kept.
func intake(r *run) (outcome, error) {
	limit, err := bareReceiver(r)
	if err != nil {
		return outcome{}, fmt.Errorf("bare receiver: %w", err)
	}
	beside := number(limit) + "/s (bare receiver)"
	refreshes, err := intakeOf(r, "refresh", reports(intakeGroups, intakeGroups, 100, join),
		reports(intakeRefreshes, intakeGroups, 100, refresh))
	if err != nil {
		return outcome{}, err
	}
	joins, err := intakeOf(r, "join", nil, reports(intakeJoins, intakeJoins, 100, join))
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		Value: refreshes.rate,
		Met:   refreshes.rate >= refreshGoal && joins.rate >= joinGoal,
		Rows: []row{
			{"refreshes, 10,000 (S,G) known", refreshes.rate, "reports/s", ">= 300,000", beside, refreshes.note()},
			{"distinct (S,G) joins", joins.rate, "reports/s", ">= 150,000", beside, joins.note()},
		},
	}, nil
}

// taken is how one load was taken in.
type taken struct {
	reports int
	rate    float64
	drops   int
	cpu     time.Duration
}

func (t taken) note() string {
	return fmt.Sprintf("%s reports, %d lost, %.2f us of processor each", number(float64(t.reports)), t.drops, us(t.cpu)/float64(t.reports))
}

// intakeOf measures one load on a fresh device that has taken in others before.
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
	q, err := waiting.read()
	if err != nil {
		return taken{}, err
	}
	return taken{load.len(), float64(load.len()) / took.Seconds(), q.drops, after - cpu}, nil
}

// hasTaken says whether the MLD routers have counted a number of reports.
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
	err = d.display("mld control-message counters", &facts)
	for _, i := range facts.Interfaces {
		for _, m := range i.Messages {
			if m.Type == "MLDv2 Report" {
				total += m.Received
			}
		}
	}
	return total, err
}

// bareReceiver is the limit: the same reports read from the same kind of socket
// on one core by a program that does nothing with them.
func bareReceiver(r *run) (rate float64, err error) {
	n, err := newNetwork()
	if err != nil {
		return 0, err
	}
	defer n.close()
	var conn *packet.Conn
	err = n.spaces[deviceA].Do(func() (err error) {
		conn, err = packet.Open()
		return err
	})
	if err != nil {
		return 0, err
	}
	var index int
	err = n.inside(deviceA, func(h *links.Handle) error {
		l, err := h.Link(legLink)
		index = l.Index
		return err
	})
	if err := errors.Join(err, conn.Join(index)); err != nil {
		conn.Close()
		return 0, err
	}
	ended := make(chan error, 1)
	go func() {
		ended <- onProcessor(runtime.NumCPU()-1, func() error {
			batch := make([]packet.Message, packet.BatchSize)
			for {
				if _, err := conn.Read(batch); errors.Is(err, net.ErrClosed) {
					return nil
				} else if err != nil {
					return err
				}
			}
		})
	}()
	defer func() { conn.Close(); err = errors.Join(err, <-ended) }()
	w, err := n.wire(hostLink(deviceA), false)
	if err != nil {
		return 0, err
	}
	defer w.close()
	waiting, err := n.backlog(deviceA)
	if err != nil {
		return 0, err
	}
	defer waiting.close()
	f := reports(intakeRefreshes, intakeGroups, 100, refresh)
	took, err := r.inTurns(w, f, waiting, func() error {
		if got := conn.Counters().Received; got < uint64(f.len()) {
			return fmt.Errorf("%d of %d reports were read", got, f.len())
		}
		return nil
	})
	return float64(f.len()) / took.Seconds(), err
}
