#!/usr/bin/env python3
"""Writes the man pages: ppml(1) and one for each command, ppml(3) and its functions.

    tools/man.py PPML FOLDER        FOLDER/man1, FOLDER/man3

Options and exit statuses are what `PPML help` says, examples are the README's, which tests/readme.sh runs, and
ppml(3) is what ppml.h says; packaging/man.txt has the rest.  SOURCE_DATE_EPOCH or the last commit dates them."""
import os
import re
import subprocess
import sys
import textwrap
import time

sys.dont_write_bytecode = True
import ppml_help

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def read(name):
    with open(os.path.join(ROOT, name)) as f:
        return f.read()


def date():
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if not told:
        done = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%ct"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        told = done.stdout.strip() or os.path.getmtime(os.path.join(ROOT, "CHANGELOG.md"))
    return time.strftime("%Y-%m-%d", time.gmtime(float(told)))


# ------------------------------------------------------------------------ roff

ESCAPES = {"\\": "\\e", "`": "\\(ga", "'": "\\(aq", "^": "\\(ha", "~": "\\(ti"}


def plain(text, is_code=False):
    """Text in which nothing is a command to roff; hyphens that somebody may type are minus signs."""
    text = re.sub(r"[\\`'^~]", lambda m: ESCAPES[m.group(0)], text)
    if is_code:
        return text.replace("-", "\\-")
    text = re.sub(r"(?<![\w-])(--?)(?=[\w-])", lambda m: "\\-" * len(m.group(1)), text)
    return re.sub(r"(?<=\d) %", r"\\ %", text)


def words(text):
    """A call's words: options bold, what stands for something else in italics."""
    out = []
    for part in re.split(r"([\s()\[\]|,=]+)", text):
        if re.fullmatch(r"-.*", part):
            part = "\\fB%s\\fP" % part.replace("-", "\\-")
        elif re.match(r"[A-Z]", part):
            part = "\\fI%s\\fP" % part
        out.append(part)
    return "".join(out)


def sentences(lines):
    """Lines of text: each sentence begins one, as roff wants it."""
    text = plain(" ".join(lines))
    text = re.sub(r"([.:?])  +", r"\1\n", text)
    return [("\\&" if line[0] in ".'" else "") + line for line in text.splitlines()]


def paragraphs(text):
    """Of packaging/man.txt, where lines that begin with a point are roff's."""
    out = []
    for paragraph in text.strip().split("\n\n"):
        out.append(".PP")
        for line in paragraph.splitlines():
            out += [line] if line.startswith(".") else plain(re.sub(r"([.:]) (?=[A-Z])", r"\1\n", line)).splitlines()
    return out[1:]


def code(lines):
    return [".PP", ".nf", ".RS"] + ["\\&" + plain(line, True) for line in lines] + [".RE", ".fi"]


def title(name, section, version):
    return ['.\\" Made by tools/man.py: change `ppml help`, packaging/man.txt or ppml.h instead.',
            '.TH %s %s %s "ppml %s"' % (name.upper(), section, date(), version)]


# -------------------------------------------------------------------- commands

def texts():
    found = {}
    for part in re.split(r"^= ", re.sub(r"^#.*\n", "", read("packaging/man.txt"), flags=re.M), flags=re.M)[1:]:
        name, _, text = part.partition("\n")
        found[name] = text
    return found


def examples(name=None):
    """The README's calls of a command, or the first of those in a row that has all of the way."""
    lines = re.findall(r"^    (ppml [a-z]+ .*)$", read("README.md"), re.M)
    inline = [re.sub(r"\s+", " ", s) for s in re.findall(r"`(ppml [a-z]+ [^`]*\S)`", read("README.md"))]
    every = [re.sub(r"\s+#.*", "", line) for line in lines]
    if name is None:
        return every[:every.index(next(e for e in every if e.startswith("ppml decrypt"))) + 1]
    own = [e for e in every if e.split()[1] == name]
    return own or [e for e in inline if e.split()[1] == name] or ["ppml " + name]


JSON = "Print one JSON object on one line instead of text for people."


def items(found):
    out = []
    for item in found:
        if isinstance(item, ppml_help.Option):
            out += [".TP", words(item.name + (" " + item.value if item.value else ""))]
            out += sentences(item.says) if item.says else [JSON if item.name == "--json" else "\\&"]
            for value, says in item.meanings:
                out += [".RS", ".TP", ".B " + plain(value)] + sentences(says) + [".RE"]
        elif isinstance(item[0], str) and len(item) == 2 and isinstance(item[1], list):
            out += [".TP", ".B " + plain(item[0])] + sentences(item[1])
        else:
            out += [".PP"] + sentences(item)
    return out


def status(statuses):
    out = [".SH EXIT STATUS"]
    for number, meaning in statuses:
        out += [".TP", ".B " + number, plain(meaning[0].upper() + meaning[1:]) + "."]
    return out


def command(c, all_of_it, told):
    out = title("ppml-" + c.name, 1, all_of_it.version)
    out += [".SH NAME", "ppml\\-%s \\- %s" % (c.name, plain(c.summary)), ".SH SYNOPSIS"]
    for i, form in enumerate(c.forms):
        out += [".br"] if i else []
        out.append("\\fBppml %s\\fP%s" % (c.name, words(form.synopsis[len("ppml " + c.name):])))
        out += ["(%s)" % plain(" ".join(form.note))] if form.note else []
    out += [".SH DESCRIPTION"] + paragraphs(told[c.name]) + [".SH OPTIONS"]
    out += ["What holds without an option stands in parentheses."]
    for forms, found in c.groups():
        if len(c.groups()) > 1 and found:
            out.append(".SS ppml %s%s" % (c.name, words(forms[0].synopsis[len("ppml " + c.name):])))
        out += items(found)
    for heading, found in c.sections:
        text = " ".join(heading)
        title_of = [".SS " + plain(text[0].upper() + text[1:].rstrip(":"))]
        out += (title_of if found else [".PP"] + sentences(heading)) + items(found)
    out += [".SH EXAMPLES"]
    for e in examples(c.name):
        out += code([e])
    out += status(all_of_it.statuses)
    out += [".SH FILES"] + paragraphs(told["files"]) + [".SH ENVIRONMENT"] + paragraphs(told["environment"])
    others = [o.name for o in all_of_it.commands if o is not c]
    others = [".BR ppml\\-%s (1)," % o for o in others]
    return out + [".SH SEE ALSO", ".BR ppml (1),"] + others[:-1] + [others[-1].rstrip(",")]


def overview(all_of_it, told):
    out = title("ppml", 1, all_of_it.version)
    out += [".SH NAME", "ppml \\- " + plain(all_of_it.summary)]
    out += [".SH SYNOPSIS", ".B ppml", ".I COMMAND", "\\&...", ".br", ".B ppml help", ".RI [ COMMAND ]", ".br"]
    out += [".B ppml \\-\\-version", ".SH DESCRIPTION"] + paragraphs(told["ppml"])
    out += [".PP", "A file named", ".B \\-", "is standard input or output.", ".SH COMMANDS"]
    for c in all_of_it.commands:
        out += [".TP", ".BR ppml\\-%s (1)" % c.name, plain(c.summary[0].upper() + c.summary[1:]) + "."]
    out += [".SH OPTIONS", ".TP", "\\fB\\-\\-help\\fP", "Print the commands; behind a command, its options.",
            ".TP", "\\fB\\-\\-version\\fP", "Print the version.", ".SH EXAMPLES"] + code(examples())
    out += status(all_of_it.statuses)
    out += [".SH FILES"] + paragraphs(told["files"]) + [".SH ENVIRONMENT"] + paragraphs(told["environment"])
    return out + [".SH SEE ALSO"] + [".BR ppml\\-%s (1)," % c.name for c in all_of_it.commands] + [".BR ppml (3)"]


# --------------------------------------------------------------------- library

COMMENT = re.compile(r"/\*.*?\*/", re.S)


def comment_lines(comment):
    lines = [re.sub(r"^ ?\*? ?", "", line) if i else line for i, line in enumerate(comment[2:-2].splitlines())]
    return [line.rstrip().expandtabs() for line in lines]


def unmarked(lines):
    """Declarations without what only compilers ask for."""
    out, is_moved = [], False
    for line in lines:
        is_moved = line.startswith("PPML_API ") or is_moved and line.startswith(" " * 10)
        line = line[9:] if is_moved else line
        out.append(line.replace(" PPML_MUST_CHECK", ""))
    return "\n".join(out)


def blocks(header):
    """Of ppml.h from the first part on: ("part" or "section", title, text), ("code", lines of it)."""
    begin, end = header.index("/* ====="), header.index("#if defined(__GNUC__)\n#pragma GCC diagnostic pop")
    for block in re.split(r"\n\n+", header[begin:end]):
        part = re.match(r"/\* (=+|-+) ([^-=\n][^\n]*?)(?: \*/)?\n?(?=\n|$)", block)
        if part:
            rest = comment_lines("/*\n" + block[part.end():].rstrip("/* \n") + "*/")
            yield "part" if part.group(1)[0] == "=" else "section", part.group(2).strip(), " ".join(rest).strip()
            continue
        lines = [l for l in block.splitlines() if not l.startswith("#if") and not l.startswith("#e")]
        if lines:
            yield "code", unmarked(lines), ""


def library(version):
    header = read("ppml.h")
    functions = list(dict.fromkeys(re.findall(r"^PPML_API [^;]*?\b(ppml_\w+)\(", header, re.M)))
    opening = comment_lines(COMMENT.match(header).group(0))
    out = title("ppml", 3, version) + [".SH NAME", "ppml \\- " + plain(opening[0].split(" - ", 1)[1].rstrip("."))]
    out += [".SH SYNOPSIS", ".nf", "\\fB#define PPML_IMPLEMENTATION\\fP   /* in one file of the program */"]
    out += ["\\fB#include <ppml.h>\\fP", ".fi"]
    out += [".SH DESCRIPTION"] + code(opening[2:])[1:]
    for kind, text, more in blocks(header):
        if kind == "part":
            out += [".SH " + plain(text.upper())] + ([".PP", plain(more)] if more else [])
        elif kind == "section":
            out += [".SS " + plain(text[0].upper() + text[1:])] + ([".PP", plain(more)] if more else [])
        else:
            out += code(text.splitlines())
    return out + [".SH SEE ALSO", ".BR ppml (1)"], functions


def laid_out(lines):
    """The same as linters want it: text in lines of 80 columns, no paragraph that begins behind a heading."""
    out, filled, before = [], True, ""
    for line in lines:
        filled = {".nf": False, ".fi": True}.get(line, filled)
        if line == ".PP" and before.startswith((".SH", ".SS")):
            continue
        is_text = filled and not line.startswith(".") and before != ".TP"
        parts = textwrap.wrap(line, 78, break_long_words=False, break_on_hyphens=False) if is_text else [line]
        out += [part if i == 0 or part[0] not in ".'" else "\\&" + part for i, part in enumerate(parts)]
        before = line
    return out


def write(folder, name, lines):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w") as f:
        f.write("\n".join(laid_out([line for line in lines if line])) + "\n")


def main():
    ppml, folder = sys.argv[1:]
    all_of_it, told = ppml_help.Help(ppml), texts()
    ones, threes = os.path.join(folder, "man1"), os.path.join(folder, "man3")
    write(ones, "ppml.1", overview(all_of_it, told))
    for c in all_of_it.commands:
        write(ones, "ppml-%s.1" % c.name, command(c, all_of_it, told))
    pages, functions = library(all_of_it.version)
    write(threes, "ppml.3", pages)
    for name in functions:
        write(threes, name + ".3", [".so man3/ppml.3"])


main()
