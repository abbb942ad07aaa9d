#!/usr/bin/env python3
"""Writes completions of what `PPML help` says: commands, options, values that can be listed, files by their endings.

    tools/completions.py PPML FOLDER        FOLDER/ppml.bash, FOLDER/_ppml (zsh), FOLDER/ppml.fish"""
import os
import re
import sys

sys.dont_write_bytecode = True
import ppml_help

MADE = "# Completion of ppml for %s, made by tools/completions.py: change `ppml help` instead.\n"


def brief(option, sets):
    """What an option does, in one clause."""
    text = re.split(r"[;:]| \(|\. ", " ".join(option.says) + " ")[0].strip()
    return "" if text.startswith("(") else text


# ------------------------------------------------------------------------ bash

BASH = MADE % "bash" + r"""
# Files that end so, and folders; all files where none does.
_ppml_files() {
  local current=$1 suffix name
  shift
  compopt -o filenames 2>/dev/null
  for suffix in "$@"; do
    while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -X "!*.$suffix" -- "$current")
  done
  if ((${#COMPREPLY[@]})); then
    while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -d -- "$current")
  else
    while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$current")
  fi
}

_ppml_words() {
  local word
  for word in $2; do case $word in "$1"*) COMPREPLY+=("$word") ;; esac; done
}

_ppml() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options files
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _ppml_words "$current" "@COMMANDS@ help --help --version"
    return
  fi
  case ${COMP_WORDS[1]} in
    help) ((COMP_CWORD == 2)) && _ppml_words "$current" "@COMMANDS@"; return ;;
@CASES@    *) return ;;
  esac
  case $current in
    -*) _ppml_words "$current" "$options --help" ;;
    *) [ "$files" = none ] || _ppml_files "$current" $files ;;
  esac
}

complete -F _ppml ppml
"""


def bash(all_of_it):
    cases = []
    for c in all_of_it.commands:
        lines, plain = [], []
        for o in c.options().values():
            words, files = o.words(all_of_it.sets), o.suffixes()
            if words:
                lines.append('        %s) _ppml_words "$current" "%s"; return ;;' % (o.name, " ".join(words)))
            elif files is not None:
                lines.append('        %s) _ppml_files "$current" %s; return ;;' % (o.name, " ".join(files)))
            elif o.value == "DIR":
                lines.append('        %s) COMPREPLY=($(compgen -d -- "$current")); return ;;' % o.name)
            elif o.value:
                plain.append(o.name)
        if plain:
            lines.append("        %s) return ;;" % " | ".join(plain))
        operands = c.operands()
        cases += ["    %s)" % c.name, "      case $before in"] + [l.replace(" ; return", "; return") for l in lines]
        cases += ["      esac", '      options="%s"' % " ".join(c.options()),
                  '      files="%s"' % ("none" if operands is None else " ".join(operands)), "      ;;"]
    names = " ".join(c.name for c in all_of_it.commands)
    return BASH.replace("@COMMANDS@", names).replace("@CASES@", "\n".join(cases) + "\n")


# ------------------------------------------------------------------------- zsh

def zsh_quoted(text):
    return "'%s'" % text.replace("'", "'\\''")


def zsh_files(suffixes):
    if not suffixes:
        return "_files"
    glob = "*.%s" % suffixes[0] if len(suffixes) == 1 else "*.(%s)" % "|".join(suffixes)
    return '_files -g "%s"' % glob


def zsh(all_of_it):
    out = ["#compdef ppml", (MADE % "zsh").rstrip(), "", "_ppml() {", "  local -a commands=("]
    out += ["    " + zsh_quoted("%s:%s" % (c.name, c.summary)) for c in all_of_it.commands]
    out += ["    'help:what commands and options there are'", "  )",
            "  if ((CURRENT == 2)); then", "    _describe -t commands command commands", "    return", "  fi",
            "  local command=$words[2]", "  words=(\"${(@)words[2,-1]}\")", "  ((CURRENT--))", "  case $command in",
            "    help) ((CURRENT == 2)) && _describe -t commands command commands ;;"]
    for c in all_of_it.commands:
        out.append("    %s)" % c.name)
        out.append("      _arguments \\")
        for o in c.options().values():
            says = re.sub(r"([\[\]:\\])", r"\\\1", brief(o, all_of_it.sets))
            words, files = o.words(all_of_it.sets), o.suffixes()
            spec = o.name + ("[%s]" % says if says else "")
            if o.value:
                spec += ":%s:" % re.sub(r"([:\\])", r"\\\1", o.value)
                spec += ("(%s)" % " ".join(words) if words else zsh_files(files) if files is not None
                         else "_files -/" if o.value == "DIR" else " ")
            out.append("        %s \\" % zsh_quoted(spec))
        operands = c.operands()
        out.append("        '--help[tell the options]'" + (" \\" if operands is not None else ""))
        if operands is not None:
            out.append("        %s" % zsh_quoted("*:file:" + zsh_files(operands)))
        out.append("      ;;")
    return "\n".join(out + ["  esac", "}", "", "_ppml \"$@\""]) + "\n"


# ------------------------------------------------------------------------ fish

def fish_quoted(text):
    return "'%s'" % text.replace("\\", "\\\\").replace("'", "\\'")


def fish_files(suffixes):
    """Files of these endings first, others behind."""
    if not suffixes:
        return "-F"
    return "-k -a %s" % fish_quoted(" ".join("(__fish_complete_suffix .%s)" % s for s in suffixes))


def fish(all_of_it):
    names = " ".join(c.name for c in all_of_it.commands)
    out = [MADE % "fish", "function __ppml_command", "    set -l words (commandline -opc)",
           '    test (count $words) -ge 2; and test "$words[2]" = "$argv[1]"', "end", "",
           "function __ppml_no_command", "    test (count (commandline -opc)) -eq 1", "end", "",
           "complete -c ppml -f",
           "complete -c ppml -n __ppml_no_command -l version -d 'tell the version'",
           "complete -c ppml -l help -d 'tell commands or options'",
           "complete -c ppml -n __ppml_no_command -a help -d 'what commands and options there are'",
           "complete -c ppml -n '__ppml_command help; and test (count (commandline -opc)) -eq 2' -a '%s'" % names]
    for c in all_of_it.commands:
        out += ["", "complete -c ppml -n __ppml_no_command -a %s -d %s" % (c.name, fish_quoted(c.summary))]
        begin = "complete -c ppml -n '__ppml_command %s'" % c.name
        if c.operands() is not None:
            out.append("%s %s" % (begin, fish_files(c.operands())))
        for o in c.options().values():
            words, files, says = o.words(all_of_it.sets), o.suffixes(), brief(o, all_of_it.sets)
            line = "%s %s" % (begin, "-l " + o.name[2:] if o.name.startswith("--") else "-s " + o.name[1:])
            if words:
                line += " -x -a '%s'" % " ".join(words)
            elif files is not None:
                line += " -r " + fish_files(files) if not files else " -x " + fish_files(files)
            elif o.value == "DIR":
                line += " -x -a '(__fish_complete_directories)'"
            elif o.value:
                line += " -x"
            out.append(line + (" -d " + fish_quoted(says) if says else ""))
    return "\n".join(out) + "\n"


def main():
    ppml, folder = sys.argv[1:]
    all_of_it = ppml_help.Help(ppml)
    os.makedirs(folder, exist_ok=True)
    for name, made in (("ppml.bash", bash(all_of_it)), ("_ppml", zsh(all_of_it)), ("ppml.fish", fish(all_of_it))):
        with open(os.path.join(folder, name), "w") as f:
            f.write(made)


main()
