package config

import (
	"strconv"
	"strings"

	"tandem/internal/command"
)

// Names of views in the command table. The view of an object has the name of its kind.
// ViewConfig, ViewAny and ViewEnter contain commands for several views.
const (
	ViewUser    = "user"
	ViewSystem  = "system"
	ViewSSHUser = "ssh-user"
	ViewMLD     = "mld"
	// Each kind of ACL has its own view, because the rules are different.
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
	ViewEthTrunk    = "eth-trunk" // searched before ViewInterface for an Eth-Trunk itself
	// ViewPort is searched before ViewInterface, for a Linux interface and for a
	// sub-interface of an Eth-Trunk.
	ViewPort = "port"
	ViewSub  = "sub-interface"
	// ViewConfig has the commands of all configuration views. ViewAny has those of all
	// views.
	ViewConfig = "config"
	ViewAny    = "any"
	// ViewEnter has the system view's commands that open a view. They work in every
	// configuration view, unless that view has a command of the same form.
	ViewEnter = "enter"
)

// View is a configuration view: the system view, or the view of one object.
type View struct {
	Kind string // one of the View names; for Eth-Trunks, too, it is ViewInterface
	Name string // of the object: its name, or its number in decimal
}

// SystemView is the view in which configuration begins.
var SystemView = View{Kind: ViewSystem}

// Chain returns the views of the command table in which to look for a command typed in v.
func (v View) Chain() []string {
	return append(v.own(), ViewConfig, ViewAny, ViewEnter)
}

// own returns the views with the commands of v itself.
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

// String returns the name of a view, as the problems of Validate show it.
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

// Prompt returns the part of the prompt after the system name.
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
	// Model is the model that is changed. It belongs to the editor.
	Model *Model
	// View is the view in which commands apply. Commands that open a view set it. A console
	// sets it for quit, return and similar commands.
	View View

	keys *Keyring
}

// newEditor returns an editor in the system view.
func newEditor(m *Model, keys *Keyring) *Editor {
	return &Editor{Model: m, View: SystemView, keys: keys}
}

// do executes one command. After an error the model is unchanged. If the object of the view
// no longer exists, the editor goes to the system view.
func (e *Editor) do(a command.Args, run func(*Editor, command.Args) error) error {
	if err := run(e, a); err != nil {
		return err
	}
	if !e.Model.has(e.View) {
		e.View = SystemView
	}
	return nil
}

// Commands returns the configuration commands and their undos for sessions of type S.
// editor returns the editor of a session.
func Commands[S any](editor func(S) *Editor) []command.Command[S] {
	return command.Lift(editorCommands(), editor)
}
