package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/command"
	"tandem/internal/etrunk"
)

func eTrunkEntries() []entry {
	open := opener("e-trunk <e-trunk-id:1..64>", "Create an E-Trunk and enter its view",
		func(e *Editor, a command.Args) (View, error) {
			id := uint32(a.Uint("e-trunk-id"))
			if e.Model.ETrunks[id] == nil {
				e.Model.ETrunks[id] = newETrunk(id)
			}
			return View{ViewETrunk, strconv.Itoa(int(id))}, nil
		},
		func(m *Model, a command.Args) bool {
			id := uint32(a.Uint("e-trunk-id"))
			known := m.ETrunks[id] != nil
			delete(m.ETrunks, id)
			return known
		})
	entries := append([]entry{open}, settings(ViewETrunk, eTrunkOf,
		description(func(t *ETrunk) *string { return &t.Description }),
		number("priority <priority:1..254>", "Set the priority of the device, the lower is preferred",
			func(t *ETrunk) *uint8 { return &t.Priority }, defaultETrunk.Priority),
		eTrunkPeer(),
		eTrunkHeartbeat(),
		choice("authentication-mode", "Set how hellos are authenticated",
			func(t *ETrunk) *etrunk.AuthMode { return &t.AuthMode }, etrunk.HMACSHA256, etrunk.EnhancedHMACSHA256),
		duration("timer hello <hello:5..100>", "Set the time between hellos, in 100 ms", 100*time.Millisecond,
			func(t *ETrunk) *time.Duration { return &t.HelloInterval }, defaultETrunk.HelloInterval),
		number("timer hold-on-failure multiplier <multiplier:3..300>", "Set how many hellos must be missed for the peer to be lost",
			func(t *ETrunk) *uint16 { return &t.Multiplier }, uint16(defaultETrunk.Multiplier)),
		duration("timer revert delay <seconds:0..3600>", "Set the wait before the role is given back", time.Second,
			func(t *ETrunk) *time.Duration { return &t.RevertDelay }, defaultETrunk.RevertDelay),
		flag("revert disable", "Never give the role back", func(t *ETrunk) *bool { return &t.RevertDisable }, false),
		flag("sequence enable", "Check the sequence numbers of hellos", func(t *ETrunk) *bool { return &t.Sequence }, false),
		eTrunkTrack(),
		eTrunkBFD(),
		duration("e-trunk bfd min-tx-interval <milliseconds:3..20000>", "Set the time between the packets of the E-Trunk's own BFD session",
			time.Millisecond, func(t *ETrunk) *time.Duration { return &t.BFD.MinTx }, bfd.DefaultInterval),
		duration("e-trunk bfd min-rx-interval <milliseconds:3..20000>", "Set the time between the packets that the E-Trunk's own BFD session wants",
			time.Millisecond, func(t *ETrunk) *time.Duration { return &t.BFD.MinRx }, bfd.DefaultInterval),
		number("e-trunk bfd detect-multiplier <multiplier:3..50>", "Set how many packets must be missed for the E-Trunk's own BFD session to go down",
			func(t *ETrunk) *uint8 { return &t.BFD.DetectMult }, bfd.DefaultDetectMult),
	)...)
	return append(entries, eTrunkKey())
}

func eTrunkOf(m *Model, v View) *ETrunk { return m.ETrunks[v.number()] }

func eTrunkPeer() setting[ETrunk] {
	return setting[ETrunk]{
		syntax: "peer-ipv6 <peer:global> source-ipv6 <source:global> [ vpn-instance <vpn:vpn> ]",
		help:   "Set the addresses of the peer and of this device",
		set: func(t *ETrunk, a command.Args) error {
			if err := checkEnds(a); err != nil {
				return err
			}
			t.Peer, t.Local, t.VPN = a.Addr("peer"), a.Addr("source"), command.Get[string](a, "vpn")
			return nil
		},
		clear: func(t *ETrunk, _ command.Args) error {
			t.Peer, t.Local, t.VPN = netip.Addr{}, netip.Addr{}, ""
			return nil
		},
		write: func(t *ETrunk) []string {
			if !t.Peer.IsValid() {
				return nil
			}
			return []string{t.Paths()[0].String()}
		}}
}

func eTrunkHeartbeat() setting[ETrunk] {
	const ends = "peer-ipv6 <peer:global> source-ipv6 <source:global> [ vpn-instance <vpn:vpn> ]"
	s := several("heartbeat", ends, "Set the addresses of a further path of the hellos, up to 3",
		func(t *ETrunk) *[]etrunk.Path { return &t.Heartbeats },
		func(a command.Args) (etrunk.Path, bool) {
			return etrunk.Path{Peer: a.Addr("peer"), Local: a.Addr("source"), VPN: command.Get[string](a, "vpn")}, a.Has("peer")
		}, etrunk.Path.Compare, etrunk.Path.String)
	s.undo = "heartbeat [ " + ends + " ]"
	add := s.set
	s.set = func(t *ETrunk, a command.Args) error {
		if err := checkEnds(a); err != nil {
			return err
		}
		return add(t, a)
	}
	return s
}

func eTrunkBFD() setting[ETrunk] {
	return setting[ETrunk]{
		syntax: "e-trunk bfd enable [ track interface <interface> ]",
		help:   "Watch over the peer by a BFD session of the E-Trunk's own",
		set: func(t *ETrunk, a command.Args) error {
			t.BFD.Enabled, t.BFD.TrackInterface = true, command.Get[InterfaceName](a, "interface")
			return nil
		},
		clear: func(t *ETrunk, _ command.Args) error { t.BFD.Enabled, t.BFD.TrackInterface = false, ""; return nil },
		write: func(t *ETrunk) []string {
			switch {
			case !t.BFD.Enabled:
				return nil
			case t.BFD.TrackInterface == "":
				return []string{"e-trunk bfd enable"}
			}
			return []string{"e-trunk bfd enable track interface " + string(t.BFD.TrackInterface)}
		}}
}

func eTrunkTrack() setting[ETrunk] {
	return setting[ETrunk]{
		syntax: "e-trunk track bfd-session [ session-name <session:string(1..64)> ]",
		help:   "Bind a BFD session: its going down means that the peer is lost",
		set: func(t *ETrunk, a command.Args) error {
			t.TrackBFD, t.BFDSession = true, a.String("session")
			return nil
		},
		clear: func(t *ETrunk, _ command.Args) error { t.TrackBFD, t.BFDSession = false, ""; return nil },
		write: func(t *ETrunk) []string {
			switch {
			case !t.TrackBFD:
				return nil
			case t.BFDSession == "":
				return []string{"e-trunk track bfd-session"}
			}
			return []string{"e-trunk track bfd-session session-name " + command.Quote(t.BFDSession)}
		}}
}

// eTrunkKey returns an entry and not a setting, because it needs the device's keyring.
func eTrunkKey() entry {
	return entry{view: ViewETrunk, syntax: "security-key { simple <key:secret> | cipher <cipher-key:cipher-text> }",
		help: "Set the key that hellos are authenticated with",
		set: func(e *Editor, a command.Args) error {
			key, err := command.Get[Secret](a, "key"), error(nil)
			if a.Has("cipher-key") {
				key, err = e.keys.open(command.Get[cipherText](a, "cipher-key").typed)
			}
			switch {
			case err != nil:
				return fmt.Errorf("security-key: %w", err)
			case len(key.plain) > maxKey:
				return fmt.Errorf("security-key: %d bytes, not 1..%d", len(key.plain), maxKey)
			}
			t := eTrunkOf(e.Model, e.View)
			if t == nil {
				return fmt.Errorf("e-trunk %s does not exist any more", e.View.Name)
			}
			t.Key = key
			return nil
		},
		clear: func(e *Editor, _ command.Args) error {
			if t := eTrunkOf(e.Model, e.View); t != nil {
				t.Key = Secret{}
			}
			return nil
		},
		write: func(m *Model, v View, keys *Keyring) []string {
			if t := eTrunkOf(m, v); t.Key.isSet() {
				return []string{"security-key cipher " + keys.seal(t.Key)}
			}
			return nil
		}}
}
