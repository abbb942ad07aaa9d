# What zsh would offer at the end of a line, one a line:
#     zsh -f tests/complete.zsh FOLDER LINE        FOLDER has _ppml
# A shell on a terminal of its own completes the line, and its compadd tells what it was given.
zmodload zsh/zpty
zpty shell zsh -f -i
begin='
  PROMPT= RPROMPT=
  fpath=('$1' $fpath)
  autoload -U compinit && compinit -u -D
  zstyle ":completion:*" insert-tab false
  compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return $?; fi
    local -a told
    builtin compadd -A told "$@"
    print -l -- "<"$^told">"
    builtin compadd "$@"
  }
  tell_end() { print "<<>>"; exit }
  compprefuncs=(); comppostfuncs=(tell_end)
  bindkey "^I" complete-word
  print "<ready>"
'
zpty -w shell "$begin"
zpty -r -m shell line $'*\n<ready>*' || exit 1
zpty -n -w shell "$2"$'\t'
told=
while zpty -r shell line; do told+=$line; [[ $line == *'<<>>'* ]] && break; done
zpty -d shell
print -r -- $told | tr -d '\r' | sed -n 's/^.*<\([^<>]*\)>$/\1/p' | sed '/^$/d'
