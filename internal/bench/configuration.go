package bench

import "strings"

// configuration returns the configuration of a device of the pair: active-active, with
// replication, E-Trunk and BFD over the cable between the two. The additional lines are run
// in the system view.
func configuration(device string, lines []string) string {
	text := common
	if device == deviceB {
		text = strings.NewReplacer("::a", "::b", "::b", "::a", "priority 10", "priority 20",
			"local 1", "local 2", "remote 2", "remote 1").Replace(common)
	}
	return text + strings.Join(append(lines, "commit", ""), "\n")
}

// A host of the bench joins more groups than any set-top box: the bound on the groups of
// one host is lifted.
const common = `system-view
multicast ipv6 routing-enable
mld
host-limit 4194304
quit
interface core0
ipv6 enable
ipv6 address 2001:db8:c::a/64
quit
interface up0
ipv6 enable
ipv6 address 2001:db8:5::a/64
mld proxy
quit
bfd
quit
bfd core bind peer-ipv6 2001:db8:c::b source-ipv6 2001:db8:c::a track-interface interface core0
discriminator local 1
discriminator remote 2
quit
remote-backup-service rbs1
peer-ipv6 2001:db8:c::b source-ipv6 2001:db8:c::a port 7000
quit
remote-backup-profile rbp1
backup-id 10 remote-backup-service rbs1
peer-backup hot
e-trunk 1 eth-trunk 10
service-type mld
quit
e-trunk 1
priority 10
security-key simple Tandem-Bench-1
timer revert delay 1
peer-ipv6 2001:db8:c::b source-ipv6 2001:db8:c::a
e-trunk track bfd-session
quit
interface eth-trunk 10
ipv6 enable
ipv6 address 2001:db8:10::a/64
mld enable
e-trunk mode force-master
remote-backup-profile rbp1
quit
`
