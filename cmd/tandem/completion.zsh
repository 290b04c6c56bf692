#compdef tandem
# zsh completion for tandem, made by tandem completion zsh
_tandem() {
  local -a subcommands
  subcommands=(
    @DESCRIBED@
  )
  _arguments \
    '-c[run commands separated by semicolons]:commands:' \
    '-f[run the commands of a file]:file:_files' \
    '-json[print displays as JSON]' \
    '-s[socket of the daemon]:socket:_files' \
    '-v[print what is typed]' \
    '1:subcommand:->subcommand' \
    '*::argument:->argument' && return
  case $state in
  subcommand) _describe subcommand subcommands ;;
  argument)
    case $words[1] in
    @CASES@
    esac ;;
  esac
}
if [[ $funcstack[1] == _tandem ]]; then
  _tandem "$@"
else
  compdef _tandem tandem
fi
