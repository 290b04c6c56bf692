package device

import (
	"iter"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// replication holds the remote backup services, by name.
type replication struct {
	*ground
	keyed[string, *service]
	exceptions *exceptions
	arrivals   *arrivals
	observer   func(string, Outcome) // see Observe
	replayed   bool                  // see Replay
}

func (rp *replication) add(name string) *service {
	s := &service{all: rp, name: name}
	s.core = rbs.NewService(s, rp.clock, rp.id, rp.boot, rand.New(rp.random(0)))
	if rp.settings.WatchesStreams {
		s.core.ShareStreams(streamSharing{s})
	}
	rp.put(name, s)
	return s
}

// configure makes the services agree with the settings.
func (rp *replication) configure(now instant.Time) {
	for _, s := range rp.list {
		name := s.name
		if _, wanted := rp.settings.Services[name]; !wanted {
			off := s.cfg.Config
			off.Enabled = false
			s.core.Configure(now, off, &s.fx)
			rp.apply(now, s)
			rp.remove(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rp.settings.Services)) {
		cfg := rp.settings.Services[name]
		s := rp.get(name)
		if s == nil {
			s = rp.add(name)
		}
		if !reflect.DeepEqual(s.cfg, cfg) {
			s.cfg = cfg
			rp.enable(now, s)
		}
	}
}

// enable applies the configuration of a service: with the detour, if there is one, and
// disabled while the BFD session that it tracks is down.
func (rp *replication) enable(now instant.Time, s *service) {
	cfg := s.cfg.Config
	cfg.Detour, cfg.Wait = s.Detour, s.waits()
	if s.cfg.Pinned {
		cfg.Pin = s.Pin.Pin
	}
	cfg.Enabled = cfg.Enabled && (s.Detour.Peer.IsValid() || rp.bfdState(s.cfg.BFDSession) != etrunk.BFDDown)
	s.core.Configure(now, cfg, &s.fx)
}

// resume makes the services of a checkpoint, before the other services are configured.
func (rp *replication) resume(now instant.Time, cp *Checkpoint) {
	for _, sc := range cp.Services {
		if _, wanted := rp.settings.Services[sc.Name]; !wanted {
			continue
		}
		s := rp.add(sc.Name)
		s.core.Resume(sc.Core)
		s.ServiceKept = sc.Kept
		if s.InSync && !rp.replayed { // the predecessor's connection has ended with it
			s.InSync, s.LostAt = false, now
		}
	}
	rp.configure(now)
}

// handle passes an event to the service that it names.
func (rp *replication) handle(now instant.Time, ev Event) {
	with := func(name string, do func(s *service)) {
		if s := rp.get(name); s != nil {
			do(s)
		}
	}
	switch ev := ev.(type) {
	case ChannelAccepted:
		with(ev.Service, func(s *service) { s.core.Accepted(now, ev.Conn, ev.From, ev.By, &s.fx) })
	case ChannelDialled:
		with(ev.Service, func(s *service) { s.core.Dialled(now, ev.Conn, ev.By, &s.fx) })
	case ChannelDialFailed:
		with(ev.Service, func(s *service) {
			s.distrust(now, ev.Distrust, ev.Reason)
			s.core.DialFailed(now, ev.Reason, &s.fx)
		})
	case ChannelListenFailed:
		with(ev.Service, func(s *service) { s.core.ListenFailed(now, ev.Reason, &s.fx) })
	case ChannelHandshakeFailed:
		with(ev.Service, func(s *service) {
			s.distrust(now, ev.Distrust, ev.Reason)
			s.core.HandshakeFailed(now, ev.Reason, &s.fx)
		})
	case ChannelReceived:
		with(ev.Service, func(s *service) { s.core.Received(now, ev.Conn, ev.Bytes, &s.fx) })
	case ChannelWritten:
		with(ev.Service, func(s *service) { s.core.Written(now, ev.Conn, &s.fx) })
	case ChannelClosed:
		with(ev.Service, func(s *service) { s.core.Closed(now, ev.Conn, ev.Reason, &s.fx) })
	case AskStatus:
		with(ev.Service, func(s *service) { s.core.AskStatus(now, &s.fx) })
	case TellStatus:
		with(ev.Service, func(s *service) { s.core.TellStatus(now, ev.Status, &s.fx) })
	case BatchBackup:
		with(ev.Service, func(s *service) { s.core.Reset(now, &s.fx) })
	}
}

// pump lets every service send what is due, and collects the effects.
func (rp *replication) pump(now instant.Time) {
	for _, s := range rp.list {
		if s.core.Deadline().IsDue(now) {
			s.core.Advance(now, &s.fx)
			s.shed(now)
		}
		rp.apply(now, s)
	}
}

func (rp *replication) apply(now instant.Time, s *service) {
	fx := &s.fx
	if rp.replayed {
		*fx = rbs.Effects{} // the recording holds the outcomes of these effects
		return
	}
	if len(fx.Close)+len(fx.Listen)+len(fx.Dial)+len(fx.Send)+len(fx.Events) == 0 && !fx.StatusWanted && fx.Status == nil {
		return
	}
	for _, ev := range fx.Events {
		rp.tellChannel(s, ev)
		if ev.Kind == rbs.ChannelUp {
			s.observe(Outcome{Kind: ChannelIsUp})
			s.UpAt = now
		}
	}
	rp.fx.Channels = append(rp.fx.Channels, ChannelEffects{Service: s.name, Effects: *fx})
	*fx = rbs.Effects{}
	if inSync := s.core.InSync(); inSync != s.InSync {
		rp.setInSync(now, s, inSync)
	}
}

// setInSync records that the two databases are equal, or that they may differ.
func (rp *replication) setInSync(now instant.Time, s *service, inSync bool) {
	s.InSync = inSync
	for _, ifc := range s.interfaces {
		ifc.router.SetPartitioned(now, !inSync)
	}
	if inSync {
		s.observe(Outcome{Kind: ChannelInSync})
		s.SyncedOnce, s.EverUp, s.Unknown = true, true, false
		rp.exceptions.synchronised(now, s)
	} else {
		s.observe(Outcome{Kind: ChannelLost})
		s.LostAt = now
	}
	rp.agenda.add(stageDuty, now)
	rp.agenda.add(stageExceptions, now)
}

func (rp *replication) tellChannel(s *service, ev rbs.Event) {
	switch ev.Kind {
	case rbs.ChannelUp:
		rp.tell(event.RBSChannelStatusChange.With(s.name, "Up", ev.Reason))
	case rbs.ChannelDown:
		rp.tell(event.RBSChannelStatusChange.With(s.name, "Down", ev.Reason))
	default:
		rp.tell(event.RBSChannelEvent.With(s.name, ev.Kind, ev.Reason))
	}
}

// resumeListeners makes this device send the streams of the listeners that the peer has
// not acknowledged, until the databases have been compared. In a replay the peer gets the
// same time for its acknowledgements as before.
func (rp *replication) resumeListeners(cp *Checkpoint) {
	for _, lc := range cp.Unknown {
		for _, s := range rp.list {
			if ifc := s.interfaceOf(lc.Key); ifc != nil {
				patient := rp.replayed && !lc.Kept.Overdue
				rp.exceptions.await(lc.Kept.Since, listener{ifc, ifc.handle(lc.Key)}, lc.Kept.Version, patient)
			}
		}
	}
	rp.exceptions.resumed()
}

// synchronised reports whether every service that replicates for the member
// has completed a synchronisation since this device booted.
func (rp *replication) synchronised(id Member) bool {
	for s := range rp.of(id) {
		if s == nil || !s.SyncedOnce {
			return false
		}
	}
	return true
}

// unheard reports whether hosts of a member send reports to one device of which the other
// does not learn.
func (rp *replication) unheard(id Member) bool {
	for s := range rp.of(id) {
		if s != nil && !s.InSync {
			return true
		}
	}
	return false
}

// of yields the services that replicate for a member, nil for a service that is
// configured but missing.
func (rp *replication) of(id Member) iter.Seq[*service] {
	return func(yield func(*service) bool) {
		for _, p := range rp.settings.Profiles {
			if p.Member == id && p.replicates() && !yield(rp.get(p.Service)) {
				return
			}
		}
	}
}

// setBFD enables or disables the services that track a BFD session.
func (rp *replication) setBFD(now instant.Time, session string) {
	for _, s := range rp.list {
		if s.cfg.BFDSession == session {
			rp.enable(now, s)
		}
	}
}

// deadline returns when pump must be called next.
func (rp *replication) deadline() (at instant.Time) {
	for _, s := range rp.list {
		at = instant.Earliest(at, s.core.Deadline(), s.arriving.Deadline())
	}
	return at
}
