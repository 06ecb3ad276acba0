package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints a script that completes commands and flags.
func (c completionCommand) Run(k *kong.Context, p *program) error {
	words := map[string][]string{}
	completions(words, "", k.Model.Node)
	var text strings.Builder
	for _, path := range sortedWords(words) {
		fmt.Fprintf(&text, "    %q) words=%q ;;\n", path, strings.Join(words[path], " "))
	}
	script := bashScript
	switch c.Shell {
	case "zsh":
		script = "#compdef lanyard\nautoload -U +X bashcompinit && bashcompinit\n" + bashScript
	case "fish":
		return fishScript(p, words)
	}
	_, err := fmt.Fprintf(p.out, script, text.String())
	return err
}

// completions notes for each command what may follow it.
func completions(into map[string][]string, path string, node *kong.Node) {
	for _, child := range node.Children {
		if child.Type != kong.CommandNode || child.Hidden {
			continue
		}
		into[path] = append(into[path], child.Name)
		completions(into, strings.TrimSpace(path+" "+child.Name), child)
	}
	for _, flag := range node.Flags {
		if !flag.Hidden {
			into[path] = append(into[path], "--"+flag.Name)
		}
	}
}

// bashScript walks the words before the cursor down the commands.
const bashScript = `_lanyard() {
  local path="" word words
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="${path:+$path }$word" ;; esac
  done
  while :; do
    words=""
    case "$path" in
%s    esac
    [ -n "$words" ] || [ -z "$path" ] && break
    case "$path" in *" "*) path="${path%% *}" ;; *) path="" ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _lanyard lanyard
`

func fishScript(p *program, words map[string][]string) error {
	fmt.Fprintln(p.out, "complete -c lanyard -f")
	for _, path := range sortedWords(words) {
		condition := "__fish_use_subcommand"
		if path != "" {
			condition = "__fish_seen_subcommand_from " + strings.ReplaceAll(path, " ", "; and __fish_seen_subcommand_from ")
		}
		for _, word := range words[path] {
			form := "-a " + word
			if flag, isFlag := strings.CutPrefix(word, "--"); isFlag {
				form = "-l " + flag
			}
			if _, err := fmt.Fprintf(p.out, "complete -c lanyard -n %q %s\n", condition, form); err != nil {
				return err
			}
		}
	}
	return nil
}
