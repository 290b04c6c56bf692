package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// printTable prints the measured losses of each fault beside the permitted losses. lacp
// says whether the faults of LACP could be played.
func printTable(w io.Writer, results []result, lacp bool) {
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "fault\tdevice\twhat\tgap ms\tlimit\tlost\tduplicated\tlimit\tlate ms\tok\tshown")
	for _, r := range results {
		duplicates := "-"
		if r.DuplicatedLimit != nil {
			duplicates = fmt.Sprint(*r.DuplicatedLimit)
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%.1f\t%.0f\t%d\t%d\t%s\t%.1f\t%s\t%s\n",
			r.Fault, r.Device, r.name, r.GapMS, r.LimitMS, r.Lost, r.Duplicated, duplicates, r.LateMS, r.verdict(), shownText(r.Shown))
	}
	tw.Flush()
	fmt.Fprintf(w, "\nGap: longest time without a stream at any of %d listeners of %d streams, and what is allowed. Lost and duplicated: packets, summed\n"+
		"over them; where the limit is -, duplicates do not matter. Late: the longest that the source was kept from sending meanwhile; a shorter\n"+
		"gap does not show. Shown: what the displays of device a or b said of the fault while it lasted.\n",
		len(memberships()), len(streams))
	if !lacp {
		fmt.Fprintln(w, "Fault 20, a leg that passes nothing one way, needs bonds that speak LACP: \"tandem-lab vm demo\" plays it.")
	}
	for _, r := range results {
		if r.note != "" {
			fmt.Fprintf(w, "fault %d, device %s: %s\n", r.Fault, r.Device, strings.ReplaceAll(r.note, "\n", "; "))
		}
	}
}

// shownText lists the displayed texts, with each device named once.
func shownText(shown []string) string {
	list := slices.Clone(shown)
	for i := len(list) - 1; i > 0; i-- {
		device, text, _ := strings.Cut(list[i], ": ")
		if strings.HasPrefix(list[i-1], device+": ") {
			list[i] = text
		}
	}
	return strings.Join(list, "; ")
}

func writeJSON(path string, results []result) error {
	b, err := json.MarshalIndent(map[string]any{"faults": results}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return nil
}
