package console

import (
	"fmt"
	"slices"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
)

// chapter is a group of views in the command reference.
type chapter struct{ view, title string }

var chapters = []chapter{
	{config.ViewAny, "Every view"},
	{config.ViewUser, "User view `<X>`"},
	{config.ViewConfig, "Every configuration view"},
	{config.ViewSystem, "System view `[~X]`"},
	{config.ViewVPN, "VPN instance view `[~X-vpn-instance-NAME]`"},
	{config.ViewSSHUser, "SSH user view `[~X-ssh-user-NAME]`"},
	{config.ViewSSL, "SSL policy view `[~X-ssl-policy-NAME]`"},
	{config.ViewService, "Remote backup service view `[~X-rm-backup-srv-NAME]`"},
	{config.ViewProfile, "Remote backup profile view `[~X-rm-backup-prf-NAME]`"},
	{config.ViewETrunk, "E-Trunk view `[~X-e-trunk-N]`"},
	{config.ViewInterface, "Interface view `[~X-NAME]`"},
	{config.ViewEthTrunk, "Interface view of an Eth-Trunk, in addition"},
	{config.ViewSub, "Interface view of a sub-interface of an Eth-Trunk, in addition"},
	{config.ViewPort, "Interface view of any other interface, in addition"},
	{config.ViewSession, "BFD session view `[~X-bfd-session-NAME]`"},
	{config.ViewMLD, "MLD view `[~X-mld]`"},
	{config.ViewBasicACL, "Basic IPv6 ACL view `[~X-acl6-basic-NAME]`"},
	{config.ViewAdvancedACL, "Advanced IPv6 ACL view `[~X-acl6-advance-NAME]`"},
}

// reference returns the reference of all commands in Markdown, made from the declarations
// of the console.
func reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n| command | what it does |\n|---|---|\n", c.title)
		for _, cmd := range allCommands() {
			if slices.Contains(cmd.Views, c.view) {
				b.WriteString(referenceRow(cmd))
			}
		}
	}
	return b.String()
}

const referenceHead = `# Commands

Made from the command table; do not edit by hand (go test ./internal/console -update).

` + referenceText

// referenceText is the part that all commands have in common.
const referenceText = `Keywords may be abbreviated as long as they are unique. A parameter is shown as
` + "`<name:type>`" + `, where a type such as 1..254 is the range of an integer. ` + "`[ a ]`" + ` may be
left out, ` + "`{ a | b }`" + ` is a choice, ` + "`[ a | b ] *`" + ` any of them in any order. The system view's commands that open a view work
in every configuration view. Words with spaces stand in double quotes; a line has at most 4096 characters.

A text means the same whether it is typed, pasted, run by ` + "`tandem -f`" + `, checked, loaded or read at the first start: ` + "`#`" + ` alone goes back
to the system view, and so does a line that is indented less than the one before where the system view has its command. Other lines
that begin with ` + "`#` or `!`" + ` are comments.

Every ` + "`display`" + ` takes filters behind bars, one behind the other: ` + "`| { begin | exclude | include } REGEXP`" + ` for lines,
` + "`| section { exclude | include } REGEXP`" + ` for headings with their indented lines, ` + "`| count`" + `, and ` + "`| json`" + `
([json.md](json.md)) for the same facts as JSON.
`

func referenceRow(c command.Command[*Session]) string {
	syntax := strings.ReplaceAll(readable(c.Syntax), "|", `\|`)
	return fmt.Sprintf("| `%s` | %s |\n", syntax, c.Help)
}

// readable returns a grammar in the form for people, in which a bar to type is shown as a
// bar.
func readable(syntax string) string { return strings.ReplaceAll(syntax, `\|`, `|`) }
