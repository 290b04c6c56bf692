// Package status is a summary of one device: the web page shows it, and a device sends it
// to its peer, so that one page can show both devices. It is made from the snapshots of
// the displays, and is encoded as JSON.
package status

import (
	"encoding/json"
	"errors"
	"fmt"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/state"
)

// Device is the summary of one device. Addresses and enumerations are words, points in
// time are Unix milliseconds, lengths of time are milliseconds.
type Device struct {
	Name       string     `json:"name"` // sysname
	ID         string     `json:"id"`
	Version    string     `json:"version"`
	At         int64      `json:"at"`
	Uptime     int64      `json:"uptime"`
	Members    []Member   `json:"members"`
	Trunks     []Trunk    `json:"trunks"`
	Services   []Service  `json:"services"`
	Sessions   []Session  `json:"sessions"`
	Upstream   *Interface `json:"upstream"` // null if no upstream interface is configured
	Interfaces []Listener `json:"interfaces"`
	Totals     Totals     `json:"totals"`
	Alarms     []Alarm    `json:"alarms"`
	// Handovers lists the latest changes of the sent buckets, the latest first.
	Handovers []Handover `json:"handovers"`
	// Proofs are the proofs of the device's upstream interface and of its members.
	Proofs []Proof `json:"proofs"`
	// Alone lists the reasons why the device cannot serve all listeners without its peer.
	// Sees lists the reasons why the peer cannot, as far as the device sees them. They
	// are null in the status of a release that does not report them.
	Alone []Objection `json:"alone"`
	Sees  []Objection `json:"sees"`
}

// Handover is a change of what the gate lets pass on a member.
type Handover struct {
	At     int64  `json:"at"`
	Trunk  uint32 `json:"trunk"`
	Member uint32 `json:"member"`
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
	// Gap is an upper bound of what listeners missed, in milliseconds: the time from the
	// last sign of life of a lost peer to the opening of the gate. It is negative if the
	// peer was not lost.
	Gap float64 `json:"gap"`
}

// Trunk is an E-Trunk.
type Trunk struct {
	ID          uint32   `json:"id"`
	Role        string   `json:"role"`
	Reason      string   `json:"reason"`
	Priority    uint8    `json:"priority"`
	Peer        string   `json:"peer"`
	PeerAlive   bool     `json:"peerAlive"`
	BFD         string   `json:"bfd"` // name of the bound BFD session
	Differences []string `json:"differences"`
}

// Member is an Eth-Trunk in an E-Trunk: its leg and its duty.
type Member struct {
	Trunk    uint32 `json:"trunk"`
	ID       uint32 `json:"id"`
	Remote   uint32 `json:"remote"` // number of the same Eth-Trunk on the peer
	Up       bool   `json:"up"`
	Mode     string `json:"mode"`
	Role     string `json:"role"`
	Reason   string `json:"reason"`
	Ready    bool   `json:"ready"`
	NotReady string `json:"notReady"`
	Duty     string `json:"duty"`
	Why      string `json:"why"`
	Covers   string `json:"covers"`
	Querier  bool   `json:"querier"`
}

// Service is a remote backup service.
type Service struct {
	Name       string `json:"name"`
	TCP        string `json:"tcp"`
	InSync     bool   `json:"inSync"`
	LagRecords int    `json:"lagRecords"`
	Lag        int64  `json:"lag"`
	LastError  string `json:"lastError"`
}

// Session is a BFD session.
type Session struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// Interface is a multicast interface.
type Interface struct {
	Name string `json:"name"`
	Up   bool   `json:"up"`
}

// Listener is an interface towards hosts.
type Listener struct {
	Interface
	Querier string `json:"querier"`
	Groups  int    `json:"groups"`
	Records int    `json:"records"`
	// Passes is what the gate lets pass on the interface.
	Passes etrunk.Buckets `json:"passes"`
}

// Totals holds the numbers for the plots. Joins and Leaves are counters.
type Totals struct {
	Groups     int    `json:"groups"`
	Records    int    `json:"records"`
	Entries    int    `json:"entries"`
	Orphans    int    `json:"orphans"`
	Joins      uint64 `json:"joins"`
	Leaves     uint64 `json:"leaves"`
	LagRecords int    `json:"lagRecords"`
	Lag        int64  `json:"lag"`
}

// Alarm is an active alarm.
type Alarm struct {
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Object   string `json:"object"`
	Detail   string `json:"detail"`
	Text     string `json:"text"`
	Since    int64  `json:"since"`
}

// Facts holds the snapshots from which the summary is made.
type Facts struct {
	Name, Version string
	Snapshot      state.Device
	Sessions      []Session
	Alarms        []event.Alarm
	Handovers     []Handover
}

// Of returns the summary of a device.
func Of(f Facts) Device {
	s := &f.Snapshot
	d := Device{
		Name: f.Name, ID: s.ID.String(), Version: f.Version, At: s.At.UnixMilli(), Uptime: s.Uptime.Milliseconds(),
		Members: []Member{}, Trunks: []Trunk{}, Services: []Service{}, Sessions: append([]Session{}, f.Sessions...), Interfaces: []Listener{}, Alarms: []Alarm{}, Proofs: []Proof{},
		Handovers: append([]Handover{}, f.Handovers...),
	}
	for _, t := range s.ETrunks {
		d.Trunks = append(d.Trunks, trunk(&t))
		for _, p := range t.Proofs {
			d.Proofs = append(d.Proofs, Proof{t.ID, p.Object, p.Kind, p.Verdict.String(), s.At.Add(-p.For).UnixMilli(), p.Reason})
		}
		for _, m := range t.Members {
			d.Members = append(d.Members, member(t.ID, &m))
		}
	}
	for _, r := range s.Services {
		lag := r.Lag.Milliseconds()
		d.Services = append(d.Services, Service{r.Name, r.TCP.String(), r.InSync, r.LagRecords, lag, r.LastError})
		d.Totals.LagRecords += r.LagRecords
		d.Totals.Lag = max(d.Totals.Lag, lag)
	}
	d.interfaces(s)
	d.Totals.Entries, d.Totals.Orphans = s.Forwarding.Total, s.Gate.Orphans
	for _, a := range f.Alarms {
		d.Alarms = append(d.Alarms, Alarm{a.Name, string(a.Severity), a.Object, a.Detail, a.Text, a.Since.UnixMilli()})
	}
	d.Alone, d.Sees = objections(s.Alone()), objections(s.PeerAlone())
	return d
}

func trunk(t *state.ETrunk) Trunk {
	out := Trunk{ID: t.ID, Role: t.Role.String(), Reason: t.Reason.String(), Priority: t.Priority, Peer: t.Peer.String(),
		PeerAlive: t.PeerAlive, BFD: t.BFDSession, Differences: []string{}}
	for _, differs := range t.Differences {
		out.Differences = append(out.Differences, differs.String())
	}
	return out
}

func member(trunk uint32, m *state.Member) Member {
	return Member{Trunk: trunk, ID: m.ID, Remote: m.RemoteID, Up: m.Up, Mode: m.Mode.String(), Role: m.Role.String(), Reason: m.Reason.String(),
		Ready: m.Ready, NotReady: m.NotReady, Duty: m.Duty.String(), Why: m.DutyReason, Covers: m.Covers.String(), Querier: m.Querier}
}

func (d *Device) interfaces(s *state.Device) {
	if s.Upstream != nil {
		d.Upstream = &Interface{s.Upstream.Name, s.Upstream.Up}
	}
	for _, i := range s.Downstream {
		d.Interfaces = append(d.Interfaces, Listener{Interface{i.Name, i.Up}, i.Elected.String(), i.Groups, i.Records, i.Covers})
		d.Totals.Groups += i.Groups
		d.Totals.Records += i.Records
		d.Totals.Joins += i.Activity.Joins
		d.Totals.Leaves += i.Activity.Leaves
	}
}

// Encode encodes the summary for the peer. If it is longer than most bytes, it leaves out
// details.
func Encode(d Device, most int) []byte {
	b, err := json.Marshal(d)
	if err == nil && len(b) > most {
		d.Alarms, d.Sessions, d.Interfaces, d.Proofs = d.Alarms[:0], d.Sessions[:0], d.Interfaces[:0], d.Proofs[:0]
		b, err = json.Marshal(d)
	}
	if err != nil || len(b) > most {
		return []byte("{}")
	}
	return b
}

// Parse decodes the status of a peer. Lists are never nil.
func Parse(b []byte) (Device, error) {
	d := Of(Facts{})
	d.ID, d.Alone, d.Sees = "", nil, nil
	if err := json.Unmarshal(b, &d); err != nil {
		return Device{}, fmt.Errorf("status of the peer: %w", err)
	}
	if d.ID == "" || d.Members == nil || d.Trunks == nil || d.Services == nil || d.Sessions == nil || d.Interfaces == nil ||
		d.Alarms == nil || d.Handovers == nil {
		return Device{}, errors.New("status of the peer: it lacks its identity or a list")
	}
	return d, nil
}
