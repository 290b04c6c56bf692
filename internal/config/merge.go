package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// slot identifies one setting of one object. Its lines are the value of the setting.
type slot struct {
	view View
	row  int // index in the table, or headRow
}

// headRow is the slot of an object's heading. It means that the object exists.
const headRow = -1

// content is a configuration as lines by slot. Slots without a line are left out.
type content map[slot][]string

func contentOf(m *Model, keys *Keyring) content {
	c := content{}
	c.view(m, SystemView, keys)
	for _, kind := range objectKinds {
		for _, v := range kind.list(m) {
			if v.Kind != ViewMLD { // the MLD view exists only if it has lines
				c[slot{v, headRow}] = []string{kind.head(m, v)}
			}
			c.view(m, v, keys)
		}
	}
	return c
}

func (c content) view(m *Model, v View, keys *Keyring) {
	own := v.own()
	for i, r := range rows {
		if r.write == nil || !slices.Contains(own, r.view) {
			continue
		}
		if lines := r.write(m, v, keys); len(lines) > 0 {
			c[slot{v, i}] = lines
		}
	}
}

// merger merges the changes of two sides to one configuration.
type merger struct {
	base, mine, theirs content
	model              [2]*Model // the models of mine and theirs, for the order of objects
	// taken are the slots in conflict, where mine wins. The slot headRow means the whole
	// object.
	taken     map[slot]bool
	conflicts []string
}

// merge returns theirs with the changes that lead from base to mine, line by line. There is
// a conflict if both have changed the same setting in different ways, or if one has removed
// an object that the other has changed. Then mine wins. The error means that no
// configuration can have the changes of both.
func merge(base, mine, theirs *Model, keys *Keyring) (*Model, []string, error) {
	g := &merger{contentOf(base, keys), contentOf(mine, keys), contentOf(theirs, keys), [2]*Model{theirs, mine}, map[slot]bool{}, nil}
	g.removals()
	for range 3 { // if a setting that can have only one line has got two, this is found when the result is parsed
		planned := g.plan()
		m, err := Parse(g.text(planned), keys)
		if err != nil {
			return nil, nil, err
		}
		if g.compare(planned, contentOf(m, keys)) {
			return m, g.conflicts, nil
		}
	}
	return nil, nil, errors.New("the changes of both do not go together")
}

// removals finds objects that one side has removed and the other has changed.
func (g *merger) removals() {
	for _, s := range g.slots() {
		if s.row != headRow || g.base[s] == nil {
			continue
		}
		switch {
		case g.mine[s] == nil && g.theirs[s] != nil && g.changed(g.theirs, s.view):
			g.conflict(s, "changed meanwhile, and the candidate removes it")
		case g.mine[s] != nil && g.theirs[s] == nil && g.changed(g.mine, s.view):
			g.conflict(s, "removed meanwhile, and the candidate changes it")
		}
	}
}

// changed reports whether a side has changed anything of an object.
func (g *merger) changed(side content, v View) bool {
	for i := headRow; i < len(rows); i++ {
		if s := (slot{v, i}); !slices.Equal(side[s], g.base[s]) {
			return true
		}
	}
	return false
}

// plan makes the merged content.
func (g *merger) plan() content {
	planned := content{}
	for _, s := range g.slots() {
		if lines := g.lines(s); len(lines) > 0 {
			planned[s] = lines
		}
	}
	return planned
}

// lines merges the lines of one slot.
func (g *merger) lines(s slot) []string {
	base, mine, theirs := g.base[s], g.mine[s], g.theirs[s]
	switch {
	case g.taken[s] || g.taken[slot{s.view, headRow}]:
		return mine
	case slices.Equal(mine, base):
		return theirs
	case slices.Equal(theirs, base), slices.Equal(mine, theirs):
		return mine
	}
	gone, added := without(base, mine), without(mine, base)
	if len(without(gone, theirs)) > 0 && !slices.Equal(added, without(theirs, base)) {
		g.conflict(s, g.both(s)) // both have replaced the same line by different ones
		return mine
	}
	return append(without(theirs, slices.Concat(gone, added)), added...)
}

// compare reports whether the planned configuration is still the same after it was
// parsed. If not, both sides have set a setting that can have only one line; this is a
// conflict.
func (g *merger) compare(planned, got content) bool {
	same := true
	for _, s := range g.slots() {
		if !sameLines(planned[s], got[s]) {
			same = false
			g.conflict(s, g.both(s))
		}
	}
	return same
}

func sameLines(a, b []string) bool { return len(a) == len(b) && len(without(a, b)) == 0 }

func (g *merger) both(s slot) string {
	return fmt.Sprintf("committed meanwhile: %s; the candidate: %s", shown(g.theirs[s]), shown(g.mine[s]))
}

func shown(lines []string) string {
	if len(lines) == 0 {
		return "nothing"
	}
	return strings.Join(lines, ", ")
}

func (g *merger) conflict(s slot, what string) {
	if g.taken[s] {
		return
	}
	g.taken[s] = true
	where := "system view"
	for _, side := range []content{g.mine, g.theirs} {
		if head := side[slot{s.view, headRow}]; head != nil {
			where = head[0]
		}
	}
	if s.view.Kind == ViewMLD {
		where = ViewMLD
	}
	g.conflicts = append(g.conflicts, where+": "+what)
}

// slots lists the slots of all sides in the order of the text form.
func (g *merger) slots() []slot {
	var list []slot
	add := func(v View) {
		for i := headRow; i < len(rows); i++ {
			s := slot{v, i}
			if g.base[s] != nil || g.mine[s] != nil || g.theirs[s] != nil {
				list = append(list, s)
			}
		}
	}
	add(SystemView)
	for _, kind := range objectKinds {
		seen := map[View]bool{}
		for _, m := range g.model {
			for _, v := range kind.list(m) {
				if !seen[v] {
					seen[v] = true
					add(v)
				}
			}
		}
	}
	return list
}

// text writes a content as a text for Parse.
func (g *merger) text(c content) string {
	var b strings.Builder
	var in View
	for _, s := range g.slots() {
		lines := c[s]
		if len(lines) == 0 || s.view != SystemView && s.view.Kind != ViewMLD && c[slot{s.view, headRow}] == nil {
			continue // no lines, or the object is removed
		}
		if s.view != in && s.view != SystemView {
			in = s.view
			b.WriteString("#\n")
			if s.view.Kind == ViewMLD {
				b.WriteString(ViewMLD + "\n")
			}
		}
		for _, line := range lines {
			if s.row != headRow && s.view != SystemView {
				line = " " + line
			}
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
