package console

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"tandem/internal/command"
)

// SSHState is what the SSH server is doing.
type SSHState struct {
	Enabled     bool
	Address     string // where it listens, empty while it does not
	Fingerprint string // of the host key
	Trouble     string // why it does not listen
	Counters    SSHCounters
	// BlockedSources cannot try for a while after failed logins.
	BlockedSources int
	Sessions       []SSHSession
}

// SSHCounters counts connections.
type SSHCounters struct {
	Logins, Failed uint64
	Blocked        uint64 // refused because of failures before
	TooMany        uint64 // refused because there were too many at once
}

// SSHSession is a user who has logged in.
type SSHSession struct {
	User, Source string
	Level        Level
	Since        time.Time
	Idle         time.Duration // nothing was typed
}

func sshDisplays() []command.Command[*Session] {
	return []command.Command[*Session]{
		show(anyView, "ssh server status", "What the SSH server does", func(s *Session, _ command.Args) (Display, error) {
			state, err := s.sys.sshState()
			return SSHStatus(state), err
		}),
		show(anyView, "ssh server session", "Who has logged in over SSH", func(s *Session, _ command.Args) (Display, error) {
			state, err := s.sys.sshState()
			for i := range state.Sessions {
				state.Sessions[i].Since = state.Sessions[i].Since.In(time.Local)
			}
			return SSHSessions(state.Sessions), err
		}),
	}
}

func (sys *System) sshState() (SSHState, error) {
	if sys.SSH == nil {
		return SSHState{}, errors.New("there is no SSH server here")
	}
	return sys.SSH(), nil
}

// SSHStatus is `display ssh server status`.
func SSHStatus(state SSHState) Display {
	s := newSheet()
	s.fields(0, 26, field{"Enabled", state.Enabled}, field{"Address", state.Address}, field{"Host Key", state.Fingerprint},
		field{"Sessions", len(state.Sessions)}, field{"Logins", state.Counters.Logins}, field{"Failed Logins", state.Counters.Failed},
		field{"Blocked Sources", state.BlockedSources}, field{"Refused as Blocked", state.Counters.Blocked},
		field{"Refused as Too Many", state.Counters.TooMany}, field{"Not Listening Because", state.Trouble})
	return s.display()
}

// SSHSessions is `display ssh server session`, the oldest first.
func SSHSessions(sessions []SSHSession) Display {
	s := newSheet()
	slices.SortFunc(sessions, func(a, b SSHSession) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Source, b.Source)) })
	rows := make([][]any, 0, len(sessions))
	for _, x := range sessions {
		rows = append(rows, []any{x.User, x.Source, int(x.Level), x.Since, x.Idle})
	}
	s.table(0, "sessions", []string{"User", "Source", "Level", "Since", "Idle"}, rows)
	return s.display()
}
