package bench

import (
	"fmt"
	"time"

	"tandem/internal/mld"
)

var figure7 = figure{
	id: "F7", about: "memory of the listener database in a whole, replicating device, live heap after a collection",
	goal: "1,000,000 (host, group) records over 1,000 groups: <= 64 B a record; 100,000 (S,G) of one host each: <= 400 B a group",
	unit: "B a record", run: memory,
}

const (
	manyHosts   = 1_000
	manyGroups  = 1_000
	manyRecords = manyHosts * manyGroups
	// indexLife is how long a device keeps the memory that only a synchronisation needs.
	indexLife = 12 * time.Second
)

func memory(r *run) (outcome, error) {
	silent := deviceOptions{arguments: []string{"-recording", "0"}}
	records, err := memoryOf(r, silent, population(manyHosts, manyGroups), manyRecords)
	if err != nil {
		return outcome{}, err
	}
	joins := reports(burstJoins, burstJoins, 1, join)
	groups, err := memoryOf(r, silent, joins, burstJoins)
	if err != nil {
		return outcome{}, err
	}
	recorded, err := memoryOf(r, deviceOptions{}, joins, burstJoins)
	if err != nil {
		return outcome{}, err
	}
	recording := (recorded[0].heap - groups[0].heap) * burstJoins / (1 << 20)
	return outcome{
		Value: records[0].heap,
		Met:   records[0].heap <= 64 && groups[0].heap <= 400,
		Rows: []row{
			{Name: "1,000,000 records, device that heard them", Value: records[0].heap, Unit: "B a record", Goal: "<= 64", Note: records[0].note()},
			{Name: "the same on its peer", Value: records[1].heap, Unit: "B a record", Note: records[1].note()},
			{Name: "100,000 (S,G), device that heard them", Value: groups[0].heap, Unit: "B a group", Goal: "<= 400", Note: groups[0].note()},
			{Name: "the same on its peer", Value: groups[1].heap, Unit: "B a group", Note: groups[1].note()},
			{Name: "the recording of these joins", Value: recording, Unit: "MiB", Goal: "<= 32", Note: "beside that, whatever the number of groups; tandemd -recording"},
		},
	}, nil
}

// population makes reports in which every host listens to every group, for any source. Each
// report has as many records as fit into a frame.
func population(hosts, groups int) *frames {
	const perFrame = 60
	f := &frames{}
	for h := range hosts {
		for g := 0; g < groups; g += perFrame {
			var records []mld.GroupRecord
			for i := g; i < min(g+perFrame, groups); i++ {
				records = append(records, mld.GroupRecord{Type: mld.ModeIsExclude, Group: groupAddr(i)})
			}
			f.report(hostAddr(h+1), records...)
		}
	}
	return f
}

// footprint is the memory of one device, and the share of each record.
type footprint struct {
	heap, resident float64
}

func (f footprint) note() string {
	return fmt.Sprintf("resident memory grew by %s B each, garbage included", number(f.resident))
}

// memoryOf loads device a of a pair, and returns by how much the memory of both devices
// grows.
func memoryOf(r *run, opt deviceOptions, f *frames, records int) (grown [2]footprint, err error) {
	p, err := r.newPairWith(opt)
	if err != nil {
		return grown, err
	}
	defer p.close()
	var before [2]footprint
	for i, d := range []*device{p.a, p.b} {
		if before[i], err = d.footprint(); err != nil {
			return grown, err
		}
	}
	if err := r.sustain(p.wire, f, p.queue, p.a.hasTaken(f.len())); err != nil {
		return grown, err
	}
	if err := p.equal(r, records); err != nil {
		return grown, err
	}
	time.Sleep(indexLife)
	for i, d := range []*device{p.a, p.b} {
		after, err := d.footprint()
		if err != nil {
			return grown, err
		}
		if err := r.saveHeap(d, fmt.Sprintf("F7-%d", records)); err != nil {
			return grown, err
		}
		grown[i] = footprint{(after.heap - before[i].heap) / float64(records), (after.resident - before[i].resident) / float64(records)}
	}
	return grown, nil
}

func (d *device) footprint() (footprint, error) {
	resident, err := d.resident()
	if err != nil {
		return footprint{}, err
	}
	heap, err := d.heap()
	return footprint{float64(heap), float64(resident)}, err
}
