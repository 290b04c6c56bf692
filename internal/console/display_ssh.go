package console

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"tandem/internal/command"
	"tandem/internal/state"
)

func sshDisplays() []command.Command[*Session] {
	return []command.Command[*Session]{
		show(anyView, "ssh server status", "What the SSH server does", func(s *Session, _ command.Args) (Display, error) {
			server, err := s.sys.sshServer()
			return sshStatusDisplay(server), err
		}),
		show(anyView, "ssh server session", "Who has logged in over SSH", func(s *Session, _ command.Args) (Display, error) {
			server, err := s.sys.sshServer()
			for i := range server.Open {
				server.Open[i].Since = server.Open[i].Since.In(time.Local)
			}
			return sshSessionsDisplay(server.Open), err
		}),
	}
}

func (sys *System) sshServer() (state.SSHServer, error) {
	if sys.SSH == nil {
		return state.SSHServer{}, errors.New("there is no SSH server here")
	}
	return sys.SSH(), nil
}

// sshStatusDisplay is `display ssh server status`.
func sshStatusDisplay(server state.SSHServer) Display {
	s := sheetOf(&server)
	s.fields(0, 26, field{"Enabled", &server.Enabled}, field{"Address", &server.Address}, field{"Host Key", &server.Fingerprint},
		field{"Sessions", &server.Sessions}, field{"Logins", &server.Logins}, field{"Failed Logins", &server.Failed},
		field{"Blocked Sources", &server.BlockedSources}, field{"Refused as Blocked", &server.Blocked},
		field{"Refused as Too Many", &server.TooMany}, field{"Not Listening Because", &server.Trouble})
	return s.display()
}

// sshSessionsDisplay is `display ssh server session`, the oldest first.
func sshSessionsDisplay(sessions []state.SSHSession) Display {
	slices.SortFunc(sessions, func(a, b state.SSHSession) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Source, b.Source))
	})
	all := state.SSHSessions{Sessions: sessions}
	s := sheetOf(&all)
	rows(s, 0, &all.Sessions, func(x *state.SSHSession) []field {
		return []field{{"User", &x.User}, {"Source", &x.Source}, {"Level", &x.Level}, {"Since", &x.Since}, {"Idle", &x.Idle}}
	})
	return s.display()
}
