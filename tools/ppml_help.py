"""What `ppml help` says, taken apart: man pages and completions are made of it, so that none of them can say
anything else than the command does.

A command's help is one or more forms, each with its options:

    ppml NAME --option VALUE FILE [--flag]    a note
      --option a|b|VALUE       what it does (its default)
          a                    what that value is
      other text

and sections behind them: a line that is not indented, then options, text or terms."""
import re
import subprocess

SUFFIX = re.compile(r"^[A-Z]+\.([a-z]+)$")
FOLDERS = {"DIR"}
FILES = {"SK", "EK", "FILE", "IMAGE"}


class Option:
    """--name VALUE; value is None of a flag."""

    def __init__(self, name, value, says):
        self.name, self.value, self.says = name, value, says
        self.meanings = []  # of values: [value, what it is]

    def words(self, sets):
        """Values that can be listed: those in small letters, and the names of parameter sets."""
        parts = (self.value or "").split("|")
        words = [p for p in parts if len(parts) > 1 and re.fullmatch(r"[a-z][a-z0-9-]*", p)]
        return words + (sets if "SET" in parts else [])

    def suffixes(self):
        """Endings of the files that it names: [] of any file, None where it names no file."""
        return suffixes_of((self.value or "").split("|"))


class Form:
    """A way to call the command: how, a note to that, and its options and text in their order."""

    def __init__(self, synopsis, note):
        self.synopsis, self.note = synopsis, [note] if note else []
        self.items = []  # Option, [term, text] or text, as a list of lines


class Command:
    def __init__(self, name, summary, text):
        self.name, self.summary = name, summary
        self.forms = []
        self.sections = []  # (heading, items)
        self.take_apart(text)

    def take_apart(self, text):
        items, last = None, None  # last: the lines that the next one may go on with
        for line in text.splitlines():
            body, indent = line.strip(), len(line) - len(line.lstrip())
            if re.match(r"ppml %s\b" % self.name, line):
                synopsis, _, note = re.match(r"(.*?)(\s{3,}(.*))?$", line).groups()
                form = Form(synopsis, note)
                self.forms.append(form)
                items, last = form.items, form.note
            elif indent == 0 and self.sections and not self.sections[-1][1]:
                self.sections[-1][0].append(body)
            elif indent == 0:
                self.sections.append(([body], []))
                items, last = self.sections[-1][1], None
            elif indent >= 10:
                last.append(body)
            elif indent == 6:
                value, says = re.match(r"(\S+)\s+(.*)", body).groups()
                last = [says]
                items[-1].meanings.append([value, last])
            elif body.startswith("-"):
                head, _, says = re.match(r"(.*?)(\s{2,}(.*))?$", body).groups()
                name, _, value = head.partition(" ")
                last = [says] if says else []
                items.append(Option(name, value or None, last))
            elif re.match(r"\S+\s{3,}\S", body):
                term, says = re.match(r"(\S+)\s+(.*)", body).groups()
                last = [says]
                items.append([term, last])
            else:
                if not (items and isinstance(items[-1], list) and isinstance(items[-1][0], str) and last is items[-1]):
                    items.append([])
                last = items[-1]
                last.append(body)

    def groups(self):
        """Forms in a row share what follows the last of them: (those forms, items)."""
        found, row = [], []
        for form in self.forms:
            row.append(form)
            if form.items or form is self.forms[-1]:
                found.append((row, form.items))
                row = []
        return found

    def options(self):
        """Every option, by its name: those of the forms' own lines too.  Of several the one that lists its values."""
        found = {}
        for form in self.forms:
            words = form.synopsis.split()[2:]
            for word, after in zip(words, words[1:] + [""]):
                name = word.strip("[]")
                if name.startswith("-"):
                    is_flag = word.endswith("]") or not after or after.startswith(("-", "["))
                    found.setdefault(name, Option(name, None if is_flag else after.strip("[]"), []))
        for _, items in [(None, f.items) for f in self.forms] + self.sections:
            for o in items:
                if isinstance(o, Option) and (o.name not in found or not found[o.name].says):
                    found[o.name] = o
        return found

    def operands(self):
        """Endings of the files that it takes: [] of any, None where it takes none."""
        kinds = []
        for form in self.forms:
            words = form.synopsis.split()[2:]
            options = self.options()
            for before, word in zip([""] + words, words):
                valued = before in options and options[before].value
                if not valued and not word.strip("[]").startswith("-"):
                    kinds += word.strip("()").split("|")
        return suffixes_of([k for k in kinds if k != "..."])


def suffixes_of(kinds):
    kinds = [k.replace("...", "") for k in kinds]
    files = [k for k in kinds if k in FILES or SUFFIX.match(k)]
    if not files:
        return None
    if any(k in FILES for k in files):
        return []
    return sorted({SUFFIX.match(k).group(1) for k in files})


def said(ppml, *words):
    return subprocess.run([ppml] + list(words), stdout=subprocess.PIPE, check=True).stdout.decode()


class Help:
    """All of it: version, what the command is, commands, what is said below them, names of parameter sets."""

    def __init__(self, ppml):
        lines = said(ppml, "help").splitlines()
        self.version, self.summary = re.match(r"ppml ([\d.]+): (.*)", lines[0]).groups()
        self.commands = []
        for line in lines[1:]:
            found = re.match(r"  ppml (\S+)\s+(.*)", line)
            if found:
                self.commands.append(Command(found.group(1), found.group(2), said(ppml, "help", found.group(1))))
        below = " ".join(lines[lines.index("", 2) + 1:])
        status = re.search(r"Exit status: (.*)\.$", below).group(1)
        self.statuses = [s.split(" ", 1) for s in status.split(", ")]
        self.sets = [line for line in said(ppml, "info", "--params").splitlines() if line and line[0] != " "]
