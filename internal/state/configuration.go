package state

import (
	"net/netip"
	"time"
)

// Text is lines of a configuration, or of several displays.
type Text struct {
	Lines []string `name:"lines"`
}

// ACLs are the access lists in force.
type ACLs struct {
	Total int   `name:"total"`
	ACLs  []ACL `name:"acls"`
}

// ACL is one access list.
type ACL struct {
	Name        string    `name:"name"`
	Advanced    bool      `name:"kind" words:"advance,basic"`
	Description string    `name:"description"`
	Rules       []ACLRule `name:"rules"` // in the order in which they are tried
	UsedBy      []string  `name:"used-by"`
}

// ACLRule is one rule of an access list. A prefix that is not set is every address.
type ACLRule struct {
	ID          uint32       `name:"id"`
	Permit      bool         `name:"permit"`
	Source      netip.Prefix `name:"source"`
	Destination netip.Prefix `name:"destination"`
	Words       string       `name:"rule"` // as it is written
}

// Commits are those that can be returned to, the newest first.
type Commits struct {
	Commits []Commit `name:"commits"`
}

// Commit is one commit.
type Commit struct {
	Number      int       `name:"number"` // 1 is the newest
	ID          uint64    `name:"commit-id"`
	Label       string    `name:"label"`
	User        string    `name:"user"`
	Source      string    `name:"source"` // where the user came from
	At          time.Time `name:"timestamp"`
	Description string    `name:"description"`
}

// Trial is a configuration that is in force for a while, unless it is confirmed.
type Trial struct {
	On          bool          `name:"on-trial"`
	User        string        `name:"user"`
	Source      string        `name:"source"` // where the user came from
	Label       string        `name:"label"`
	Description string        `name:"description"`
	Persist     bool          `name:"persist"`   // another session may confirm it
	Left        time.Duration `name:"time-left"` // until the configuration before comes back
}
