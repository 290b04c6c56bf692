package bench

import (
	"fmt"
	"time"
)

var figure3 = figure{
	id: "F3", about: "planned switchover and give-back under 10,000 packets/s over 1,000 groups, 100,000 (S,G) known",
	goal: "0 lost; duplicates <= 20 ms worth",
	unit: "packets lost", run: switchover,
}

const (
	switchoverGroups = 1_000
	switchoverRate   = 10_000
)

func switchover(r *run) (outcome, error) {
	p, err := r.newPair()
	if err != nil {
		return outcome{}, err
	}
	defer p.close()
	if err := p.joinAll(r, takeoverEntries); err != nil {
		return outcome{}, err
	}
	groups := make([]int, switchoverGroups)
	for i := range groups {
		groups[i] = i
	}
	t, err := p.stream(groups, switchoverRate)
	if err != nil {
		return outcome{}, err
	}
	time.Sleep(500 * time.Millisecond)
	from := int(t.sent.Load())
	_, err = p.a.exec("switchover e-trunk 1")
	time.Sleep(time.Second)
	middle := int(t.sent.Load())
	if err == nil {
		_, err = p.a.exec("undo switchover e-trunk 1")
	}
	time.Sleep(time.Second)
	to := int(t.sent.Load())
	got, failed := t.end()
	if err != nil {
		return outcome{}, err
	}
	if failed != nil {
		return outcome{}, failed
	}
	if took := fromLeg(got, 0, middle-switchoverRate/10, middle); took > 0 {
		return outcome{}, fmt.Errorf("device a still sent %d packets 0.9 s after the switchover\n%s\n%s", took, p.a.log, p.b.log)
	}
	if fromLeg(got, 0, to-switchoverRate/10, to) == 0 {
		return outcome{}, fmt.Errorf("device a sent nothing 0.9 s after the give-back")
	}
	var o outcome
	worst, lostAll := 0.0, 0
	for _, part := range []struct {
		name     string
		from, to int
	}{{"switchover", from, middle}, {"give-back", middle, to}} {
		lost, twice := t.tally(got, part.from, part.to)
		worth := 1000 * float64(twice) / switchoverRate
		worst, lostAll = max(worst, worth), lostAll+lost
		o.Rows = append(o.Rows,
			row{Name: part.name + ", lost", Value: float64(lost), Unit: "packets", Goal: "0", Note: fmt.Sprintf("of %d", part.to-part.from)},
			row{Name: part.name + ", duplicates", Value: worth, Unit: "ms worth", Goal: "<= 20", Note: fmt.Sprintf("%d packets", twice)})
	}
	o.Value, o.Met = float64(lostAll), lostAll == 0 && worst <= 20
	return o, nil
}

// fromLeg returns how many of the packets from..to-1 were sent by one leg.
func fromLeg(got []arrived, leg byte, from, to int) (n int) {
	for _, a := range got {
		if a.leg == leg && a.number >= from && a.number < to {
			n++
		}
	}
	return n
}
