package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
)

func printTable(results []result) {
	fmt.Println()
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "fault\tdevice\twhat\tgap ms\tlost\tduplicated\tlate ms\tlimit ms\tok")
	for _, r := range results {
		fmt.Fprintf(tw, "%d\t%s\t%s\t%.1f\t%d\t%d\t%.1f\t%.0f\t%s\n",
			r.Fault, r.Device, r.name, r.GapMS, r.Lost, r.Duplicated, r.LateMS, r.LimitMS, r.verdict())
	}
	tw.Flush()
	fmt.Printf("\nGap: longest time without the stream at any of %d listeners of %d streams. Lost and duplicated: packets, summed over them.\n"+
		"Late: the longest that the source was kept from sending meanwhile; a shorter gap does not show.\n",
		len(memberships()), len(streams))
	for _, r := range results {
		if r.note != "" {
			fmt.Printf("fault %d, device %s: %s\n", r.Fault, r.Device, r.note)
		}
	}
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
