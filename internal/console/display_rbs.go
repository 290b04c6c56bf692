package console

import (
	"strings"

	"tandem/internal/device"
	"tandem/internal/rbs"
)

// ServiceConfig is what a service's display shows of the configuration.
type ServiceConfig struct {
	TrackBFD  string // discriminator of the tracked session, empty when none
	SSLPolicy string // empty when the connection is in clear
}

// Services is `display remote-backup-service [ NAME [ verbose ] ]`. Conf gives
// the configuration of each service by name.
func Services(states []rbs.State, conf map[string]ServiceConfig, verbose bool) Display {
	s := newSheet()
	s.empty = "--"
	s.rule()
	each(s, "services", states, func(i int, st rbs.State) {
		c := conf[st.Name]
		s.fields(1, 22,
			field{"Service-Index", i},
			field{"Service-Name", st.Name},
			field{"TCP-State", st.TCP},
			field{"Peer-ip", st.Peer},
			field{"Source-ip", st.Local},
			field{"TCP-Port", orUnset(uint32(st.Port))},
			field{"Track-BFD", c.TrackBFD},
			field{"SSL-Policy-Name", c.SSLPolicy},
			field{"SSL-State", sslState(c, st)},
			field{"Last up time", st.LastUp},
			field{"In-Sync", st.InSync},
			field{"Lag-Records", st.LagRecords},
			field{"Lag (ms)", millis(st.Lag)},
			field{"Last-Error", st.LastError},
		)
		if verbose {
			showService(s, st)
		}
		s.rule()
	})
	return s.display()
}

func showService(s *sheet, st rbs.State) {
	var device any
	if st.PeerDeviceID != 0 {
		device = digest(st.PeerDeviceID)
	}
	s.fields(1, 22,
		field{"In This State For", st.Since},
		field{"Peer-Device-ID", device},
		field{"Local-Digest", digest(st.LocalDigest)},
		field{"Peer-Digest", digest(st.PeerDigest)},
		field{"Digests-Equal", digestsEqual(st)},
		field{"Diverged", st.Diverged},
	)
	showSync(s, "Full-Sync", st.LastFull)
	showSync(s, "Difference-Sync", st.LastDifference)
	s.line(" Counters:")
	s.fields(3, 0, counters(st.Counters)...)
}

// showSync tells of the synchronisations of a kind, and of the last one.
func showSync(s *sheet, kind string, st rbs.SyncStats) {
	last := "Last-" + kind
	s.fields(1, 32,
		field{kind + "s", st.Count},
		field{last, st.At},
		field{last + " Took (ms)", millis(st.Took)},
		field{last + " Sent", st.Sent},
		field{last + " Received", st.Received},
	)
}

// digestsEqual is nil while the peer's digest is not known.
func digestsEqual(st rbs.State) any {
	if st.TCP != rbs.Connected {
		return nil
	}
	return st.LocalDigest == st.PeerDigest
}

// sslState tells how the service speaks with its peer: with a policy it has no
// connection that is in clear.
func sslState(c ServiceConfig, st rbs.State) string {
	switch {
	case c.SSLPolicy == "":
		return "clear"
	case st.TCP == rbs.Connected:
		return "TLS 1.3"
	}
	return "TLS 1.3, not connected"
}

// firstProfileIndex is where the product family starts to number profiles.
const firstProfileIndex = 0x1000

// Profiles is `display remote-backup-profile NAME`.
func Profiles(profiles []device.ProfileSnapshot, first int) Display {
	s := newSheet()
	s.empty = "--"
	s.rule()
	each(s, "profiles", profiles, func(i int, p device.ProfileSnapshot) {
		showProfile(s, p, index(firstProfileIndex+first+i))
		s.rule()
	})
	return s.display()
}

func showProfile(s *sheet, p device.ProfileSnapshot, number index) {
	const colon = 27
	s.fields(0, colon,
		field{"Profile-Index", number},
		field{"Profile-Name", p.Name},
		field{"Service", serviceTypes(p)},
		field{"Remote-backup-service", p.Service},
		field{"Backup-ID", orUnset(p.BackupID)},
		field{"track protocol", trackProtocol(p)},
	)
	s.fields(2, colon,
		field{"E-Trunk ID", orUnset(p.ETrunk)},
		field{"Eth-trunk ID", orUnset(p.EthTrunk)},
	)
	s.line("%-*s:", colon, "Interface")
	s.fact("interface", p.Interfaces)
	for _, i := range p.Interfaces {
		s.line("%s%s", strings.Repeat(" ", colon+2), i)
	}
	s.fields(0, colon,
		field{"Forwarding Configured", nil},
		field{"Backup mode", backupMode(p)},
		field{"Slot-Number", nil},
		field{"Card-Number", nil},
		field{"Port-Number", nil},
		field{"Records", p.Records},
		field{"Digest", digest(p.Digest)},
		field{"Ready", p.Ready},
		field{"Not-Ready-Reason", p.NotReady},
	)
}

// ProfileList is `display remote-backup-profile`: one line a profile.
func ProfileList(profiles []device.ProfileSnapshot) Display {
	s := newSheet()
	s.empty = "--"
	rows := make([][]any, 0, len(profiles))
	for i, p := range profiles {
		rows = append(rows, []any{index(firstProfileIndex + i), p.Name, p.Service, orUnset(p.BackupID),
			p.Records, digest(p.Digest), p.Ready})
	}
	s.table(0, "profiles", []string{"Profile-Index", "Profile-Name", "Remote-backup-service", "Backup-ID",
		"Records", "Digest", "Ready"}, rows)
	return s.display()
}

func serviceTypes(p device.ProfileSnapshot) string {
	if p.MLD {
		return "mld"
	}
	return ""
}

func backupMode(p device.ProfileSnapshot) string {
	if p.Hot {
		return "hot"
	}
	return ""
}

func trackProtocol(p device.ProfileSnapshot) string {
	if p.ETrunk != 0 {
		return "E-TRUNK"
	}
	return ""
}

// orUnset is nil for a number that is not configured.
func orUnset(n uint32) any {
	if n == 0 {
		return nil
	}
	return n
}
