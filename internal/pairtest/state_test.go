package pairtest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// The JSON of the displays that the tests use.
type (
	trunkFacts struct {
		State     string `json:"state"`
		Cause     string `json:"causation"`
		PeerAlive bool   `json:"peer-alive"`
		Received  uint64 `json:"receive"`
		Dropped   uint64 `json:"receive-dropped"`
		BadDigest uint64 `json:"bad-digest"`
		WrongAddr uint64 `json:"wrong-address"`
		Duties    []struct {
			Duty   string `json:"duty"`
			Ready  bool   `json:"ready"`
			Covers string `json:"covers"`
		} `json:"duties"`
	}
	serviceFacts struct {
		TCP        string `json:"tcp-state"`
		InSync     bool   `json:"in-sync"`
		LastError  string `json:"last-error"`
		Refused    uint64 `json:"refused-address"`
		ListenFail uint64 `json:"listen-failed"`
		Full       int    `json:"full-syncs"`
		FullSent   int    `json:"last-full-sync-sent"`
		FullGot    int    `json:"last-full-sync-received"`
		Equal      bool   `json:"digests-equal"`
	}
	profileFacts struct {
		Records int    `json:"records"`
		Digest  string `json:"digest"`
		Ready   bool   `json:"ready"`
		Reason  string `json:"not-ready-reason"`
	}
	entryFacts struct {
		Group    netip.Addr `json:"group"`
		Incoming string     `json:"incoming-interface"`
		Outgoing []struct {
			Interface string `json:"interface"`
			Sends     bool   `json:"sends"`
		} `json:"outgoing-interfaces"`
	}
)

func (d *device) trunk() (trunkFacts, error) {
	f, err := facts[trunkFacts](d, "e-trunk 1", "e-trunks")
	if err == nil && len(f.Duties) != 1 {
		err = fmt.Errorf("device %s has %d members", d.name, len(f.Duties))
	}
	return f, err
}

func (d *device) service() (serviceFacts, error) {
	return facts[serviceFacts](d, "remote-backup-service rbs1 verbose", "services")
}

func (d *device) profile() (profileFacts, error) {
	return facts[profileFacts](d, "remote-backup-profile rbp1", "profiles")
}

type gateFacts struct {
	Repairs    uint64 `json:"repairs"`
	OnlyFirst  uint64 `json:"dropped-bucket-0-only"`
	OnlySecond uint64 `json:"dropped-bucket-1-only"`
}

func (d *device) gate() (f gateFacts, err error) {
	return f, d.display("multicast ipv6 gate", &f)
}

func (d *device) entries() ([]entryFacts, error) {
	var table struct {
		Entries []entryFacts `json:"entries"`
	}
	err := d.display("multicast ipv6 forwarding-table", &table)
	return table.Entries, err
}

// shares returns an error if a device does not share the sending with its peer.
func (d *device) shares() error {
	t, err := d.trunk()
	if err != nil {
		return err
	}
	s, err := d.service()
	if err != nil {
		return err
	}
	p, err := d.profile()
	if err != nil {
		return err
	}
	switch {
	case !t.PeerAlive:
		return fmt.Errorf("device %s does not hear its peer", d.name)
	case s.TCP != "Connected" || !s.InSync:
		return fmt.Errorf("backup service of device %s is %s, in sync %v, last error %q", d.name, s.TCP, s.InSync, s.LastError)
	case t.Duties[0].Duty != "shared" || t.Duties[0].Covers == "all":
		return fmt.Errorf("duty of device %s is %s, covers %s, ready %v (%s)", d.name, t.Duties[0].Duty, t.Duties[0].Covers, p.Ready, p.Reason)
	}
	return nil
}

// sole returns an error if a device does not send everything.
func (d *device) sole() error {
	t, err := d.trunk()
	if err == nil && (t.Duties[0].Duty != "sole" || t.Duties[0].Covers != "all") {
		err = fmt.Errorf("duty of device %s is %s, covers %s", d.name, t.Duties[0].Duty, t.Duties[0].Covers)
	}
	return err
}

// forms waits until both devices share the sending and hold the same database with a number of
// records.
func (p *pair) forms(records int) {
	p.t.Helper()
	eventually(p.t, "the pair forms", func() error {
		for _, d := range []*device{p.a, p.b} {
			if err := d.shares(); err != nil {
				return err
			}
		}
		return p.equal(records)
	})
}

// equal returns an error if the displays show that the two databases differ.
func (p *pair) equal(records int) error {
	a, err := p.a.profile()
	if err != nil {
		return err
	}
	b, err := p.b.profile()
	if err != nil {
		return err
	}
	if a.Records != b.Records || a.Digest != b.Digest || a.Records != records {
		return fmt.Errorf("%d records with digest %s on a, %d with %s on b, want %d", a.Records, a.Digest, b.Records, b.Digest, records)
	}
	return nil
}

// start starts both devices with the procedure and waits until they form a pair.
func (p *pair) start() {
	p.t.Helper()
	p.a.start(configuration("a")...)
	p.b.start(configuration("b")...)
	p.forms(0)
}

// configuration returns the configuration of a device of a pair: the procedure, and the
// settings for sharing.
func configuration(device string) []string {
	return append(routing(), procedure(device)...)
}

// routing returns the lines that replication and switchover need besides the procedure.
func routing() []string {
	return []string{
		"system-view",
		"multicast ipv6 routing-enable",
		"interface up0", "mld proxy", "quit",
		"interface eth-trunk 10", "mld enable", "quit",
		"commit",
	}
}

// procedure returns the operator's procedure, in its order and with its lines as written. Its
// timers suit a test.
func procedure(device string) []string {
	return strings.Split(strings.TrimSpace(ofDevice(device).Replace(procedureText)), "\n")
}

// ofDevice replaces, in a text, what differs between the devices.
func ofDevice(device string) *strings.Replacer {
	peer := map[string]string{"a": "b", "b": "a"}[device]
	return strings.NewReplacer(
		"LOCAL", addr("c", device).String(), "PEER", addr("c", peer).String(),
		"PRIORITY", map[string]string{"a": "10", "b": "20"}[device],
		"MINE", map[string]string{"a": "1", "b": "2"}[device],
		"THEIRS", map[string]string{"a": "2", "b": "1"}[device],
		"PATIENCE", patience,
	)
}

// In the procedure the timers and the detection time are optional; here they are set.
const procedureText = `
system-view
remote-backup-service rbs1
peer-ipv6 PEER source-ipv6 LOCAL port 7000
quit
remote-backup-profile rbp1
backup-id 10 remote-backup-service rbs1
peer-backup hot
quit
remote-backup-profile rbp1
e-trunk 1 eth-trunk 10
quit
e-trunk 1
priority PRIORITY
security-key simple Pair-Test-1
timer hello 5
timer hold-on-failure multiplier 6
timer revert delay 0
peer-ipv6 PEER source-ipv6 LOCAL
commit
system-view
interface eth-trunk 10
e-trunk mode force-master
quit
bfd
quit
bfd core bind peer-ipv6 PEER source-ipv6 LOCAL track-interface interface core0
discriminator local MINE
discriminator remote THEIRS
min-tx-interval 100
min-rx-interval 100
detect-multiplier PATIENCE
quit
e-trunk 1
e-trunk track bfd-session
quit
commit
system-view
remote-backup-profile rbp1
service-type mld
quit
interface eth-trunk 10
remote-backup-profile rbp1
quit
commit
return`

// kernelFile reads a file of the kernel about a device's namespace.
func (d *device) kernelFile(path string) string {
	d.t.Helper()
	var text []byte
	d.In(d.t, func() (err error) {
		text, err = readThreadNet(path)
		return err
	})
	return string(text)
}

// readThreadNet reads a file about the calling thread's network namespace. /proc/net would show
// that of the process.
func readThreadNet(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join("/proc/thread-self/net", name))
}
