package state

import "tandem/internal/event"

// Measured is what Prometheus is shown of a device. Package metrics makes a metric of every
// field in it that has a metric tag, and of every counter that stands below one.
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

// EventCount counts the events of a kind.
type EventCount struct {
	Module string `name:"module" label:"module"`
	Name   string `name:"name" label:"name"`
	Count  uint64 `name:"count" metric:"events" help:"Events (docs/events.md), those left out of the log too."`
}

// EventCountsOf lists how often events of each kind came, from the start of the daemon.
func EventCountsOf(counts map[*event.Kind]uint64) (list []EventCount) {
	for _, k := range event.Kinds() {
		list = append(list, EventCount{k.Module, k.Name, counts[k]})
	}
	return list
}

// AlarmCount counts the alarms of a kind that hold.
type AlarmCount struct {
	Name     string `name:"alarm" label:"alarm"`
	Severity string `name:"severity" label:"severity"`
	Count    int    `name:"count" metric:"alarms" help:"Alarms of the kind that hold."`
}

// AlarmCountsOf lists how many of the alarms are of each kind.
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
