package console

import (
	"math/rand/v2"
	"strings"
	"testing"

	"tandem/internal/command"
	"tandem/internal/config"
)

// TestHelpIsComplete requests help after every word of every command. Each keyword and
// parameter that may follow must have a description.
func TestHelpIsComplete(t *testing.T) {
	told := map[string]bool{}
	for _, c := range allCommands() {
		for seed := range uint64(30) {
			line := sampleLine(t, c, seed)
			words := strings.Split(line, "\t")
			for n := range len(words) {
				typed := strings.TrimLeft(strings.Join(words[:n], " ")+" ", " ")
				candidates, err := table().Complete(chainOf(c.Views[0]), typed)
				if err != nil {
					t.Fatalf("%v %q: %v", c.Views, typed, err)
				}
				for _, x := range candidates {
					if x.Help == "" && x.Word != command.Return && !told[typed+x.Word] {
						told[typed+x.Word] = true
						t.Errorf("%v %q: no help for %s", c.Views, typed, x.Word)
					}
				}
			}
		}
	}
}

// chainOf returns the views in which commands are searched together with those of a view
// of the table.
func chainOf(view string) []string {
	kind := config.View{Kind: view}
	switch view {
	case config.ViewUser, config.ViewAny:
		return []string{config.ViewUser, config.ViewAny}
	case config.ViewConfig, config.ViewEnter:
		kind = config.SystemView
	case config.ViewPort, config.ViewInterface:
		kind = config.View{Kind: config.ViewInterface, Name: "eth0"}
	case config.ViewEthTrunk:
		kind = config.View{Kind: config.ViewInterface, Name: "Eth-Trunk10"}
	case config.ViewSub:
		kind = config.View{Kind: config.ViewInterface, Name: "Eth-Trunk10.100"}
	}
	return kind.Chain()
}

// sampleWords holds values of the types that are neither integers nor texts.
var sampleWords = map[string]string{
	"public-key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ",
	"ipv6":       "2001:db8::1", "unicast": "2001:db8::1", "global": "2001:db8::1", "host": "2001:db8::1",
	"prefix": "2001:db8::1/64", "host-prefix": "2001:db8::1/64", "group": "ff3e::1", "multicast": "ff3e::1", "group-range": "ff3e::/32",
	"mac": "00e0-fc12-3456", "unicast-mac": "00e0-fc12-3456", "file": "/f", "acl-name": "gold", "any-address": "::1", "vpn": "red",
	"secret": "x", "cipher-text": "x", "interface": "eth-trunk 10",
}

// sampleLine returns a line of a command, with tabs between its words.
func sampleLine(t *testing.T, c command.Command[*Session], seed uint64) string {
	t.Helper()
	return sampleLineWith(t, c, seed, func(_ command.Type, word string) string { return word })
}

// sampleLineWith does the same, with the values that value returns.
func sampleLineWith(t *testing.T, c command.Command[*Session], seed uint64, value func(typ command.Type, word string) string) string {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	line, err := table().Sample(c, random.IntN, func(_ string, typ command.Type) string {
		word := sampleWords[typ.Name]
		if low, _, isRange := strings.Cut(typ.Name, ".."); isRange && word == "" {
			word = low
		}
		if strings.HasPrefix(typ.Name, "string") || strings.HasPrefix(typ.Name, "line") {
			word = "x"
		}
		return value(typ, word)
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(line, " ", "\t")
}
