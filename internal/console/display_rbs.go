package console

import (
	"strings"

	"tandem/internal/state"
)

// servicesDisplay is `display remote-backup-service [ NAME [ verbose ] ]`.
func servicesDisplay(services []state.Service, verbose bool) Display {
	all := state.Services{Services: services}
	s := sheetOf(&all)
	s.empty = "--"
	s.rule()
	list(s, &all.Services, func(_ int, r *state.Service) {
		s.fields(1, 22,
			field{"Service-Index", &r.Index},
			field{"Service-Name", &r.Name},
			field{"TCP-State", &r.TCP},
			field{"Peer-ip", &r.Peer},
			field{"Source-ip", &r.Local},
			field{"TCP-Port", &r.Port},
			field{"Track-BFD", &r.TrackBFD},
			field{"SSL-Policy-Name", &r.SSLPolicy},
			field{"SSL-State", &r.SSLState},
			field{"Verified-By", &r.Verified},
			field{"Peer-Certificate", &r.PeerCertificate},
			field{"Last up time", &r.LastUp},
			field{"In-Sync", &r.InSync},
			field{"Lag-Records", &r.LagRecords},
			field{"Lag (ms)", &r.Lag},
			field{"Last-Error", &r.LastError},
		)
		if verbose {
			showService(s, r)
		}
		s.rule()
	})
	return s.display()
}

func showService(s *sheet, r *state.Service) {
	s.fields(1, 22,
		field{"Transport-Plaintext", &r.Plaintext},
		field{"In This State For", &r.Since},
		field{"Peer-Device-ID", &r.PeerDeviceID},
		field{"Local-Digest", &r.LocalDigest},
		field{"Peer-Digest", &r.PeerDigest},
		field{"Digests-Equal", &r.DigestsEqual},
		field{"Diverged", &r.Diverged},
	)
	s.fields(1, 32,
		field{"Full-Syncs", &r.FullSyncs},
		field{"Last-Full-Sync", &r.LastFull},
		field{"Last-Full-Sync Took (ms)", &r.LastFullTook},
		field{"Last-Full-Sync Sent", &r.LastFullSent},
		field{"Last-Full-Sync Received", &r.LastFullReceived},
		field{"Difference-Syncs", &r.DifferenceSyncs},
		field{"Last-Difference-Sync", &r.LastDifference},
		field{"Last-Difference-Sync Took (ms)", &r.LastDifferenceTook},
		field{"Last-Difference-Sync Sent", &r.LastDifferenceSent},
		field{"Last-Difference-Sync Received", &r.LastDifferenceReceived},
	)
	s.line(" Streams:")
	s.within(&r.Streams, func() { showStreams(s, &r.Streams) })
	s.line(" Counters:")
	s.fields(3, 0, counters(&r.Counters)...)
}

// showStreams shows how many streams arrive, and names the first streams that arrive at
// only one of the two devices.
func showStreams(s *sheet, t *state.Streams) {
	s.fields(3, 32,
		field{"Measured", &t.Watched},
		field{"Compared", &t.Compared},
		field{"Arriving Here", &t.Flowing},
		field{"Lacking Here", &t.Lacking},
		field{"Lacking at the Peer", &t.StandsIn},
	)
	columns := func(what string) func(f *state.StreamFault) []field {
		return func(f *state.StreamFault) []field { return []field{{what, &f.Stream}, {"For", &f.For}} }
	}
	rowsIfAny(s, 3, &t.Lacks, columns("Lacking Here"))
	rowsIfAny(s, 3, &t.Stands, columns("Lacking at the Peer"))
}

// profilesDisplay is `display remote-backup-profile NAME`.
func profilesDisplay(profiles []state.Profile) Display {
	all := state.Profiles{Profiles: profiles}
	s := sheetOf(&all)
	s.empty = "--"
	s.rule()
	list(s, &all.Profiles, func(_ int, p *state.Profile) {
		showProfile(s, p)
		s.rule()
	})
	return s.display()
}

func showProfile(s *sheet, p *state.Profile) {
	const colon = 27
	s.fields(0, colon,
		field{"Profile-Index", &p.Index},
		field{"Profile-Name", &p.Name},
		field{"Service", &p.MLD},
		field{"Remote-backup-service", &p.Service},
		field{"Backup-ID", &p.BackupID},
		field{"track protocol", &p.Tracks},
	)
	s.fields(2, colon,
		field{"E-Trunk ID", &p.ETrunk},
		field{"Eth-trunk ID", &p.EthTrunk},
	)
	s.line("%-*s:", colon, "Interface")
	s.record(&p.Interfaces)
	for _, i := range p.Interfaces {
		s.line("%s%s", strings.Repeat(" ", colon+2), i)
	}
	s.fields(0, colon,
		field{"Forwarding Configured", &p.ForwardingConfigured},
		field{"Backup mode", &p.Hot},
		field{"Slot-Number", &p.Slot},
		field{"Card-Number", &p.Card},
		field{"Port-Number", &p.Port},
		field{"Records", &p.Records},
		field{"Digest", &p.Digest},
		field{"Ready", &p.Ready},
		field{"Not-Ready-Reason", &p.NotReady},
	)
}

// profileListDisplay is `display remote-backup-profile`: one line for each profile.
func profileListDisplay(profiles []state.Profile) Display {
	all := state.Profiles{Profiles: profiles}
	s := sheetOf(&all)
	s.empty = "--"
	rows(s, 0, &all.Profiles, func(p *state.Profile) []field {
		return []field{{"Profile-Index", &p.Index}, {"Profile-Name", &p.Name}, {"Remote-backup-service", &p.Service},
			{"Backup-ID", &p.BackupID}, {"Records", &p.Records}, {"Digest", &p.Digest}, {"Ready", &p.Ready}}
	})
	return s.display()
}
