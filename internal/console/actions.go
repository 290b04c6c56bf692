package console

import (
	"errors"

	"tandem/internal/command"
	"tandem/internal/config"
)

// action declares a command that acts at once and shows nothing else.
func action(views []string, syntax, help string, run func(*Session, command.Args) error) command.Command[*Session] {
	return command.Command[*Session]{Views: views, Syntax: syntax, Help: help, Run: run}
}

var userView = []string{config.ViewUser}

// actionCommands are the actions on the device.
func actionCommands() []command.Command[*Session] {
	return []command.Command[*Session]{
		action(userView, "switchover e-trunk <id:1..64>", "Hand over to the peer what this device sends", switchover(true)),
		action(userView, "undo switchover e-trunk <id:1..64>", "Take back what was handed over", switchover(false)),
		action(userView, "batch-backup service-type { mld | all } now", "Synchronise all remote backup services anew", batchAll),
		action([]string{config.ViewService}, "batch-backup service-type { mld | all } now",
			"Synchronise this remote backup service anew", batchOne),
		pingCommand(),
	}
}

func switchover(on bool) func(*Session, command.Args) error {
	return func(s *Session, a command.Args) error {
		return s.sys.Backend.Switchover(uint32(a.Uint("id")), on)
	}
}

func batchAll(s *Session, _ command.Args) error {
	var errs []error
	for _, service := range s.sys.Backend.Snapshot().Services {
		errs = append(errs, s.sys.Backend.BatchBackup(service.Name))
	}
	if len(errs) == 0 {
		return errors.New("there is no remote backup service")
	}
	return errors.Join(errs...)
}

func batchOne(s *Session, _ command.Args) error {
	return s.sys.Backend.BatchBackup(s.candidate.View.Name)
}
