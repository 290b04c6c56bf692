package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
)

var (
	//go:embed completion.bash
	bashCompletion string
	//go:embed completion.zsh
	zshCompletion string

	shells = []string{"bash", "zsh"}
	// fileWords means that file names may follow.
	fileWords = []string{"FILE"}
)

// completion prints the script for a shell that completes the program's arguments.
func completion(args []string) int {
	if len(args) == 1 {
		switch args[0] {
		case "bash":
			fmt.Print(fillIn(bashCompletion, bashCase))
			return exitDone
		case "zsh":
			fmt.Print(fillIn(zshCompletion, zshCase))
			return exitDone
		}
	}
	fmt.Fprintln(os.Stderr, "usage: tandem completion bash | zsh\n\nFor bash: source <(tandem completion bash)\nFor zsh: tandem completion zsh > ~/.zfunc/_tandem, in a directory of fpath")
	return exitUsage
}

// fillIn puts the subcommands into a script: their names, their help, and the words that
// may follow each.
func fillIn(script string, words func(subcommand) string) string {
	var names, described, cases []string
	for _, s := range subcommands() {
		names = append(names, s.name)
		described = append(described, fmt.Sprintf("'%s:%s'", s.name, s.about))
		if len(s.words) > 0 {
			cases = append(cases, words(s))
		}
	}
	return strings.NewReplacer(
		"@NAMES@", strings.Join(names, " "),
		"@DESCRIBED@", strings.Join(described, "\n    "),
		"@CASES@", strings.Join(cases, "\n    "),
	).Replace(script)
}

func isFile(s subcommand) bool { return len(s.words) == 1 && s.words[0] == fileWords[0] }

func bashCase(s subcommand) string {
	if isFile(s) {
		return fmt.Sprintf("%s) COMPREPLY=($(compgen -f -- \"$word\")) ;;", s.name)
	}
	return fmt.Sprintf("%s) COMPREPLY=($(compgen -W '%s' -- \"$word\")) ;;", s.name, strings.Join(s.words, " "))
}

func zshCase(s subcommand) string {
	if isFile(s) {
		return s.name + ") _files ;;"
	}
	return fmt.Sprintf("%s) _values '%s' %s ;;", s.name, s.name, strings.Join(s.words, " "))
}
