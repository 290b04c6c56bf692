package console

import (
	"slices"
	"strings"

	"tandem/internal/state"
)

// mldCountersDisplay is `display mld control-message counters`: messages by type, and
// drops by cause. Queries and reports can be left out.
func mldCountersDisplay(interfaces []state.MLDCounted, queries, reports bool) Display {
	all := state.MLDCounters{Interfaces: interfaces}
	s := sheetOf(&all)
	s.line("Interface message counter information of VPN-Instance: %s", publicNet)
	list(s, &all.Interfaces, func(_ int, i *state.MLDCounted) {
		s.line(" %s:", heading(i.Name, i.LinkLocal))
		s.record(&i.Name)
		i.Messages = slices.DeleteFunc(i.Messages, func(m state.MessageKind) bool {
			isQuery := strings.Contains(m.Kind, "Query")
			return isQuery && !queries || !isQuery && !reports
		})
		rows(s, 3, &i.Messages, func(m *state.MessageKind) []field {
			return []field{{"Message Type", &m.Kind}, {"Sent", &m.Sent}, {"Received", &m.Received}}
		})
		rows(s, 3, &i.Invalid, func(d *state.DropCause) []field {
			return []field{{"Invalid", &d.Cause}, {"Dropped", &d.Dropped}}
		})
	})
	return s.display()
}
