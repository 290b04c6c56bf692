package config

import (
	"strconv"
	"strings"

	"tandem/internal/command"
)

// Names of views in the command table. A view of an object has the name of
// its kind; ViewConfig, ViewAny and ViewEnter hold commands for several views.
const (
	ViewUser    = "user"
	ViewSystem  = "system"
	ViewSSHUser = "ssh-user"
	ViewMLD     = "mld"
	// ACLs have views by their kind, for their rules differ.
	ViewBasicACL    = "acl6-basic"
	ViewAdvancedACL = "acl6-advance"
	ViewBFD         = "bfd"
	ViewSession     = "bfd-session"
	ViewSSL         = "ssl-policy"
	ViewVPN         = "vpn-instance"
	ViewService     = "remote-backup-service"
	ViewProfile     = "remote-backup-profile"
	ViewETrunk      = "e-trunk"
	ViewInterface   = "interface"
	ViewEthTrunk    = "eth-trunk" // in front of ViewInterface on an Eth-Trunk itself
	// On an interface of its own and on a sub-interface of an Eth-Trunk, in front of ViewInterface too.
	ViewPort = "port"
	ViewSub  = "sub-interface"
	// ViewConfig has the commands of all configuration views, ViewAny those of all views.
	ViewConfig = "config"
	ViewAny    = "any"
	// ViewEnter has the system view's commands that open a view; they work in
	// every configuration view unless it has a command of the same form.
	ViewEnter = "enter"
)

// View is a configuration view: the system view, or the view of one object.
type View struct {
	Kind string // one of the View names; ViewInterface for Eth-Trunks as well
	Name string // of the object: its name, or its number in decimal
}

// SystemView is where configuration begins.
var SystemView = View{Kind: ViewSystem}

// Chain returns the command table's views that hold in v, for command.Table.
func (v View) Chain() []string {
	return append(v.own(), ViewConfig, ViewAny, ViewEnter)
}

// own returns the views that have v's own commands.
func (v View) own() []string {
	if v.Kind == ViewInterface {
		switch _, sub, ok := InterfaceName(v.Name).OnEthTrunk(); {
		case !ok:
			return []string{ViewPort, ViewInterface}
		case sub == 0:
			return []string{ViewEthTrunk, ViewInterface}
		}
		return []string{ViewSub, ViewInterface}
	}
	return []string{v.Kind}
}

// String names a view as the problems of Validate do.
func (v View) String() string {
	switch v.Kind {
	case ViewSSHUser:
		return "ssh user " + v.Name
	case ViewSession:
		return "bfd " + v.Name
	case ViewSSL:
		return "ssl policy " + v.Name
	case ViewBasicACL, ViewAdvancedACL:
		return "acl ipv6 " + v.Name
	}
	return strings.TrimSpace(v.Kind + " " + v.Name)
}

// Prompt returns what the prompt shows after the system name.
func (v View) Prompt() string {
	switch v.Kind {
	case ViewMLD, ViewBFD:
		return "-" + v.Kind
	case ViewBasicACL, ViewAdvancedACL:
		return "-" + v.Kind + "-" + v.Name
	case ViewSSHUser:
		return "-ssh-user-" + v.Name
	case ViewSession:
		return "-bfd-session-" + v.Name
	case ViewSSL:
		return "-ssl-policy-" + v.Name
	case ViewVPN:
		return "-vpn-instance-" + v.Name
	case ViewService:
		return "-rm-backup-srv-" + v.Name
	case ViewProfile:
		return "-rm-backup-prf-" + v.Name
	case ViewETrunk:
		return "-e-trunk-" + v.Name
	case ViewInterface:
		return "-" + v.Name
	}
	return ""
}

// number returns the number of a view's object.
func (v View) number() uint32 {
	n, _ := strconv.ParseUint(v.Name, 10, 32)
	return uint32(n)
}

// Editor changes a model by commands. It is not safe for concurrent use.
type Editor struct {
	// Model is what is changed. The editor owns it.
	Model *Model
	// View is where commands apply. The commands that open a view set it; a
	// console sets it for quit, return and the like.
	View View

	keys *Keyring
}

// newEditor returns an editor in the system view.
func newEditor(m *Model, keys *Keyring) *Editor {
	return &Editor{Model: m, View: SystemView, keys: keys}
}

// do carries out one command. After an error the model is as it was. A view
// whose object is gone is left for the system view.
func (e *Editor) do(a command.Args, run func(*Editor, command.Args) error) error {
	if err := run(e, a); err != nil {
		return err
	}
	if !e.Model.has(e.View) {
		e.View = SystemView
	}
	return nil
}

// Commands returns the configuration commands for sessions of type S, given
// how a session reaches its editor. Each comes with its undo.
func Commands[S any](editor func(S) *Editor) []command.Command[S] {
	return command.Lift(editorCommands(), editor)
}
