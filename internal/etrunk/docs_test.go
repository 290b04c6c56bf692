package etrunk

import (
	"slices"
	"testing"
	"time"

	"tandem/internal/golden"
	"tandem/internal/instant"
)

// These tests compare the tables of docs/protocol/etrunk.md with the code. For every
// possible state, the first matching row must say what the code does. A cell with a word
// that the tests do not recognise is a failure.

func page(t testing.TB) string { return golden.Read(t, "../../docs/protocol/etrunk.md") }

// docTable reads the first table of a section, without its heading.
func docTable(t *testing.T, section string) [][]string {
	t.Helper()
	tables := golden.Tables(golden.Section(t, page(t), "## "+section))
	if len(tables) == 0 {
		t.Fatalf("section %q has no table", section)
	}
	return tables[0][1:]
}

// fits finds the first row whose conditions hold, and records that the row was used.
func fits(t *testing.T, rows [][]string, used map[int]bool, holds func(row []string) bool) []string {
	t.Helper()
	for i, row := range rows {
		if holds(row) {
			used[i] = true
			return row
		}
	}
	t.Fatal("no row fits")
	return nil
}

func allUsed(t *testing.T, rows [][]string, used map[int]bool) {
	t.Helper()
	for i, row := range rows {
		if !used[i] {
			t.Errorf("no state fits the row %q", row)
		}
	}
}

// known returns the value of a cell's word.
func known[V any](t *testing.T, words map[string]V, cell string) V {
	t.Helper()
	v, ok := words[cell]
	if !ok {
		t.Fatalf("unknown cell %q", cell)
	}
	return v
}

func TestDocumentedElection(t *testing.T) {
	rows, used := docTable(t, "6. Device role"), map[int]bool{}
	situations := map[string]func(*Trunk) bool{
		"the peer has not been heard, nor waited for for our own fail time": func(u *Trunk) bool { return !u.kept.Peer.Alive && u.kept.Peer.Lost == ReasonInit },
		"silent for the fail time that it advertised":                       func(u *Trunk) bool { return !u.kept.Peer.Alive && u.kept.Peer.Lost == ReasonTimeout },
		"the bound BFD session went Down":                                   func(u *Trunk) bool { return !u.kept.Peer.Alive && u.kept.Peer.Lost == ReasonBFDDown },
		"alive, says PEER-LOST and Master":                                  func(u *Trunk) bool { return u.kept.Peer.Yielded },
		"alive, and better by priority, then system ID": func(u *Trunk) bool {
			h := u.kept.Peer.Hello
			return h.Priority < u.cfg.Priority || h.Priority == u.cfg.Priority && slices.Compare(h.SystemID[:], u.cfg.SystemID[:]) < 0
		},
		"alive, and worse or equal": func(*Trunk) bool { return true },
	}
	for n := range 2 * 2 * 3 * 3 * 3 * 3 {
		pick := func(of int) int { v := n % of; n /= of; return v }
		u := &Trunk{kept: TrunkKept{Role: DeviceRole(pick(3)), Reason: ReasonPriority}}
		u.cfg.Priority, u.cfg.SystemID = 100, SystemID{5: 5}
		u.kept.Peer.Alive, u.kept.Peer.Heard = pick(2) == 1, true
		u.kept.Peer.Yielded = u.kept.Peer.Alive && pick(2) == 1
		u.kept.Peer.Hello.Priority, u.kept.Peer.Hello.SystemID = uint8(99+pick(3)), SystemID{5: byte(4 + pick(3))}
		if !u.kept.Peer.Alive {
			u.kept.Peer.Lost = []DeviceReason{ReasonInit, ReasonTimeout, ReasonBFDDown}[pick(3)]
		}
		row := fits(t, rows, used, func(row []string) bool { return known(t, situations, row[0])(u) })
		role, reason := u.election()
		if row[1] == "unchanged" && (role != u.kept.Role || reason != u.kept.Reason) ||
			row[1] != "unchanged" && (role.String() != row[1] || reason.String() != row[2]) {
			t.Errorf("%v %v, the table says %q", role, reason, row)
		}
	}
	allUsed(t, rows, used)
}

func TestDocumentedMemberRoles(t *testing.T) {
	rows, used := docTable(t, "7. Member role"), map[int]bool{}
	type world struct {
		u *Trunk
		m *member
		p *HelloMember // nil: the member is missing
	}
	up := func(w world) bool { return w.p != nil && w.p.Up }
	conditions := map[string]func(world) bool{
		"any":                       func(world) bool { return true },
		"auto, and ours is held":    func(w world) bool { return w.p != nil && w.p.Mode == Auto && w.m.Revert.Held },
		"unknown, or up and Master": func(w world) bool { return w.p == nil || w.p.Up && w.p.Role == MemberMaster },
		"down or Backup":            func(w world) bool { return !w.p.Up || w.p.Role == MemberBackup },
		"missing, down, force-backup, or held": func(w world) bool {
			return !up(w) || w.p.Mode == ForceBackup || w.p.Held
		},
		"up and not ready, its device is Master, while ours serves": func(w world) bool {
			return up(w) && !w.p.Ready && w.u.kept.Peer.Hello.Role == DeviceMaster && w.m.serves()
		},
		"up, and its device is Master":                         func(w world) bool { return up(w) && w.u.kept.Peer.Hello.Role == DeviceMaster },
		"up, its device is not Master yet, and ours is Master": func(w world) bool { return w.m.Local.Role == MemberMaster },
		"up, its device is not Master yet, and ours is Backup": func(w world) bool { return w.m.Local.Role == MemberBackup },
	}
	for n := range 3 * 3 * 2 * 2 * 2 * 2 * 2 * 3 * 2 * 2 * 2 * 2 * 2 {
		pick := func(of int) int { v := n % of; n /= of; return v }
		w := world{u: &Trunk{kept: TrunkKept{Role: DeviceRole(pick(3))}}, m: &member{}}
		w.u.cfg.Priority, w.u.cfg.RevertDelay = 100, time.Minute
		w.m.ID, w.m.Mode = 10, MemberMode(pick(3))
		w.m.Local = Announcement{Role: MemberRole(pick(2)), Up: pick(2) == 1, Ready: pick(2) == 1}
		w.m.Reason, w.m.Revert.Served = ReasonETrunkMaster, true
		w.u.members = []*member{w.m}
		w.u.kept.Peer.Alive, w.u.kept.Peer.Hello.Priority = true, 99+uint8(2*pick(2))
		w.u.kept.Peer.Hello.Role = DeviceMaster
		if pick(2) == 1 {
			w.u.kept.Peer.Hello.Role = DeviceBackup
		}
		p := HelloMember{ID: 10, Remote: 10, Mode: MemberMode(pick(3)), Held: pick(2) == 1}
		p.Up, p.Ready, p.Role = pick(2) == 1, pick(2) == 1, MemberRole(pick(2))
		w.u.kept.Peer.Hello.Members = []HelloMember{p}
		w.p = &w.u.kept.Peer.Hello.Members[0]
		missing := *w.m
		for _, there := range []bool{true, false} {
			if !there {
				*w.m = missing
				w.u.kept.Peer.Hello.Members, w.p = nil, nil
			}
			was := w.m.Reason
			role, reason := w.u.memberRole(instant.FromOrigin(time.Hour), w.m) // this call also decides whether the member is held
			row := fits(t, rows, used, func(row []string) bool {
				return (row[0] == "any" || row[0] == w.m.Mode.String()) && (row[1] == "any" || row[1] == w.u.kept.Role.String()) && known(t, conditions, row[2])(w)
			})
			wantReason := row[4]
			if wantReason == "unchanged" {
				wantReason = was.String()
			}
			if role.String() != row[3] || reason.String() != wantReason {
				t.Errorf("%s on %s, peer's %+v: %v %v, the table says %q", w.m.Mode, w.u.kept.Role, w.p, role, reason, row)
			}
		}
	}
	allUsed(t, rows, used)
}

func TestDocumentedDuty(t *testing.T) {
	rows, used := docTable(t, "8. Duty"), map[int]bool{}
	own := map[string]func(Announcement) bool{
		"Backup":            func(a Announcement) bool { return a.Role == MemberBackup },
		"Master":            func(a Announcement) bool { return a.Role == MemberMaster },
		"Master, ready":     func(a Announcement) bool { return a.Role == MemberMaster && a.Ready },
		"Master, not ready": func(a Announcement) bool { return a.Role == MemberMaster && !a.Ready },
	}
	peer := map[string]func(a Announcement, known bool) bool{
		"any":                                func(Announcement, bool) bool { return true },
		"unknown, lost, down or Backup":      func(a Announcement, known bool) bool { return !known || !a.Up || a.Role == MemberBackup },
		"Master, ready":                      func(a Announcement, known bool) bool { return a.Ready },
		"Master, not ready":                  func(a Announcement, known bool) bool { return !a.Ready },
		"Master, ready, covers both buckets": func(a Announcement, known bool) bool { return a.Ready && a.Covers == AllBuckets },
		"Master, otherwise":                  func(Announcement, bool) bool { return true },
	}
	targets := map[string]func(preferred bool) Buckets{
		"none": func(bool) Buckets { return NoBuckets },
		"all":  func(bool) Buckets { return AllBuckets },
		"bucket 0 if preferred, else bucket 1": func(preferred bool) Buckets {
			if preferred {
				return Bucket0
			}
			return Bucket1
		},
	}
	for n := range 2 * 2 * 2 * 2 * 2 * 2 * 4 * 2 * 2 {
		pick := func(of int) int { v := n % of; n /= of; return v }
		local := Announcement{Up: pick(2) == 1, Role: MemberRole(pick(2)), Ready: pick(2) == 1}
		other := Announcement{Up: pick(2) == 1, Role: MemberRole(pick(2)), Ready: pick(2) == 1, Covers: Buckets(pick(4))}
		alive, preferred := pick(2) == 1, pick(2) == 1
		row := fits(t, rows, used, func(row []string) bool {
			return known(t, own, row[0])(local) && known(t, peer, row[1])(other, alive)
		})
		if got, want := Target(local, other, alive, preferred), known(t, targets, row[2])(preferred); got != want {
			t.Errorf("own %+v, peer %+v known %v, preferred %v: %v, the table says %q", local, other, alive, preferred, got, row)
		}
	}
	allUsed(t, rows, used)
}
