package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tandem/internal/command"
)

// InterfaceName is the name of an interface in canonical form: Eth-Trunk10; Eth-Trunk10.100
// for a sub-interface; a Linux name as typed; or a name with slashes such as
// GigabitEthernet0/1/0, which is the alias of a Linux interface.
type InterfaceName string

const (
	ethTrunkType    = "Eth-Trunk"
	maxEthTrunk     = 1023
	maxSubInterface = 4094
	maxNetdev       = 15 // IFNAMSIZ without the final zero
	maxAlias        = 64
)

// knownTypes are the interface types that need a number. In names with slashes, their upper
// and lower case is corrected.
var knownTypes = []string{ethTrunkType, "GigabitEthernet", "XGigabitEthernet", "10GE", "25GE", "40GE", "50GE",
	"100GE", "200GE", "400GE", "LoopBack", "Vlanif"}

var (
	ethTrunkForm  = regexp.MustCompile(`^(?i:eth-(?:t|tr|tru|trun|trunk))(\d+)(?:\.(\d+))?$`)
	interfaceForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/@-]*$`)
)

// EthTrunkName returns the name of Eth-Trunk n.
func EthTrunkName(n uint32) InterfaceName { return InterfaceName(ethTrunkType + strconv.Itoa(int(n))) }

// EthTrunk returns the number of an Eth-Trunk. It returns ok false for any other interface,
// also for a sub-interface of an Eth-Trunk.
func (n InterfaceName) EthTrunk() (number uint32, ok bool) {
	number, sub, ok := n.OnEthTrunk()
	return number, ok && sub == 0
}

// OnEthTrunk is for an Eth-Trunk and its sub-interfaces. It returns the numbers of the
// trunk and of the sub-interface, which is 0 for the trunk itself.
func (n InterfaceName) OnEthTrunk() (number, sub uint32, ok bool) {
	digits, found := strings.CutPrefix(string(n), ethTrunkType)
	trunk, after, _ := strings.Cut(digits, ".")
	v, err := strconv.ParseUint(trunk, 10, 32)
	if !found || err != nil {
		return 0, 0, false
	}
	s, err := strconv.ParseUint("0"+after, 10, 32)
	return uint32(v), uint32(s), err == nil
}

// HasSlash reports whether the name is the alias of a Linux interface.
func (n InterfaceName) HasSlash() bool { return strings.Contains(string(n), "/") }

// Netdev returns the Linux name: eth-trunk10 for Eth-Trunk10, and any other name unchanged.
// A name with a slash (see HasSlash) is an alias and not a Linux name.
func (n InterfaceName) Netdev() string {
	if digits, ok := strings.CutPrefix(string(n), ethTrunkType); ok {
		return strings.ToLower(ethTrunkType) + digits
	}
	return string(n)
}

// parseInterfaceName reads a name from one word, or a type and a number from two words. It
// returns how many words it has used. The error is command.ErrIncomplete if the number is
// missing.
func parseInterfaceName(words []string) (name InterfaceName, taken int, err error) {
	first, taken := words[0], 1
	kind := typeName(first)
	if kind != "" && len(words) == 1 {
		return "", 0, command.ErrIncomplete
	}
	if len(words) > 1 && !endsInDigit(first) && startsWithDigit(words[1]) {
		if kind == ethTrunkType {
			first = kind
		}
		first, taken = first+words[1], 2
	} else if kind != "" {
		return "", 0, command.AtWord(1, fmt.Errorf("%s wants a number", kind))
	}
	if name, err = canonical(first); err != nil {
		return "", 0, command.AtWord(taken-1, err)
	}
	return name, taken, nil
}

// typeName returns the interface type that a word denotes, in upper or lower case. It
// accepts abbreviations of eth-trunk. It returns an empty string if the word denotes no
// type.
func typeName(word string) string {
	if len(word) > len("eth-") && strings.HasPrefix(strings.ToLower(ethTrunkType), strings.ToLower(word)) {
		return ethTrunkType
	}
	for _, t := range knownTypes {
		if strings.EqualFold(t, word) {
			return t
		}
	}
	return ""
}

func canonical(name string) (InterfaceName, error) {
	if m := ethTrunkForm.FindStringSubmatch(name); m != nil {
		return ethTrunk(m[1], m[2])
	}
	switch {
	case !interfaceForm.MatchString(name):
		return "", fmt.Errorf("%q is not an interface name", name)
	case strings.HasPrefix(strings.ToLower(name), "eth-trunk"):
		return "", fmt.Errorf("%q is not an Eth-Trunk such as Eth-Trunk10 or Eth-Trunk10.100", name)
	}
	limit := maxNetdev
	if strings.Contains(name, "/") { // the kernel does not interpret an alias
		limit = maxAlias
		for _, t := range knownTypes {
			if len(name) > len(t) && strings.EqualFold(name[:len(t)], t) && startsWithDigit(name[len(t):]) {
				name = t + name[len(t):]
			}
		}
	}
	if len(name) > limit {
		return "", fmt.Errorf("%q has more than %d characters", name, limit)
	}
	return InterfaceName(name), nil
}

func ethTrunk(trunk, sub string) (InterfaceName, error) {
	n, err := strconv.ParseUint(trunk, 10, 32)
	if err != nil || n > maxEthTrunk {
		return "", fmt.Errorf("an Eth-Trunk has a number in 0..%d", maxEthTrunk)
	}
	name := EthTrunkName(uint32(n))
	if sub == "" {
		return name, nil
	}
	s, err := strconv.ParseUint(sub, 10, 32)
	if err != nil || s < 1 || s > maxSubInterface {
		return "", fmt.Errorf("a sub-interface has a number in 1..%d", maxSubInterface)
	}
	name += InterfaceName("." + strconv.FormatUint(s, 10))
	if len(name) > maxNetdev {
		return "", fmt.Errorf("%s is longer than a Linux name, %d characters", name, maxNetdev)
	}
	return name, nil
}

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
func endsInDigit(s string) bool     { return s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' }

// interfaceType is the parameter type of interface names.
var interfaceType = command.Type{Name: "interface", Show: "INTERFACE", Parse: func(words []string) (any, int, error) {
	name, taken, err := parseInterfaceName(words)
	return name, taken, err
}}

// MAC is an Ethernet address. The zero MAC means that none is configured.
type MAC [6]byte

// String returns the address in VRP's form, 00e0-fc12-3456.
func (m MAC) String() string { return fmt.Sprintf("%x-%x-%x", m[:2], m[2:4], m[4:]) }

// checkUnicast refuses an address that cannot belong to a single device.
func checkUnicast(m MAC) error {
	if m == (MAC{}) || m[0]&1 != 0 {
		return errors.New("the MAC address must be a unicast address")
	}
	return nil
}
