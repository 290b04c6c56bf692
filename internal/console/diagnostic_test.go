package console

import (
	"slices"
	"strings"
	"testing"
)

func TestDiagnosticInformation(t *testing.T) {
	for _, wanted := range []string{"display version", "display e-trunk", "display bfd session all", "display mld group", "display acl ipv6 all",
		"display current-configuration", "display logbuffer", "display multicast ipv6 gate"} {
		if !slices.Contains(plainDisplays, wanted) {
			t.Errorf("%q is left out of %q", wanted, plainDisplays)
		}
	}
	st := newStage(t)
	r := st.sessions["a"].Exec("display diagnostic-information")
	if r.Err != nil {
		t.Fatal(r.Output)
	}
	for _, line := range plainDisplays {
		_, rest, found := strings.Cut(r.Output, "\n<"+line+">\n\n")
		// The message that nothing has been saved yet is an error, too, and is allowed.
		if !found || strings.HasPrefix(rest, "Error: Unrecognized") || strings.HasPrefix(rest, "Error: Incomplete") {
			t.Errorf("%s shows %.60q", line, rest)
		}
	}
}
