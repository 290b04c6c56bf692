package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"tandem/internal/console"
	"tandem/internal/event"
	"tandem/internal/journal"
)

// othersRead is the mode of a file that every user can read.
const othersRead = 0o004

// start puts the last committed configuration in force. On a device that was never
// configured, it uses the file of the first configuration.
func start(router *reachable, system *console.System, file string, log *journal.Journal) error {
	if file == "" || !system.Store.Fresh() {
		return router.start()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if info, err := os.Stat(file); err == nil && info.Mode()&othersRead != 0 {
		log.Emit(event.ConfigurationReadable.With(file, info.Mode().Perm()))
	}
	session := system.NewSession(console.Login{User: "startup", Source: file, Level: console.Configuration})
	if err := begin(session, string(text)); err != nil {
		return fmt.Errorf("%s:%w", file, err)
	}
	return nil
}

// begin enters a text. The text is either lines for typing with a commit at the end, or
// the output of `display current-configuration`, which is committed as a whole. If one
// line is wrong, the error begins with the number of the line.
func begin(session *console.Session, text string) error {
	if !console.IsScript(text) {
		return beginWith(session, text)
	}
	for i, line := range strings.Split(text, "\n") {
		prompt := session.Prompt()
		if r := session.Exec(line); r.Err != nil {
			return fmt.Errorf("%d: refused\n%s%s\n%s", i+1, prompt, line, strings.TrimRight(r.Output, "\n"))
		}
	}
	if session.Pending() {
		return errors.New(" the last commands are not committed")
	}
	return nil
}

func beginWith(session *console.Session, text string) error {
	if r := session.Load(text, true, false); r.Err != nil {
		return fmt.Errorf(" refused\n%s", strings.TrimRight(r.Output, "\n"))
	}
	if r := session.Exec("commit"); r.Err != nil {
		return fmt.Errorf(" refused\n%s", strings.TrimRight(r.Output, "\n"))
	}
	return nil
}
