package main

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"testing"

	"tandem/internal/manpage"
)

const manual = "../../docs/man/tandemd.8"

var option = regexp.MustCompile(`(?m)^\.BI? \\-(\w+)(?: " (\w+)")?$`)

// TestManual: the manual page lists every flag with its value, and no other flag.
func TestManual(t *testing.T) {
	page, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	var told, declared []string
	for _, m := range option.FindAllStringSubmatch(string(page), -1) {
		told = append(told, m[1]+" "+m[2])
	}
	var f flags
	fs := flag.NewFlagSet("tandemd", flag.ContinueOnError)
	f.register(fs)
	fs.VisitAll(func(f *flag.Flag) {
		parameter, _ := flag.UnquoteUsage(f)
		declared = append(declared, f.Name+" "+parameter)
	})
	slices.Sort(told)
	if slices.Sort(declared); !slices.Equal(told, declared) {
		t.Errorf("the page has the options %q, the program %q", told, declared)
	}
	manpage.Lint(t, manual)
}
