package state

import (
	"net/netip"
	"time"
)

// System is the running program and the identity of the device.
type System struct {
	Build
	SysName  string        `name:"sysname"`
	DeviceID Hex           `name:"device-id"`
	Uptime   time.Duration `name:"uptime"`
}

// Build identifies the version of a program.
type Build struct {
	Version  string `name:"version" label:"version"`
	Revision string `name:"revision" label:"revision"`
	Go       string `name:"go" label:"go" metric:"build_info" help:"The running program; always 1."`
}

// String returns the version in one line.
func (b Build) String() string {
	s := "Tandem " + b.Version
	if b.Revision != "" {
		s += " (" + b.Revision + ")"
	}
	return s + ", " + b.Go
}

// HTTPServer is the state of the server of the web page and the metrics.
type HTTPServer struct {
	Enabled   bool       `name:"enabled"`
	Address   netip.Addr `name:"address"`
	Port      uint16     `name:"port"`
	LastError string     `name:"last-error"` // why the server does not run; empty if it runs, or is not configured

	// Computed by Conclude.
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

// SSHServer is the state of the SSH server.
type SSHServer struct {
	Enabled     bool   `name:"enabled"`
	Address     string `name:"address"` // listening address, empty if the server does not listen
	Fingerprint string `name:"host-key"`
	SSHCounters
	BlockedSources int          `name:"blocked-sources"`       // addresses that are blocked for a while after failed logins
	Trouble        string       `name:"not-listening-because"` // why the server does not listen; empty if it listens, or is not configured
	Open           []SSHSession `name:"open-sessions"`

	Sessions int `name:"sessions"` // computed by Conclude: number of open sessions
}

// Conclude implements [Concluder].
func (s *SSHServer) Conclude() { s.Sessions = len(s.Open) }

// SSHCounters counts connections.
type SSHCounters struct {
	Logins  uint64 `name:"logins"`
	Failed  uint64 `name:"failed-logins"`
	Blocked uint64 `name:"refused-as-blocked"`  // connections refused because of earlier failed logins
	TooMany uint64 `name:"refused-as-too-many"` // connections refused because there were too many at once
}

// SSHSessions are the users who have logged in.
type SSHSessions struct {
	Sessions []SSHSession `name:"sessions"`
}

// SSHSession is a user who has logged in.
type SSHSession struct {
	User   string        `name:"user"`
	Source string        `name:"source"`
	Level  int           `name:"level"` // privilege level, in VRP's numbers
	Since  time.Time     `name:"since"`
	Idle   time.Duration `name:"idle"` // time since the last key was typed
}
