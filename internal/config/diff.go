package config

import "slices"

// Diff returns the difference between two models as lines. Removed lines begin with -,
// added ones with +, and the headings above them with a space. For equal models it returns
// no lines.
func Diff(from, to *Model, keys *Keyring) []string {
	before, after := sections(from, keys), sections(to, keys)
	var changes []string
	for _, old := range before {
		if !slices.ContainsFunc(after, old.sameHead) {
			changes = append(changes, mark("-", old.text())...)
		}
	}
	for _, s := range after {
		i := slices.IndexFunc(before, s.sameHead)
		if i < 0 {
			changes = append(changes, mark("+", s.text())...)
			continue
		}
		removed := mark("-  ", without(before[i].lines, s.lines))
		added := mark("+  ", without(s.lines, before[i].lines))
		if len(removed)+len(added) > 0 {
			changes = slices.Concat(changes, []string{"  " + s.head}, removed, added)
		}
	}
	return changes
}

func (s section) sameHead(o section) bool { return s.view == o.view && s.head == o.head }

func mark(sign string, lines []string) []string {
	marked := make([]string, len(lines))
	for i, line := range lines {
		if len(sign) == 1 {
			line = " " + line
		}
		marked[i] = sign + line
	}
	return marked
}

// without returns the lines that are not among others.
func without(lines, others []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return slices.Contains(others, line) })
}
