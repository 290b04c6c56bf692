package state

import (
	"net/netip"
	"time"
)

// Text is the lines of a configuration, or of several displays.
type Text struct {
	Lines []string `name:"lines"`
}

// ACLs holds the access lists in force.
type ACLs struct {
	Total int   `name:"total"`
	ACLs  []ACL `name:"acls"`
}

// ACL is one access list.
type ACL struct {
	Name        string    `name:"name"`
	Advanced    bool      `name:"kind" words:"advance,basic"`
	Description string    `name:"description"`
	Rules       []ACLRule `name:"rules"` // in the order in which they are applied
	UsedBy      []string  `name:"used-by"`
}

// ACLRule is one rule of an access list. A prefix that is not set matches every address.
type ACLRule struct {
	ID          uint32       `name:"id"`
	Permit      bool         `name:"permit"`
	Source      netip.Prefix `name:"source"`
	Destination netip.Prefix `name:"destination"`
	Words       string       `name:"rule"` // the rule as it is written in a command
}

// Commits holds the commits to which a user can return, the newest first.
type Commits struct {
	Commits []Commit `name:"commits"`
}

// Commit is one commit.
type Commit struct {
	Number      int       `name:"number"` // 1 for the newest
	ID          uint64    `name:"commit-id"`
	Label       string    `name:"label"`
	User        string    `name:"user"`
	Source      string    `name:"source"` // address or terminal of the user
	At          time.Time `name:"timestamp"`
	Description string    `name:"description"`
}

// Trial is a configuration on trial: it is in force for a limited time, unless a user
// confirms it.
type Trial struct {
	On          bool          `name:"on-trial"`
	User        string        `name:"user"`
	Source      string        `name:"source"` // address or terminal of the user
	Label       string        `name:"label"`
	Description string        `name:"description"`
	Persist     bool          `name:"persist"`   // another session may confirm the trial
	Left        time.Duration `name:"time-left"` // time until the previous configuration is restored
}
