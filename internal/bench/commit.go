package bench

import (
	"fmt"
	"strings"
	"time"
)

var figure11 = figure{
	id: "F11", about: "commit of a configuration of 10,000 lines",
	goal: "<= 1 s",
	unit: "s", run: commitLarge,
}

const commitLines = 10_000

// commitLarge adds remote backup profiles to the candidate, five lines each with the quit,
// until it has the wanted number of lines. It measures the time of the commit only.
func commitLarge(r *run) (outcome, error) {
	n, err := newNetwork()
	if err != nil {
		return outcome{}, err
	}
	defer n.close()
	d, err := r.startDevice(n, deviceA, deviceOptions{})
	if err != nil {
		return outcome{}, err
	}
	defer d.stop()
	start := time.Now()
	if _, err := d.exec("system-view"); err != nil {
		return outcome{}, err
	}
	for i := range commitLines / 5 {
		for _, line := range []string{
			fmt.Sprintf("remote-backup-profile bulk%d", i),
			fmt.Sprintf("backup-id %d remote-backup-service rbs1", 1000+i),
			"peer-backup hot", "service-type mld", "quit",
		} {
			if _, err := d.exec(line); err != nil {
				return outcome{}, err
			}
		}
	}
	entered := time.Since(start)
	start = time.Now()
	if err := r.profiled(d, "F11", func() error { _, err := d.exec("commit"); return err }); err != nil {
		return outcome{}, err
	}
	took := time.Since(start)
	text, err := d.exec("display current-configuration")
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		Value: took.Seconds(), Met: took <= time.Second,
		Rows: []row{{Name: "commit", Value: took.Seconds(), Unit: "s", Goal: "<= 1",
			Note: fmt.Sprintf("%d lines entered one by one in %.1f s; the configuration in force has %d lines", commitLines, entered.Seconds(), strings.Count(text, "\n"))}},
	}, nil
}
