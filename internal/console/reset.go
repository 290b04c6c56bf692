package console

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tandem/internal/bfd"
	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
	"tandem/internal/rbs"
	"tandem/internal/state"
)

// zeros holds the values of counters at the time when an operator reset them. The device
// itself goes on counting, so that its metrics do not jump; the displays of all sessions
// show the differences.
type zeros struct {
	mu       sync.Mutex
	trunks   map[uint32]trunkCounters
	services map[string]rbs.Counters
	mld      map[string]mld.Counters
	traffic  map[string]traffic
	bfd      bfd.Counters
}

type traffic struct{ in, out state.Traffic }

// trunkCounters holds the counters of an E-Trunk and of each of its paths.
type trunkCounters struct {
	all    etrunk.Counters
	byPath map[etrunk.Path]etrunk.Counters
}

func trunkCountersOf(t *state.ETrunk) trunkCounters {
	c := trunkCounters{t.Counters, map[etrunk.Path]etrunk.Counters{}}
	for i := range t.Paths {
		c.byPath[pathOf(&t.Paths[i])] = t.Paths[i].Counters
	}
	return c
}

func pathOf(p *state.Path) etrunk.Path { return etrunk.Path{Local: p.Local, Peer: p.Peer, VPN: p.VPN} }

// since returns the difference between now and then. A counter that is lower than then
// has begun again at 0, so its value counts as it is.
func since[C any](now, then C) C {
	subtract(reflect.ValueOf(&now).Elem(), reflect.ValueOf(then))
	return now
}

func subtract(now, then reflect.Value) {
	switch now.Kind() {
	case reflect.Struct:
		for i := range now.NumField() {
			subtract(now.Field(i), then.Field(i))
		}
	case reflect.Uint64:
		if now.Uint() >= then.Uint() {
			now.SetUint(now.Uint() - then.Uint())
		}
	}
}

// snapshot returns the device's snapshot with counters since the last reset.
func (sys *System) snapshot() state.Device {
	snap := sys.Backend.Snapshot()
	z := &sys.zeros
	z.mu.Lock()
	defer z.mu.Unlock()
	for i := range snap.ETrunks {
		t := &snap.ETrunks[i]
		zero := z.trunks[t.ID]
		t.Counters = since(t.Counters, zero.all)
		for k := range t.Paths {
			p := &t.Paths[k]
			p.Counters = since(p.Counters, zero.byPath[pathOf(p)])
		}
	}
	for i, s := range snap.Services {
		snap.Services[i].Counters = since(s.Counters, z.services[s.Name])
	}
	if p := snap.Proxy; p != nil {
		p.Counters = since(p.Counters, z.mld[p.Name])
	}
	for i, n := range snap.Downstream {
		snap.Downstream[i].Counters = since(n.Counters, z.mld[n.Name])
	}
	return snap
}

func (sys *System) interfaces() []state.Interface {
	infos := sys.Backend.Interfaces()
	z := &sys.zeros
	z.mu.Lock()
	defer z.mu.Unlock()
	for i, n := range infos {
		infos[i].In, infos[i].Out = since(n.In, z.traffic[n.Name].in), since(n.Out, z.traffic[n.Name].out)
	}
	return infos
}

func (sys *System) bfdStatistics() state.BFDStatistics {
	statistics := sys.Backend.BFDStatistics()
	sys.zeros.mu.Lock()
	defer sys.zeros.mu.Unlock()
	statistics.Counters = since(statistics.Counters, sys.zeros.bfd)
	return statistics
}

func resetCommands() []command.Command[*Session] {
	return []command.Command[*Session]{
		action(userView, "reset e-trunk counters [ <id:1..64> ]", "Count the hellos of E-Trunks anew", resetTrunks),
		action(userView, "reset remote-backup-service counters [ <name:string(1..128)> ]", "Count what remote backup services send and receive anew", resetServices),
		action(userView, "reset mld control-message counters [ interface <interface> ]", "Count MLD messages anew", resetMLD),
		action(userView, "reset mld group { all | interface <interface> [ all | <group-address:multicast> ] }",
			"Forget the hosts of groups and ask anew who listens", resetGroups),
		action(userView, "reset counters interface [ <interface> ]", "Count the traffic of interfaces anew", resetTraffic),
		action(userView, "reset bfd statistics", "Count BFD packets anew", func(s *Session, _ command.Args) error {
			now := s.sys.Backend.BFDStatistics().Counters
			s.sys.zeros.mu.Lock()
			defer s.sys.zeros.mu.Unlock()
			s.sys.zeros.bfd = now
			return nil
		}),
		action([]string{config.ViewUser, config.ViewConfig}, "reset logbuffer", "Empty the buffer of the log", func(s *Session, _ command.Args) error {
			s.sys.Journal.Reset()
			return nil
		}),
	}
}

func resetTrunks(s *Session, a command.Args) error {
	wanted := ""
	if a.Has("id") {
		wanted = strconv.FormatUint(a.Uint("id"), 10)
	}
	return resetSome(s, "E-Trunk", wanted, s.sys.Backend.Snapshot().ETrunks, &s.sys.zeros.trunks,
		func(t state.ETrunk) (string, uint32, trunkCounters) {
			return strconv.Itoa(int(t.ID)), t.ID, trunkCountersOf(&t)
		})
}

func resetServices(s *Session, a command.Args) error {
	return resetSome(s, "Remote backup service", a.String("name"), s.sys.Backend.Snapshot().Services, &s.sys.zeros.services,
		func(r state.Service) (string, string, rbs.Counters) { return r.Name, r.Name, r.Counters })
}

func resetMLD(s *Session, a command.Args) error {
	snap := s.sys.Backend.Snapshot()
	return resetSome(s, "MLD interface", wantedInterface(a), snap.MLDCounted(), &s.sys.zeros.mld,
		func(i state.MLDCounted) (string, string, mld.Counters) { return i.Name, i.Name, i.Counters })
}

func resetGroups(s *Session, a command.Args) error {
	interfaces, err := downstream(s.sys.Backend.Snapshot(), a)
	for _, i := range interfaces {
		err = errors.Join(err, s.sys.Backend.ResetGroups(i.Name, a.Addr("group-address")))
	}
	return err
}

func resetTraffic(s *Session, a command.Args) error {
	return resetSome(s, "Interface", wantedInterface(a), s.sys.Backend.Interfaces(), &s.sys.zeros.traffic,
		func(i state.Interface) (string, string, traffic) { return i.Name, i.Name, traffic{i.In, i.Out} })
}

func wantedInterface(a command.Args) string {
	return string(command.Get[config.InterfaceName](a, "interface"))
}

// resetSome stores the present counters of the object with a name, or of all objects if
// the name is empty.
func resetSome[T any, K comparable, C any](s *Session, kind, wanted string, objects []T, zeros *map[K]C, of func(T) (string, K, C)) error {
	name := func(o T) string { n, _, _ := of(o); return n }
	chosen := slices.DeleteFunc(slices.Clone(objects), func(o T) bool { return wanted != "" && !strings.EqualFold(name(o), wanted) })
	if wanted != "" && len(chosen) == 0 {
		return unknown(kind, wanted, names(objects, name))
	}
	s.sys.zeros.mu.Lock()
	defer s.sys.zeros.mu.Unlock()
	if *zeros == nil {
		*zeros = map[K]C{}
	}
	for _, o := range chosen {
		_, key, counters := of(o)
		(*zeros)[key] = counters
	}
	return nil
}
