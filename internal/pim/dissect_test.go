package pim

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"tandem/internal/golden"
	"tandem/internal/linux/testnet"
)

// TestDissected runs Wireshark's dissectors on the golden messages: none is malformed,
// there are no warnings, every checksum is right, and every field has the intended value.
func TestDissected(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("needs tshark")
	}
	var frames [][]byte
	for _, tc := range messages {
		frames = append(frames, onWire(golden.Hex(t, tc.hex)))
	}
	file := t.TempDir() + "/pim.pcap"
	testnet.Must(t, os.WriteFile(file, testnet.Pcap(frames), 0o600))
	args := []string{"-n", "-r", file, "-T", "fields", "-E", "separator=|", "-E", "aggregator=,"}
	for _, f := range []string{"_ws.malformed", "_ws.expert.message", "pim.version", "pim.type", "pim.cksum.status",
		"pim.holdtime", "pim.t", "pim.propagation_delay", "pim.override_interval", "pim.dr_priority", "pim.generation_id",
		"pim.address_list_ip6", "pim.upstream_neighbor_ip6", "pim.numgroups", "pim.group_ip6", "pim.source_ip6", "pim.join_ip6", "pim.prune_ip6",
		"pim.source_addr.flags.s", "pim.source_addr.flags.w", "pim.source_addr.flags.r", "pim.mask_len",
		"pim.rpt", "pim.metric_pref", "pim.metric", "pim.register_flag.border", "pim.register_flag.null_register",
		"pim.hash_mask_len", "pim.bsr_priority", "pim.bsr_ip6", "pim.rp_count", "pim.frp_count", "pim.rp_ip6", "pim.priority"} {
		args = append(args, "-e", f)
	}
	var complaints strings.Builder
	cmd := exec.Command(tshark, args...)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, complaints.String())
	}
	var told strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		fields := strings.Split(line, "|")
		for j, f := range fields {
			// Some releases of tshark print a value twice.
			fields[j] = strings.Join(slices.Compact(strings.Split(f, ",")), ",")
		}
		told.WriteString(strings.Join(fields, "|") + "\n")
		if fields[0] != "" || fields[1] != "" || fields[4] != "1" {
			t.Errorf("%s: malformed %q, complaint %q, checksum %q", messages[i].name, fields[0], fields[1], fields[4])
		}
	}
	golden.Check(t, "testdata/dissected.txt", told.String())
}

// onWire puts a message into an Ethernet frame between the two addresses.
func onWire(message []byte) []byte {
	f := []byte{0x33, 0x33, 0, 0, 0, 0xd, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x6c, 0, 0, 0}
	f = be.AppendUint16(f, uint16(len(message)))
	f = append(f, Protocol, 1)
	return append(appendAddr(appendAddr(f, wireFrom), wireTo), message...)
}
