package console

import (
	"strings"

	"tandem/internal/device"
	"tandem/internal/mld"
)

// MLDCounters is `display mld control-message counters`: messages by type, and
// what was dropped by cause. Queries and reports can be left out.
func MLDCounters(interfaces []device.InterfaceSnapshot, queries, reports bool) Display {
	s := newSheet()
	s.line("Interface message counter information of VPN-Instance: %s", publicNet)
	each(s, "interfaces", interfaces, func(_ int, i device.InterfaceSnapshot) {
		s.line(" %s:", heading(i))
		s.fact("interface", i.Name)
		sent, received := messageKinds(i.MLD.Counters.Sent), messageKinds(i.MLD.Counters.Received)
		rows := make([][]any, 0, len(sent))
		for n, kind := range messageNames {
			if isQuery := strings.Contains(kind, "Query"); isQuery && queries || !isQuery && reports {
				rows = append(rows, []any{kind, sent[n], received[n]})
			}
		}
		s.table(3, "messages", []string{"Message Type", "Sent", "Received"}, rows)
		var drops [][]any
		for cause, n := range i.MLD.Counters.Drops.All() {
			drops = append(drops, []any{cause, n})
		}
		s.table(3, "invalid", []string{"Invalid", "Dropped"}, drops)
	})
	return s.display()
}

// messageNames go with messageKinds.
var messageNames = [...]string{"General Query", "Group Query", "Source Group Query", "MLDv1 Report", "MLDv1 Done",
	"MLDv2 Report", "MLDv2 Report Records", "Other Version Query"}

func messageKinds(m mld.Messages) [len(messageNames)]uint64 {
	return [...]uint64{m.GeneralQueries, m.GroupQueries, m.SourceQueries, m.ReportsV1, m.Dones, m.ReportsV2, m.Records, m.OtherVersion}
}
