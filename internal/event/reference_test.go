package event

import (
	"fmt"
	"strings"
	"testing"

	"tandem/internal/golden"
)

const referenceFile = "../../docs/events.md"

const referenceHead = `# Events and alarms

Made from the table of events; do not edit by hand (go test ./internal/event -update).

Every event has a name and fields that stay the same. They are in the log of the daemon, where systemd's journal
runs it as fields of their own (` + "`journalctl TANDEM_EVENT=ETRUNK_STATUS_CHANGE`, a field is `TANDEM_` and its name in capitals" + `),
and in ` + "`display logbuffer`" + `, the last 512 of them. Severities are those of RFC 5424: 2 critical, 3 error, 4 warning, 5 notice,
6 informational. A kind of event that comes 20 times at once goes on at one a second; what is left out is counted
(LOG_SUPPRESSED).

| event | severity | fields | what it says |
|---|---|---|---|
`

const alarmHead = `
An alarm lasts until its cause is over; ` + "`display alarm active`" + ` lists those that hold.

| alarm | severity | what it says |
|---|---|---|
`

func reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, k := range Kinds() {
		fmt.Fprintf(&b, "| %s/%s | %d | %s | %s |\n", k.Module, k.Name, k.Severity, strings.Join(k.Fields, ", "), k.Text)
	}
	b.WriteString(alarmHead)
	for _, a := range AlarmKinds() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", a.Name, a.Severity, a.Text)
	}
	return b.String()
}

// TestReference: the page of the events is the one that the declarations generate.
func TestReference(t *testing.T) {
	golden.Check(t, referenceFile, reference())
}

// TestRunbook: the runbook has an entry for every alarm.
func TestRunbook(t *testing.T) {
	page := golden.Read(t, "../../docs/runbook.md")
	for _, a := range AlarmKinds() {
		if !strings.Contains(page, "\n| "+a.Name) {
			t.Errorf("docs/runbook.md does not tell what to do about %s", a.Name)
		}
	}
}
