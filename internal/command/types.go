package command

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrIncomplete is the error of a Type's Parse if it needs more words than there are.
var ErrIncomplete = errors.New("more is wanted")

// wordError is an error about one word of a parameter of several words.
type wordError struct {
	word int
	error
}

func (e *wordError) Unwrap() error { return e.error }

// AtWord adds to an error of a Type's Parse the index of the word that is wrong. The first word
// has the index 0.
func AtWord(word int, err error) error { return &wordError{word, err} }

// Type is a kind of parameter.
type Type struct {
	// Name is the name of the type in the grammar.
	Name string
	// Show is the form of the type in the help, such as INTEGER<1-254>.
	Show string
	// Secret says that values are hidden when a line is shown, see Match.Shown.
	Secret bool
	// Rest makes the parameter take the rest of the line as one word, as it was typed.
	Rest bool
	// Parse reads the parameter from the first words and returns how many words it took.
	Parse func(words []string) (value any, taken int, err error)
}

// OneWord makes a type from a parser of single words.
func OneWord[V any](name, show string, parse func(string) (V, error)) Type {
	return Type{Name: name, Show: show, Parse: func(words []string) (any, int, error) {
		v, err := parse(words[0])
		return v, 1, err
	}}
}

var (
	rangeType  = regexp.MustCompile(`^(\d+)\.\.(\d+)$`)
	lengthType = regexp.MustCompile(`^(string|line)\((\d+)\.\.(\d+)\)$`)
)

// typeByName finds a type among the given ones and those of this package.
func typeByName(name string, types map[string]Type) (Type, error) {
	if t, ok := types[name]; ok {
		return t, nil
	}
	if m := rangeType.FindStringSubmatch(name); m != nil {
		low, errLow := strconv.ParseUint(m[1], 10, 64)
		high, errHigh := strconv.ParseUint(m[2], 10, 64)
		return integer(name, low, high), errors.Join(errLow, errHigh)
	}
	if m := lengthType.FindStringSubmatch(name); m != nil {
		low, errLow := strconv.Atoi(m[2])
		high, errHigh := strconv.Atoi(m[3])
		return text(name, m[1] == "line", low, high), errors.Join(errLow, errHigh)
	}
	switch name {
	case "string", "line":
		return text(name, name == "line", 1, maxLine), nil
	case "ipv6":
		return OneWord(name, "X:X::X:X", ParseIPv6), nil
	case "prefix":
		return OneWord(name, "X:X::X:X/M", ParsePrefix), nil
	case "mac":
		return OneWord(name, "H-H-H", ParseMAC), nil
	}
	return Type{}, fmt.Errorf("no parameter type %q", name)
}

func integer(name string, low, high uint64) Type {
	return OneWord(name, fmt.Sprintf("INTEGER<%d-%d>", low, high), func(s string) (uint64, error) {
		v, err := strconv.ParseUint(s, 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return 0, fmt.Errorf("%q is not a number in %d..%d", s, low, high)
		}
		if err != nil || v < low || v > high {
			return 0, fmt.Errorf("%s is outside %d..%d", s, low, high)
		}
		return v, nil
	})
}

func text(name string, line bool, low, high int) Type {
	show := "STRING"
	if line {
		show = "TEXT"
	}
	t := OneWord(name, fmt.Sprintf("%s<%d-%d>", show, low, high), func(s string) (string, error) {
		n := utf8.RuneCountInString(s)
		if n < low || n > high {
			return "", fmt.Errorf("%d characters, not %d..%d", n, low, high)
		}
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", errors.New("it has characters that cannot be printed")
		}
		return s, nil
	})
	t.Rest = line
	return t
}

// ParseIPv6 reads an IPv6 address without a zone.
func ParseIPv6(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() || a.Is4In6() || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not an IPv6 address", s)
	}
	return a, nil
}

// ParsePrefix reads an IPv6 address with its prefix length.
func ParsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is6() || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is not an IPv6 address with a prefix length", s)
	}
	return p, nil
}

// ParseMAC reads an Ethernet address in VRP's form (00e0-fc12-3456) or in a usual one.
func ParseMAC(s string) ([6]byte, error) {
	var mac [6]byte
	hw, err := net.ParseMAC(strings.ReplaceAll(s, "-", "."))
	if err != nil {
		hw, err = net.ParseMAC(s)
	}
	if err != nil || len(hw) != len(mac) {
		return mac, fmt.Errorf("%q is not a MAC address such as 00e0-fc12-3456", s)
	}
	copy(mac[:], hw)
	return mac, nil
}

// Args holds the arguments of a line: the value of each parameter by its name, and the
// keywords that it contains.
type Args struct {
	list    []arg
	secrets []span // positions in the line
}

type span struct{ from, to int }

type arg struct {
	name  string
	value any
}

// with returns a list with one more argument. It does not change a, because several
// positions of a grammar share their first arguments.
func (a Args) with(name string, value any) Args {
	return Args{append(slices.Clip(a.list), arg{name, value}), a.secrets}
}

// hiding returns arguments in which the last one is marked as a secret.
func (a Args) hiding(words []word) Args {
	a.secrets = append(slices.Clip(a.secrets), span{words[0].pos, words[len(words)-1].end})
	return a
}

// Has reports whether the line contains the keyword or the parameter. It does not
// distinguish a keyword and a parameter of the same name.
func (a Args) Has(name string) bool {
	return slices.ContainsFunc(a.list, func(g arg) bool { return g.name == name })
}

// Get returns the value of a parameter, the zero V if the line does not contain it. V
// must be the type of the parameter's declaration.
func Get[V any](a Args, name string) V {
	for _, g := range a.list {
		if g.name == name && g.value != nil {
			return g.value.(V)
		}
	}
	var zero V
	return zero
}

// String returns a string or line parameter, empty if the line does not contain it.
func (a Args) String(name string) string { return Get[string](a, name) }

// Uint returns an integer parameter, 0 if the line does not contain it.
func (a Args) Uint(name string) uint64 { return Get[uint64](a, name) }

// Addr returns an ipv6 parameter, the zero Addr if the line does not contain it.
func (a Args) Addr(name string) netip.Addr { return Get[netip.Addr](a, name) }
