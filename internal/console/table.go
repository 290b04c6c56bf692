package console

import (
	"slices"
	"sync"

	"tandem/internal/command"
	"tandem/internal/config"
)

// table holds every command of the console, compiled once. A mistake in the grammar is a
// programming error.
var table = sync.OnceValue(func() *command.Table[*Session] {
	t, err := command.New(config.Vocabulary().With(vocabulary()), allCommands())
	if err != nil {
		panic(err)
	}
	return t
})

func allCommands() []command.Command[*Session] {
	edits := config.Commands(func(s *Session) *config.Editor { return s.candidate.Editor })
	return slices.Concat(edits, viewCommands(), configCommands(), configurationDisplays(), actionCommands(), displayCommands(), sshDisplays(),
		monitorCommands(), resetCommands())
}

// vocabulary holds the help of the words that only the console has.
func vocabulary() command.Vocabulary {
	return command.Vocabulary{Help: map[string]string{
		"active":                "Those that hold",
		"alarm":                 "Alarms",
		"abort":                 "End early",
		"all":                   "Everything",
		"at":                    "Of one commit",
		"batch-backup":          "Synchronise with the peer anew",
		"brief":                 "One line each",
		"candidate":             "The configuration being edited",
		"changes":               "Only the differences",
		"clear":                 "Drop",
		"commit":                "Commits",
		"commit-id":             "By the number of the commit",
		"comment":               "Describe this for people",
		"compare":               "Compare",
		"configuration":         "Configurations",
		"control-message":       "MLD messages",
		"counters":              "How many there were",
		"current-configuration": "The configuration in force",
		"display":               "Show something",
		"dynamic":               "Those that a protocol has made",
		"for-ipv6":              "Those of IPv6",
		"forwarding-table":      "What the kernel forwards",
		"group":                 "Multicast group",
		"immediately":           "Put every line in force at once",
		"label":                 "Name of the commit",
		"redundancy":            "Whether one of the two devices can be reloaded now",
		"lacking":               "Those that arrive at one of the two devices only",
		"arriving":              "Which streams arrive",
		"logbuffer":             "The buffer of the log",
		"last":                  "Of the newest commits",
		"merge":                 "Together with what is there",
		"replace":               "In place of what is there",
		"<file>":                "Absolute path of a file on this device",
		"now":                   "At once",
		"persist":               "Word with which another session may confirm the trial",
		"refresh":               "Bring up to date",
		"rollback":              "Return to what was before",
		"routing-table":         "What is to be forwarded",
		"rui":                   "Which device sends a stream",
		"screen-length":         "How many lines are shown at a time",
		"temporary":             "In this session only",
		"service-type":          "What is backed up",
		"session":               "Sessions",
		"set":                   "Change something beside the configuration",
		"since":                 "Of the commits after one",
		"source":                "Source of a stream",
		"static":                "Those that are configured",
		"switchover":            "Hand over to the peer",
		"to":                    "To one commit",
		"trial":                 "Only for a while, unless it is confirmed",
		"verbose":               "With everything that is known",
		"down":                  "Those that are down",
		"message-type":          "Messages of one kind only",
		"query":                 "Queries",
		"report":                "Reports, and Dones",
		"up":                    "Those that are up",
		"reset":                 "Count or keep anew",
		"size":                  "How many",
		"<entries>":             "Number of events",
		"<commits>":             "Number of commits",
		"<group>":               "Group address",
		"<id>":                  "Number",
		diagnosticInformation:   "All displays one after the other",
		"history-command":       "Lines that were typed before",
		"<host>":                "Address that is to answer",
		"<interval>":            "Time from one request to the next, in milliseconds",
		"<lines>":               "Number of lines",
		"<requests>":            "Number of requests",
		"<size>":                "Bytes of data",
		"<timeout>":             "Time to wait for an answer, in milliseconds",
		"-a":                    "Source address",
		"-c":                    "How many requests",
		"-i":                    "Interface to send by",
		"-m":                    "How often",
		"-s":                    "How large",
		"-t":                    "How long to wait",
		"error":                 "Errors only",
		"informational":         "Everything",
		"critical":              "Critical ones only",
		"level":                 "Those of a severity and above",
		"notification":          "Notifications and above",
		"monitor":               "Log records as they come",
		"terminal":              "This terminal",
		"warning":               "Warnings and errors",
		"<label>":               "Name that does not begin with a digit",
		"<persist>":             "Word",
		"<point>":               "Number of a commit, see display configuration commit list",
		"<trial>":               "Time in seconds, 600 if it is not given",
	}}
}
