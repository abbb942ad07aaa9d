#!/usr/bin/env python3
"""Is what `ppml help` says of options true?  Each one that is listed is taken by its command, in the form of
the call where it is listed; and each one that a source of the command asks for is listed somewhere.

    tests/options.py PPML"""
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tools"))
import ppml_help

# There is none such: options are looked at before anything is done.
REFUSED = "--no-such-option"


def words_of(synopsis):
    """The form's own words, of operands names of no file, and numbers where single letters stand."""
    words = [w.strip("()").split("|")[0].replace("...", "") for w in synopsis.split()[2:] if w[0] != "[" and w != "..."]
    return ["1" if re.fullmatch("[A-Z]", w) else w for w in words]


def is_taken(ppml, command, own, option, sets):
    """None, or what is said instead.  Nothing is run, as there is no last option; of numbers some value will do."""
    for value in option.words(sets)[:1] or (["1", "2", "50", "8,8"] if option.value else [""]):
        words = own + [option.name] + ([value] if value else []) + [REFUSED]
        done = subprocess.run([ppml, command] + words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode == 64 and REFUSED in done.stderr.decode():
            return None
    return "ppml %s %s: %s" % (command, " ".join(words), done.stderr.decode().strip())


def calls(command):
    """Words of a call and an option that may be among them, each; those of a section go behind its first."""
    for forms, items in command.groups():
        own = words_of(forms[0].synopsis)
        yield from ((own, i) for i in items if isinstance(i, ppml_help.Option))
    own = words_of(command.forms[0].synopsis)
    for _, items in command.sections:
        options = [i for i in items if isinstance(i, ppml_help.Option)]
        yield from ((own + ([options[0].name, "1"] if o is not options[0] else []), o) for o in options)


def main():
    ppml = sys.argv[1]
    told = ppml_help.Help(ppml)
    wrong, tried, listed = [], 0, {"--help", "--version"}
    for c in told.commands:
        listed |= set(c.options())
        for own, option in calls(c):
            if option.name not in own:
                tried += 1
                wrong.append(is_taken(ppml, c.name, own, option, told.sets))
    wrong = [w for w in wrong if w]
    asked = set()
    for name in glob.glob(os.path.join(ROOT, "examples", "cli", "*.c")):
        with open(name) as f:
            asked |= set(re.findall(r'args_\w+\(&?a, "(--?[a-z-]+)"', f.read()))
    wrong += ["%s is listed by no command" % name for name in sorted(asked - listed)]
    listed -= {"--help", "--version"}
    wrong += ["%s is listed, and asked for by no source" % name for name in sorted(listed - asked)]
    for line in wrong:
        print("tests/options.py: FAILED: " + line)
    print("tests/options.py: %d options of calls, %d names, %d wrong" % (tried, len(asked), len(wrong)))
    return 1 if wrong else 0


sys.exit(main())
