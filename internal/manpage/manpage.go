// Package manpage writes manual pages (man(7)) from the declarations of the programs.
package manpage

import (
	"flag"
	"fmt"
	"strings"
)

// Page is a manual page under construction.
type Page struct{ text strings.Builder }

// New begins a page with its name, section and summary.
func New(name string, section int, manual, summary string) *Page {
	p := &Page{}
	p.line(`.\" Made by the tests of the program; do not edit by hand.`)
	p.line(`.TH %s %d "" Tandem "%s"`, strings.ToUpper(escape(name)), section, manual)
	p.Section("NAME")
	p.line(`%s \- %s`, escape(name), escape(summary))
	return p
}

// String returns the page in roff.
func (p *Page) String() string { return p.text.String() }

// Section begins a section with a title.
func (p *Page) Section(title string) { p.line(".SH %q", title) }

// Subsection begins a subsection with a title.
func (p *Page) Subsection(title string) { p.line(`.SS "%s"`, escape(title)) }

// Paragraph adds text, which man fills to the width of the screen.
func (p *Page) Paragraph(text string) {
	p.line(".PP")
	p.line("%s", escape(text))
}

// Item adds a word or a line to type, with its meaning.
func (p *Page) Item(word, meaning string) {
	p.line(".TP")
	p.line(`.B %s`, escape(word))
	p.line("%s", escape(meaning))
}

// Synopsis adds a way to call a program: the words to type, and the parameters.
func (p *Page) Synopsis(words, parameters string) {
	p.line("%s", strings.TrimRight(`\fB`+escape(words)+`\fR `+escape(parameters), " "))
	p.line(".br")
}

// Options adds the flags of a flag set, each with its default.
func (p *Page) Options(fs *flag.FlagSet) {
	fs.VisitAll(func(f *flag.Flag) {
		parameter, meaning := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" {
			meaning += "; " + f.DefValue + " unless given"
		}
		p.Item(strings.TrimSpace("-"+f.Name+" "+parameter), sentence(meaning))
	})
}

// See adds the related pages, as name(section).
func (p *Page) See(pages ...string) {
	p.Section("SEE ALSO")
	p.line("%s", escape(strings.Join(pages, ", ")))
}

func (p *Page) line(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n", args...) }

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// escape prevents roff from taking text for requests.
func escape(s string) string {
	s = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `"`, `\(dq`, `'`, `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
