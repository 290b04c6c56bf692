package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tandem/internal/command"
)

// InterfaceName is an interface's name in canonical form: Eth-Trunk10,
// Eth-Trunk10.100 for a sub-interface, else a Linux name as it was typed, or a
// name with slashes such as GigabitEthernet0/1/0, which Linux carries as an alias.
type InterfaceName string

const (
	ethTrunkType    = "Eth-Trunk"
	maxEthTrunk     = 1023
	maxSubInterface = 4094
	maxNetdev       = 15 // IFNAMSIZ without its end mark
	maxAlias        = 64
)

// knownTypes are the interface types that want a number. Their case is
// corrected in names with slashes.
var knownTypes = []string{ethTrunkType, "GigabitEthernet", "XGigabitEthernet", "10GE", "25GE", "40GE", "50GE",
	"100GE", "200GE", "400GE", "LoopBack", "Vlanif"}

var (
	ethTrunkForm  = regexp.MustCompile(`^(?i:eth-(?:t|tr|tru|trun|trunk))(\d+)(?:\.(\d+))?$`)
	interfaceForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/@-]*$`)
)

// EthTrunkName returns the name of Eth-Trunk n.
func EthTrunkName(n uint32) InterfaceName { return InterfaceName(ethTrunkType + strconv.Itoa(int(n))) }

// EthTrunk returns the number of an Eth-Trunk; ok is false for any other
// interface, sub-interfaces of an Eth-Trunk too.
func (n InterfaceName) EthTrunk() (number uint32, ok bool) {
	number, sub, ok := n.OnEthTrunk()
	return number, ok && sub == 0
}

// OnEthTrunk returns the number of the Eth-Trunk that an interface is or is a
// sub-interface of, and the sub-interface number, 0 for the trunk itself.
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

// HasSlash tells that Linux knows the interface by its alias.
func (n InterfaceName) HasSlash() bool { return strings.Contains(string(n), "/") }

// Netdev returns the Linux name: eth-trunk10 for Eth-Trunk10, any other name
// as it is. A name with a slash (see HasSlash) is an alias instead.
func (n InterfaceName) Netdev() string {
	if digits, ok := strings.CutPrefix(string(n), ethTrunkType); ok {
		return strings.ToLower(ethTrunkType) + digits
	}
	return string(n)
}

// parseInterfaceName reads a name in one word or, as a type and a number, in
// two, and returns how many it took. Its error is command.ErrIncomplete when
// the number is missing.
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

// typeName returns the interface type that a word is in any case, or an
// abbreviation of eth-trunk; empty when it is neither.
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
	if strings.Contains(name, "/") { // an alias, which Linux gives no meaning
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

// interfaceType is the parameter type of interface names, for command tables.
var interfaceType = command.Type{Name: "interface", Show: "INTERFACE", Parse: func(words []string) (any, int, error) {
	name, taken, err := parseInterfaceName(words)
	return name, taken, err
}}

// MAC is an Ethernet address. The zero MAC means that none is set.
type MAC [6]byte

// String returns the address in VRP's form, 00e0-fc12-3456.
func (m MAC) String() string { return fmt.Sprintf("%x-%x-%x", m[:2], m[2:4], m[4:]) }

// checkUnicast refuses what no single device can have as its address.
func checkUnicast(m MAC) error {
	if m == (MAC{}) || m[0]&1 != 0 {
		return errors.New("the MAC address must be a unicast address")
	}
	return nil
}
