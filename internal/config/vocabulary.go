package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"tandem/internal/command"
)

// Vocabulary returns the parameter types and the help of the configuration commands. A
// console adds its own.
func Vocabulary() command.Vocabulary {
	return command.Vocabulary{
		Types: map[string]command.Type{
			interfaceType.Name: interfaceType,
			"unicast":          command.OneWord("unicast", "X:X::X:X", parseUnicast),
			"host":             command.OneWord("host", "X:X::X:X", parseHost),
			"host-prefix":      command.OneWord("host-prefix", "X:X::X:X/M", parseHostPrefix),
			"unicast-mac":      command.OneWord("unicast-mac", "H-H-H", parseUnicastMAC),
			"global":           command.OneWord("global", "X:X::X:X", parseGlobal),
			"any-address":      command.OneWord("any-address", "X:X::X:X or X.X.X.X", parseListen),
			"group":            command.OneWord("group", "FFxx::X:X", parseGroup),
			"multicast":        command.OneWord("multicast", "FFxx::X:X", parseMulticast),
			"group-range":      command.OneWord("group-range", "FFxx::X:X/M", parseGroupRange),
			"file":             command.OneWord("file", "/PATH", parseFile),
			"secret":           secretType("secret", maxKey, func(s string) any { return newSecret(s) }),
			"cipher-text":      secretType("cipher-text", maxCipherText, func(s string) any { return cipherText{s} }),
			"public-key":       publicKeyType,
			"acl-name":         command.OneWord("acl-name", "STRING<1-32>", parseACLName),
			"vpn":              command.OneWord("vpn", "STRING<1-15>", parseVPN),
		},
		Help: maps.Clone(help),
	}
}

func parseUnicast(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil || !a.Is6() || a.Is4In6() || a.Zone() != "":
		return netip.Addr{}, fmt.Errorf("%q is not an IPv6 address", s)
	case a.IsMulticast() || a.IsUnspecified() || a.IsLoopback():
		return netip.Addr{}, fmt.Errorf("%v is not the unicast address of a device", a)
	}
	return a, nil
}

// parseHost reads an address that an interface can have.
func parseHost(s string) (netip.Addr, error) {
	a, err := command.ParseIPv6(s)
	if err == nil && (a.IsMulticast() || a.IsUnspecified() || a.IsLoopback()) {
		err = fmt.Errorf("%v is not an address that an interface can have", a)
	}
	return a, err
}

func parseHostPrefix(s string) (netip.Prefix, error) {
	p, err := command.ParsePrefix(s)
	if err == nil && p.Bits() == 0 {
		return p, fmt.Errorf("%v has no prefix", p)
	}
	if err == nil {
		_, err = parseHost(p.Addr().String())
	}
	return p, err
}

func parseUnicastMAC(s string) (MAC, error) {
	b, err := command.ParseMAC(s)
	if err == nil {
		err = checkUnicast(MAC(b))
	}
	return MAC(b), err
}

// parseGlobal reads an address that does not depend on an interface.
func parseGlobal(s string) (netip.Addr, error) {
	a, err := parseUnicast(s)
	if err == nil && a.IsLinkLocalUnicast() {
		return netip.Addr{}, fmt.Errorf("%v is link-local; a global address is wanted", a)
	}
	return a, err
}

// parseListen reads an address to listen on, IPv6 or IPv4.
func parseListen(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return netip.Addr{}, fmt.Errorf("%q is not an IP address", s)
	}
	if a.IsMulticast() {
		return netip.Addr{}, fmt.Errorf("%v is a multicast address", a)
	}
	return a, nil
}

func parseMulticast(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() || a.Zone() != "" || !a.IsMulticast() {
		return netip.Addr{}, fmt.Errorf("%q is not an IPv6 multicast address", s)
	}
	return a, nil
}

// parseGroup reads a group that can be routed between links (RFC 4291, section 2.7).
func parseGroup(s string) (netip.Addr, error) {
	a, err := parseMulticast(s)
	if err == nil && a.As16()[1]&0x0f <= 2 {
		return netip.Addr{}, fmt.Errorf("%v does not leave its link", a)
	}
	return a, err
}

func parseGroupRange(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is6() || !p.Addr().IsMulticast() || p.Bits() < 8 {
		return netip.Prefix{}, fmt.Errorf("%q is not a range of IPv6 multicast addresses", s)
	}
	return p.Masked(), nil
}

// known lists the names of objects, for error messages.
func known[V any](objects map[string]*V) string {
	if len(objects) == 0 {
		return "none is configured"
	}
	return "known: " + strings.Join(slices.Sorted(maps.Keys(objects)), ", ")
}

// help describes keywords with which several commands begin, and parameters.
var help = map[string]string{
	"acl":                    "Access list",
	"acl6-name":              "Access list with a name",
	"address":                "Address with its prefix length",
	"advance":                "About sources and destinations",
	"any":                    "Every address",
	"auto":                   "Follow the role of the device; of BFD, find out the discriminators",
	"basic":                  "About one address; the group, where MLD uses it",
	"bfd":                    "BFD, fast detection of a lost peer",
	"bfd-session":            "BFD session",
	"bind":                   "Bind the session to its two ends",
	"cipher":                 "Key in cipher text, or in plain text to be stored as such",
	"delay":                  "Wait before giving back",
	"deny":                   "Deny",
	"description":            "Describe this for people",
	"destination":            "Where packets go; the group, where MLD uses it",
	"disable":                "Disable",
	"discriminator":          "Number that tells BFD sessions apart",
	"e-trunk":                "E-Trunk, an Eth-Trunk across two devices",
	"enable":                 "Enable",
	"enhanced-hmac-sha256":   "HMAC-SHA256 with a derived key",
	"eth-trunk":              "Eth-Trunk",
	"except":                 "But for what an access list permits",
	"force-backup":           "Backup whatever the device is",
	"force-master":           "Master whatever the device is",
	"group-policy":           "What an access list permits",
	"host-limit":             "Bound on what one host can hold",
	"hmac-sha256":            "HMAC-SHA256",
	"http":                   "Web page and metrics",
	"interface":              "Interface",
	"ip":                     "IP",
	"binding":                "Belong to",
	"vpn-instance":           "VPN instance",
	"ip-source-policy":       "Whom an access list permits, by link-local address",
	"ipv6":                   "IPv6",
	"lacp":                   "LACP",
	"lacp-static":            "LACP with configured members",
	"local":                  "Of this end",
	"manual":                 "No protocol",
	"mld":                    "Multicast Listener Discovery",
	"mode":                   "Work mode",
	"multicast":              "Multicast",
	"multiplier":             "How many losses count as a failure",
	"name":                   "Name",
	"number":                 "Number",
	"peer-ipv6":              "Address of the peer",
	"permit":                 "Permit",
	"port":                   "Port",
	"priority":               "Priority",
	"remote":                 "Of the other end",
	"remote-backup-profile":  "Remote backup profile",
	"remote-backup-service":  "Remote backup service",
	"remote-eth-trunk":       "The peer's Eth-Trunk, when its number is another",
	"revert":                 "Giving the role back",
	"rule":                   "Rule",
	"server":                 "Server",
	"session-name":           "Name of a BFD session",
	"simple":                 "Key in plain text",
	"source":                 "Where packets come from",
	"source-ipv6":            "Address of this device",
	"timer":                  "Timer",
	"transport":              "How the connection is protected",
	"plaintext":              "Not at all",
	"track":                  "Follow the state of something else",
	"track-interface":        "Interface that the session follows",
	"authentication-retries": "How many keys may be tried",
	"authorized-keys-file":   "File of keys",
	"idle-timeout":           "When an idle session ends",
	"level":                  "What the user may do",
	"public-key":             "Key",
	"ssh":                    "SSH",
	"timeout":                "How long a login may take",
	"user":                   "User of the console over SSH",
	"<keys-file>":            "Absolute path of a file like OpenSSH's authorized_keys",
	"<level>":                "1 to look, 2 for everything",
	"<public-key>":           "Type and base64, as in authorized_keys",
	"<retries>":              "Number of keys",
	"<user>":                 "Name of the user",
	"ssl":                    "SSL policies",
	"ssl-policy":             "SSL policy",
	"policy":                 "SSL policy",
	"load":                   "Load from files",
	"trusted-ca":             "Authority whose certificates are believed",
	"certificate":            "Certificate of this device",
	"pem-ca":                 "File in PEM format",
	"pem-cert":               "File in PEM format",
	"key-file":               "Private key",
	"<policy>":               "Name of the policy",
	"<ca-file>":              "Absolute path",
	"<certificate-file>":     "Absolute path",
	"<key-file>":             "Absolute path of a file in PEM format",
	"undo":                   "Undo a command",
	"<acl-name>":             "Name of an access list, a letter first",
	"<acl>":                  "Number: 2000..2999 for a basic access list, 3000..3999 for an advanced one",
	"<address>":              "IPv6 address",
	"<backup-id>":            "The same on both devices, used once on a service",
	"<cipher-key>":           "Key",
	"<class>":                "Precedence",
	"<count>":                "Number of messages",
	"<destination-address>":  "Address",
	"<destination-length>":   "Prefix length",
	"<destination-prefix>":   "IPv6 address and prefix length",
	"<discriminator>":        "Discriminator",
	"<e-trunk-id>":           "Number of the E-Trunk, the same on both devices",
	"<eth-trunk-id>":         "Number of the Eth-Trunk",
	"<group-address>":        "Multicast address",
	"<group-range>":          "Multicast address and prefix length",
	"<group>":                "Group address",
	"<hello>":                "Time in 100 ms",
	"<interface>":            "Type and number, or a Linux name",
	"<key>":                  "Key, the same on both devices",
	"<length>":               "Prefix length",
	"<listen>":               "Address of the device, :: for all",
	"<limit>":                "Number of groups and sources",
	"<mac>":                  "MAC address",
	"<milliseconds>":         "Time in milliseconds",
	"<minutes>":              "Time in minutes",
	"<multiplier>":           "Number of losses",
	"<name>":                 "Name",
	"<peer>":                 "Address of the peer",
	"<port>":                 "Port, the same on both devices",
	"<prefix>":               "IPv6 address and prefix length",
	"<priority>":             "Priority",
	"<profile>":              "Name of the remote backup profile",
	"<records>":              "Number of records, one for each host of a group",
	"<entries>":              "Number of groups and sources",
	"<vlan>":                 "VLAN, as in the tags of its frames",
	"<vpn>":                  "Name of the VPN instance",
	"<remote-eth-trunk-id>":  "Number of the peer's Eth-Trunk",
	"<rule-id>":              "Number of the rule; without it the device gives the next one",
	"<seconds>":              "Time in seconds",
	"<service>":              "Name of the remote backup service",
	"<session>":              "Name of the BFD session",
	"<source-address>":       "Address of a source",
	"<source-length>":        "Prefix length",
	"<source-prefix>":        "IPv6 address and prefix length",
	"<source>":               "Address of this device",
	"<text>":                 "Text to the end of the line",
	"<track>":                "Type and number, or a Linux name",
	"<version>":              "MLD version",
}
