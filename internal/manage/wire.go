package manage

// openRequest opens a session.
type openRequest struct {
	// Interactive sessions may be asked a question before they lose changes;
	// the others get an error instead.
	Interactive bool `json:"interactive"`
}

// openReply names the new session.
type openReply struct {
	ID     string `json:"id"`
	Prompt string `json:"prompt"`
}

// lineRequest carries a line as it was typed, for exec and complete alike.
type lineRequest struct {
	Line string `json:"line"`
	// JSON makes a display print JSON without being asked.
	JSON bool `json:"json"`
}

// loadRequest carries a text of configuration for the candidate of a session.
type loadRequest struct {
	Text    string `json:"text"`
	Replace bool   `json:"replace"` // in place of what the candidate has
	Compare bool   `json:"compare"` // show only what that would change
}

// Reply is what a line brought about.
type Reply struct {
	// Output is what the console prints, error lines included.
	Output string `json:"output"`
	// Failed says that the line was refused; Output says why.
	Failed bool `json:"failed"`
	// Prompt is the prompt to show next, or the question that the next line answers.
	Prompt string `json:"prompt"`
	// Question says that Prompt is a question.
	Question bool `json:"question"`
	// Pending says that the session holds changes that are not committed.
	Pending bool `json:"pending"`
	// ScreenLength is how many lines are shown at a time: as many as the screen has
	// when it is 0, all when it is negative.
	ScreenLength int `json:"screenLength"`
	// Monitor says that the events after one of this number are to be shown as they
	// come, see Session.Follow; null shows none.
	Monitor *uint64 `json:"monitor"`
	// Closed says that the session has ended.
	Closed bool `json:"closed"`
}

// Completion lists what may come at the end of a line.
type Completion struct {
	// Expanded is the line completed as far as it is certain.
	Expanded   string      `json:"expanded"`
	Candidates []Candidate `json:"candidates"`
	// Error says why the line cannot be continued, as the console prints it.
	Error string `json:"error,omitempty"`
}

// Candidate is a keyword that fits, or the shape of a parameter to be typed.
type Candidate struct {
	Word string `json:"word"`
	Help string `json:"help"`
	// Keyword says that Word can be typed as it stands.
	Keyword bool `json:"keyword"`
}

// LogReply holds events as lines, and the number of the last.
type LogReply struct {
	Text string `json:"text"`
	Last uint64 `json:"last"`
}

// failure is the body of an answer that is not 200.
type failure struct {
	Error string `json:"error"`
}
