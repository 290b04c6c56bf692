package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// node is one keyword or parameter of a command's grammar. next holds what may follow it.
// final says that the command may end after it.
type node struct {
	keyword string // empty for a parameter
	name    string // name of the parameter
	typ     Type
	next    []*node
	final   bool
	once    bool // the node is one of several options in any order
}

// parse reads the node's parameter and returns how many words it took.
func (n *node) parse(text string, words []word) (any, int, error) {
	if n.typ.Rest {
		v, _, err := n.typ.Parse([]string{strings.TrimSpace(text[words[0].pos:])})
		return v, len(words), err
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	return n.typ.Parse(texts)
}

// fragment is a piece of grammar: what may be its first node, what may be its last node,
// and whether it may be left out.
type fragment struct {
	first, last []*node
	nullable    bool
}

// then joins two fragments in sequence.
func (f fragment) then(g fragment) fragment {
	for _, n := range f.last {
		n.next = append(n.next, g.first...)
	}
	joined := fragment{first: f.first, last: g.last, nullable: f.nullable && g.nullable}
	if f.nullable {
		joined.first = slices.Concat(f.first, g.first)
	}
	if g.nullable {
		joined.last = slices.Concat(f.last, g.last)
	}
	return joined
}

// or joins two fragments as alternatives.
func (f fragment) or(g fragment) fragment {
	return fragment{slices.Concat(f.first, g.first), slices.Concat(f.last, g.last), f.nullable || g.nullable}
}

// compile turns the grammar of a command into its graph.
func compile(syntax string, types map[string]Type) (fragment, error) {
	p := parser{items: strings.Fields(syntax), types: types}
	f, err := p.sequence()
	switch {
	case err != nil:
		return fragment{}, err
	case len(p.items) > 0:
		return fragment{}, fmt.Errorf("unexpected %q", p.items[0])
	case f.nullable:
		return fragment{}, errors.New("it may be empty")
	}
	for _, n := range f.last {
		n.final = true
	}
	return f, nil
}

type parser struct {
	items []string
	types map[string]Type
}

func (p *parser) sequence() (fragment, error) {
	f := fragment{nullable: true}
	for len(p.items) > 0 && !slices.Contains([]string{"|", "]", "}"}, p.items[0]) {
		g, err := p.item()
		if err != nil {
			return f, err
		}
		f = f.then(g)
	}
	return f, nil
}

func (p *parser) item() (fragment, error) {
	item := p.items[0]
	p.items = p.items[1:]
	switch {
	case item == "[":
		f, err := p.choice("]")
		f.nullable = true
		return f, err
	case item == "{":
		return p.choice("}")
	case strings.HasPrefix(item, "<"):
		return p.parameter(item)
	}
	n := &node{keyword: strings.ToLower(strings.TrimPrefix(item, `\`))}
	return fragment{first: []*node{n}, last: []*node{n}}, nil
}

func (p *parser) choice(closing string) (fragment, error) {
	f, err := p.sequence()
	for err == nil && len(p.items) > 0 && p.items[0] == "|" {
		p.items = p.items[1:]
		var g fragment
		g, err = p.sequence()
		f = f.or(g)
	}
	if err != nil {
		return f, err
	}
	if len(p.items) == 0 || p.items[0] != closing {
		return f, fmt.Errorf("%q is missing", closing)
	}
	p.items = p.items[1:]
	if len(p.items) > 0 && p.items[0] == "*" {
		p.items = p.items[1:]
		return f, f.repeat()
	}
	return f, nil
}

// repeat makes the alternatives of a fragment follow each other in any order, each at
// most once.
func (f fragment) repeat() error {
	for _, n := range f.first {
		if n.keyword == "" {
			return fmt.Errorf("parameter %q may be repeated and has no keyword", n.name)
		}
		n.once = true
	}
	for _, n := range f.last {
		n.next = append(n.next, f.first...)
	}
	return nil
}

func (p *parser) parameter(item string) (fragment, error) {
	inner, closed := strings.CutSuffix(item[1:], ">")
	name, typeName, typed := strings.Cut(inner, ":")
	if !typed {
		typeName = name
	}
	if !closed || name == "" {
		return fragment{}, fmt.Errorf("%q is not a parameter", item)
	}
	t, err := typeByName(typeName, p.types)
	if err != nil {
		return fragment{}, err
	}
	n := &node{name: name, typ: t}
	return fragment{first: []*node{n}, last: []*node{n}}, nil
}

// Sample returns a line of a command from a walk through its grammar. pick chooses one of
// n ways, value returns the words of a parameter of a type. Tests and documentation use
// it.
func (t *Table[S]) Sample(c Command[S], pick func(n int) int, value func(name string, typ Type) string) (string, error) {
	f, err := compile(c.Syntax, t.vocabulary.Types)
	if err != nil {
		return "", err
	}
	var words []string
	for ways, final := f.first, false; ; {
		ways = slices.DeleteFunc(slices.Clone(ways), func(n *node) bool { return n.once && slices.Contains(words, n.keyword) })
		n := len(ways)
		if final {
			n++ // one more choice: the line ends here
		}
		if n == 0 {
			break
		}
		k := pick(n)
		if k == len(ways) {
			break
		}
		at := ways[k]
		if at.keyword != "" {
			words = append(words, at.keyword)
		} else {
			words = append(words, value(at.name, at.typ))
		}
		ways, final = at.next, at.final
	}
	return strings.Join(words, " "), nil
}
