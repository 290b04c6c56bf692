# bash completion for tandem, made by tandem completion bash
_tandem() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  case $before in
    -f | -s) COMPREPLY=($(compgen -f -- "$word")); return ;;
    -c) return ;;
  esac
  if [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} != -* ]]; then
    case ${COMP_WORDS[1]} in
    @CASES@
    esac
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W '-c -f -json -s -v' -- "$word"))
  elif [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W '@NAMES@' -- "$word"))
  fi
}
complete -o filenames -F _tandem tandem
