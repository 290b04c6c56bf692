package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/command"
	"tandem/internal/mld"
)

func mldEntries() []entry {
	open := entry{view: ViewSystem, opens: true, syntax: "mld", help: "Enter the view of MLD defaults",
		set: func(e *Editor, _ command.Args) error { e.View = View{Kind: ViewMLD}; return nil },
		clear: func(e *Editor, _ command.Args) error {
			e.Model.MLD = GlobalMLD{}
			return nil
		}}
	view := tuning("", func(g *GlobalMLD) *Tuning { return &g.Tuning })
	view = append(view,
		number("limit <records:1..4194304>", "Bound the listener records of all interfaces together",
			func(g *GlobalMLD) *uint32 { return &g.Limit }, 0),
		number("host-limit <entries:1..4194304>", "Bound the groups and sources that one host can hold on an interface",
			func(g *GlobalMLD) *uint32 { return &g.HostLimit }, 0),
		ssmMapping())
	return append([]entry{open}, settings(ViewMLD, func(m *Model, _ View) *GlobalMLD { return &m.MLD }, view...)...)
}

// tuning makes the settings of MLD timers and counts. Each begins with a prefix.
func tuning[T any](prefix string, of func(*T) *Tuning) []setting[T] {
	return []setting[T]{
		duration(prefix+"timer query <seconds:1..18000>", "Set the time between general queries", time.Second,
			func(o *T) *time.Duration { return &of(o).QueryInterval }, 0),
		number(prefix+"robust-count <count:2..5>", "Set how many losses MLD withstands",
			func(o *T) *uint8 { return &of(o).Robustness }, 0),
		duration(prefix+"max-response-time <seconds:1..25>", "Set the time that hosts have to answer", time.Second,
			func(o *T) *time.Duration { return &of(o).MaxResponse }, 0),
		duration(prefix+"lastlistener-queryinterval <seconds:1..5>", "Set the time between queries after a leave", time.Second,
			func(o *T) *time.Duration { return &of(o).LastListenerInterval }, 0),
	}
}

// several makes a setting that an object can have more than once. Undo without parameters
// removes all its values. The list is kept sorted, so that equal models have equal text.
func several[T any, V comparable](words, parameters, help string, field func(*T) *[]V,
	read func(command.Args) (v V, given bool), order func(V, V) int, show func(V) string) setting[T] {
	return setting[T]{syntax: words + " " + parameters, help: help,
		set: func(o *T, a command.Args) error {
			v, _ := read(a)
			if at, found := slices.BinarySearchFunc(*field(o), v, order); !found {
				*field(o) = slices.Insert(*field(o), at, v)
			}
			return nil
		},
		clear: func(o *T, a command.Args) error {
			gone, given := read(a)
			if *field(o) = slices.DeleteFunc(*field(o), func(v V) bool { return !given || v == gone }); len(*field(o)) == 0 {
				*field(o) = nil
			}
			return nil
		},
		write: func(o *T) []string {
			var lines []string
			for _, v := range *field(o) {
				lines = append(lines, words+" "+show(v))
			}
			return lines
		}}
}

func ssmMapping() setting[GlobalMLD] {
	return several("ssm-mapping", "{ <group-range> | <group-address:multicast> <length:8..128> } <source:global>",
		"Name a source for groups whose listeners name none",
		func(g *GlobalMLD) *[]mld.Mapping { return &g.SSMMappings },
		func(a command.Args) (mld.Mapping, bool) {
			p := command.Get[netip.Prefix](a, "group-range")
			if a.Has("length") {
				p = netip.PrefixFrom(a.Addr("group-address"), int(a.Uint("length"))).Masked()
			}
			return mld.Mapping{Groups: p, Source: a.Addr("source")}, p.IsValid()
		},
		func(a, b mld.Mapping) int { return cmp.Or(a.Groups.Compare(b.Groups), a.Source.Compare(b.Source)) },
		func(m mld.Mapping) string { return fmt.Sprintf("%v %v", m.Groups, m.Source) })
}

func staticGroup() setting[Interface] {
	return several("mld static-group", "<group> [ source <source-address:global> ]",
		"Send a group whether anybody listens or not",
		func(i *Interface) *[]mld.StaticGroup { return &i.MLD.Static },
		func(a command.Args) (mld.StaticGroup, bool) {
			g := mld.StaticGroup{Group: a.Addr("group"), Source: a.Addr("source-address")}
			return g, g.Group.IsValid()
		},
		func(a, b mld.StaticGroup) int { return cmp.Or(a.Group.Compare(b.Group), a.Source.Compare(b.Source)) },
		func(g mld.StaticGroup) string {
			if g.Source.IsValid() {
				return fmt.Sprintf("%v source %v", g.Group, g.Source)
			}
			return g.Group.String()
		})
}

func promptLeave() setting[Interface] {
	return setting[Interface]{
		syntax: "mld prompt-leave [ group-policy " + aclParameter + " ]",
		help:   "Drop the last listener of a group without asking",
		set: func(i *Interface, a command.Args) error {
			i.MLD.PromptLeave = true
			i.MLD.PromptPolicy = aclName(a)
			return nil
		},
		clear: func(i *Interface, _ command.Args) error {
			i.MLD.PromptLeave, i.MLD.PromptPolicy = false, ""
			return nil
		},
		write: func(i *Interface) []string {
			switch {
			case !i.MLD.PromptLeave:
				return nil
			case i.MLD.PromptPolicy != "":
				return []string{"mld prompt-leave group-policy " + aclWords(i.MLD.PromptPolicy)}
			}
			return []string{"mld prompt-leave"}
		}}
}

func accessLimit() setting[Interface] {
	return setting[Interface]{
		syntax: "mld access-limit <limit:1..16384> [ except " + aclParameter + " ]",
		help:   "Bound the groups, and the sources of groups, that hosts can join",
		set: func(i *Interface, a command.Args) error {
			i.MLD.AccessLimit = uint16(a.Uint("limit"))
			i.MLD.AccessExcept = aclName(a)
			return nil
		},
		clear: func(i *Interface, _ command.Args) error {
			i.MLD.AccessLimit, i.MLD.AccessExcept = 0, ""
			return nil
		},
		write: func(i *Interface) []string {
			if i.MLD.AccessLimit == 0 {
				return nil
			}
			line := fmt.Sprintf("mld access-limit %d", i.MLD.AccessLimit)
			if i.MLD.AccessExcept != "" {
				line += " except " + aclWords(i.MLD.AccessExcept)
			}
			return []string{line}
		}}
}
