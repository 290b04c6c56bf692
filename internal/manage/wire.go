package manage

// openRequest opens a session.
type openRequest struct {
	// Interactive sessions are asked before they lose changes. Other sessions get an error
	// instead.
	Interactive bool `json:"interactive"`
}

// openReply contains the ID of the new session.
type openReply struct {
	ID     string `json:"id"`
	Prompt string `json:"prompt"`
}

// lineRequest contains a line as it was typed, for exec and complete.
type lineRequest struct {
	Line string `json:"line"`
	// JSON makes a display print JSON, even if the line does not request it.
	JSON bool `json:"json"`
}

// loadRequest contains a configuration text for the candidate of a session.
type loadRequest struct {
	Text    string `json:"text"`
	Replace bool   `json:"replace"` // replace the candidate's content, and do not add to it
	Compare bool   `json:"compare"` // only show what would change
}

// Reply is the result of a line.
type Reply struct {
	// Output is what the console prints, error lines included.
	Output string `json:"output"`
	// Failed means that the line was refused; Output says why.
	Failed bool `json:"failed"`
	// Prompt is the prompt to show next, or the question that the next line answers.
	Prompt string `json:"prompt"`
	// Question means that Prompt is a question.
	Question bool `json:"question"`
	// Pending means that the session has changes that are not committed.
	Pending bool `json:"pending"`
	// ScreenLength is how many lines to show at a time. 0 means the height of the screen; a
	// negative number means all.
	ScreenLength int `json:"screenLength"`
	// Monitor is a number: events with a higher number must be shown as they come, see
	// Session.Follow. Null shows none.
	Monitor *uint64 `json:"monitor"`
	// Closed means that the session has ended.
	Closed bool `json:"closed"`
}

// Completion lists what may follow at the end of a line.
type Completion struct {
	// Expanded is the line with its last word completed as far as it is unique.
	Expanded   string      `json:"expanded"`
	Candidates []Candidate `json:"candidates"`
	// Error says why the line cannot be continued, as the console prints it.
	Error string `json:"error,omitempty"`
}

// Candidate is a keyword that matches, or a description of the parameter to type.
type Candidate struct {
	Word string `json:"word"`
	Help string `json:"help"`
	// Keyword means that Word can be typed as it is.
	Keyword bool `json:"keyword"`
}

// LogReply contains events as lines, and the number of the last event.
type LogReply struct {
	Text string `json:"text"`
	Last uint64 `json:"last"`
}

// failure is the body of an error response.
type failure struct {
	Error string `json:"error"`
}
