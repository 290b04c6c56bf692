package state

import (
	"net/netip"
	"time"
)

// System is the running program and the device that it is.
type System struct {
	Build
	SysName  string        `name:"sysname"`
	DeviceID Hex           `name:"device-id"`
	Uptime   time.Duration `name:"uptime"`
}

// Build names a program.
type Build struct {
	Version  string `name:"version" label:"version"`
	Revision string `name:"revision" label:"revision"`
	Go       string `name:"go" label:"go" metric:"build_info" help:"The running program; always 1."`
}

// String names the program in one line.
func (b Build) String() string {
	s := "Tandem " + b.Version
	if b.Revision != "" {
		s += " (" + b.Revision + ")"
	}
	return s + ", " + b.Go
}

// HTTPServer is where the web page and the metrics are served.
type HTTPServer struct {
	Enabled   bool       `name:"enabled"`
	Address   netip.Addr `name:"address"`
	Port      uint16     `name:"port"`
	LastError string     `name:"last-error"` // why it is not served, empty when it is or is not to be

	// Concluded.
	State   string `name:"state"`
	Page    string `name:"page"`
	Metrics string `name:"metrics"`
}

// Conclude implements [Concluder].
func (h *HTTPServer) Conclude() {
	switch {
	case !h.Enabled:
		h.State, h.LastError = "disabled", ""
	case h.LastError != "":
		h.State = "not listening"
	default:
		h.State = "listening"
	}
	at := "http://" + netip.AddrPortFrom(h.Address, h.Port).String()
	h.Page, h.Metrics = at+"/", at+"/metrics"
}

// SSHServer is what the SSH server is doing.
type SSHServer struct {
	Enabled     bool   `name:"enabled"`
	Address     string `name:"address"` // where it listens, empty while it does not
	Fingerprint string `name:"host-key"`
	SSHCounters
	BlockedSources int          `name:"blocked-sources"`       // that cannot try for a while after failed logins
	Trouble        string       `name:"not-listening-because"` // empty while it listens, or is not to
	Open           []SSHSession `name:"open-sessions"`

	Sessions int `name:"sessions"` // concluded: how many are open
}

// Conclude implements [Concluder].
func (s *SSHServer) Conclude() { s.Sessions = len(s.Open) }

// SSHCounters counts connections.
type SSHCounters struct {
	Logins  uint64 `name:"logins"`
	Failed  uint64 `name:"failed-logins"`
	Blocked uint64 `name:"refused-as-blocked"`  // because of failures before
	TooMany uint64 `name:"refused-as-too-many"` // at once
}

// SSHSessions are the users who have logged in.
type SSHSessions struct {
	Sessions []SSHSession `name:"sessions"`
}

// SSHSession is a user who has logged in.
type SSHSession struct {
	User   string        `name:"user"`
	Source string        `name:"source"`
	Level  int           `name:"level"` // as VRP numbers what a user may do
	Since  time.Time     `name:"since"`
	Idle   time.Duration `name:"idle"` // nothing was typed
}
