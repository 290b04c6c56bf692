package state

import "tandem/internal/event"

// Measured is the root of all metrics. Package metrics makes a metric of every field in
// it that has a metric tag, and of every counter below such a field.
type Measured struct {
	Program Build  `name:"program"`
	Device  Device `name:"device"`
	Interfaces
	BFD    []BFDSession  `name:"bfd-sessions"`
	Counts BFDStatistics `name:"bfd-statistics" metric:"bfd_" help:"BFD"`
	Log    Log           `name:"log"`
	Events []EventCount  `name:"events"`
	Alarms []AlarmCount  `name:"alarms"`
}

// EventCount is the number of events of one kind.
type EventCount struct {
	Module string `name:"module" label:"module"`
	Name   string `name:"name" label:"name"`
	Count  uint64 `name:"count" metric:"events" help:"Events (docs/events.md), those left out of the log too."`
}

// EventCountsOf lists the number of events of each kind since the daemon started.
func EventCountsOf(counts map[*event.Kind]uint64) (list []EventCount) {
	for _, k := range event.Kinds() {
		list = append(list, EventCount{k.Module, k.Name, counts[k]})
	}
	return list
}

// AlarmCount is the number of active alarms of one kind.
type AlarmCount struct {
	Name     string `name:"alarm" label:"alarm"`
	Severity string `name:"severity" label:"severity"`
	Count    int    `name:"count" metric:"alarms" help:"Alarms of the kind that hold."`
}

// AlarmCountsOf lists the number of active alarms of each kind.
func AlarmCountsOf(alarms []event.Alarm) (list []AlarmCount) {
	held := make(map[*event.AlarmKind]int)
	for _, a := range alarms {
		held[a.AlarmKind]++
	}
	for _, k := range event.AlarmKinds() {
		list = append(list, AlarmCount{k.Name, string(k.Severity), held[k]})
	}
	return list
}
