# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived.conf as a tree of statements: comments, quotes, blocks, conditional lines, definitions, includes.

Pure, and total: any text gives a tree, and remarks on what is not understood. The effort is linear in the text, and
bounded where one line of it can become many.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .remark import ERROR, Remark

MAIN_FILE = "/etc/keepalived/keepalived.conf"

# keepalived's own bound on a line; and ours on what definitions and includes may grow to.
_LINE_MAX = 1024
_LINES_MAX = 200_000
_SUBSTITUTIONS_MAX = 64

_STOPS = re.compile(r'[!#"\\]')
_INCLUDE = re.compile(r"include[rmwba]?[ \t]+(.*)")
_DEFINITION = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)=[ \t]*(.*)")
_PARAMETER = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*)(?=[ \t]|$))")
_BRACES = re.compile(r'"[^"]*(?:"|$)|([{}])')
_WORD = re.compile(r'"([^"]*)"?|([^ \t"]+)')


@dataclass
class Statement:
    """A line's words, where they stand, and the block behind them: None where there is none."""

    words: list[str]
    line: int
    file: str = ""
    block: list[Statement] | None = None

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0]


@dataclass(frozen=True)
class Tree:
    """The statements of the top level, what was strange, and the included files that nobody has given."""

    statements: list[Statement]
    remarks: list[Remark]
    missing: list[str]


def parse(text: str, config_id: str = "", files: Mapping[str, str] | None = None, path: str = MAIN_FILE) -> Tree:
    """The tree of a configuration.

    `config_id` is what keepalived compares conditional lines (`@lb1 ...`) with: the host's short name by default.
    `files` are the included files by their path.
    """
    reader = _Reader(config_id, files or {}, path)
    builder = _Builder(reader.remarks)
    for piece, line, file in reader.pieces(text):
        builder.add(piece, line, file)
    return Tree(builder.finish(), reader.remarks, reader.missing)


@dataclass
class _Source:
    """A file that is being read."""

    path: str
    lines: Iterator[tuple[int, str]]


@dataclass
class _Reader:
    """Lines as keepalived sees them: without comments, conditions decided, parameters replaced, braces apart."""

    config_id: str
    files: Mapping[str, str]
    path: str
    remarks: list[Remark] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    definitions: dict[str, str] = field(default_factory=dict)

    def pieces(self, text: str) -> Iterator[tuple[str, int, str]]:
        """Each piece is a brace or a line without one; with its line and, if it was included, its file."""
        self.definitions["_INSTANCE"] = self.config_id
        stack, count = [_source(self.path, text)], 0
        while stack:
            number, line = next(stack[-1].lines, (0, ""))
            if not number:
                stack.pop()
                continue
            count += 1
            file = "" if stack[-1].path == self.path else stack[-1].path
            if count > _LINES_MAX:
                self._note(number, file, "", "the configuration is too long to be read", "shorten it")
                return
            line = self._plain(line, number, file)
            included = _INCLUDE.fullmatch(line)
            if included:
                stack += self._open(included.group(1), stack, number, file)
            else:
                yield from ((piece, number, file) for piece in _split_at_braces(line))

    def _plain(self, line: str, number: int, file: str) -> str:
        """A line without what is not for this host; empty where nothing is left."""
        if len(line) > _LINE_MAX:
            self._note(number, file, "", "the line is longer than keepalived reads", f"keep it under {_LINE_MAX}")
            return ""
        line = self._condition(_decomment(line))
        defined = _DEFINITION.fullmatch(line)
        if defined:
            if defined.group(2).endswith("\\"):
                do = "write it out, or give the text that it stands for"
                self._note(number, file, "$", "a definition of several lines is not followed", do)
            self.definitions[defined.group(1)] = defined.group(2)
            return ""
        if line.startswith("~"):
            self._note(number, file, line[:4], "a sequence of lines is not followed", "write the lines out")
            return ""
        return self._substitute(line, number, file) if "$" in line else line

    def _condition(self, line: str) -> str:
        """`@id words` counts on the host of that id alone, `@^id words` everywhere else."""
        while line.startswith("@"):
            name, _space, rest = line[1:].replace("\t", " ").partition(" ")
            negative = name.startswith("^")
            if (name.lstrip("^") == self.config_id) == negative or not rest:
                return ""
            line = rest.strip()
        return line

    def _substitute(self, line: str, number: int, file: str) -> str:
        """Put in what is defined, again and again as keepalived does, but not for ever."""
        position = 0
        for _again in range(_SUBSTITUTIONS_MAX):
            found = _PARAMETER.search(line, position)
            if found is None:
                return self._condition(_decomment(line))
            name = found.group(1) or found.group(2)
            if name in self.definitions:
                line = line[: found.start()] + self.definitions[name] + line[found.end() :]
                if len(line) > _LINE_MAX:
                    break
                continue
            if name.startswith("_"):
                self._note(number, file, "$", "keepalived fills in a value here that is not known", "write it out")
            position = found.end()
        self._note(number, file, "$", "the definitions in this line lead to no end", "write it out")
        return ""

    def _open(self, pattern: str, stack: list[_Source], number: int, file: str) -> list[_Source]:
        """The included files that were given, the last one first, as the stack wants them."""
        pattern = posixpath.normpath(posixpath.join(posixpath.dirname(stack[-1].path), pattern.strip().strip('"')))
        deep = pattern.count("/")  # a wildcard of a shell never stands for a slash
        found = sorted(one for one in self.files if one.count("/") == deep and fnmatch.fnmatchcase(one, pattern))
        if not found:
            self.missing.append(pattern)
            means = "the included file was not given, or there is none"
            self.remarks.append(Remark(ERROR, number, "include", means, "give its text, or remove the line", file=file))
        running = [source.path for source in stack]
        if any(path in running for path in found):
            self._note(number, file, "include", "a file includes itself", "remove the line")
        return [_source(path, self.files[path]) for path in reversed(found) if path not in running]

    def _note(self, line: int, file: str, keyword: str, means: str, do: str) -> None:
        self.remarks.append(Remark(ERROR, line, keyword, means, do, file=file))


class _Builder:
    """Puts pieces together to a tree, without recursion: depth is the text's choice, not ours."""

    def __init__(self, remarks: list[Remark]) -> None:
        self._remarks = remarks
        self._top: list[Statement] = []
        self._open: list[Statement] = []

    def add(self, piece: str, line: int, file: str) -> None:
        """Take the next brace or line."""
        block = self._open[-1].block if self._open else self._top
        if piece == "{":
            self._begin(block if block is not None else [], line, file)
        elif piece == "}":
            if self._open:
                self._open.pop()
            else:
                self._strange(line, file, "}", "closes a block that nobody has opened")
        else:
            words = [quoted or plain for quoted, plain in _WORD.findall(piece)]
            if words and block is not None:
                block.append(Statement(words, line, file))

    def finish(self) -> list[Statement]:
        """All statements of the top level."""
        for statement in self._open:
            self._strange(statement.line, statement.file, "{", "opens a block that is never closed")
        return self._top

    def _begin(self, block: list[Statement], line: int, file: str) -> None:
        if block and block[-1].block is None:
            block[-1].block = []
        else:
            self._strange(line, file, "{", "opens a block that belongs to no keyword")
            block.append(Statement(["{"], line, file, []))
        self._open.append(block[-1])

    def _strange(self, line: int, file: str, brace: str, means: str) -> None:
        do = "mend the braces: what keepalived makes of it is not what it looks like"
        self._remarks.append(Remark(ERROR, line, brace, means, do, file=file))


def _source(path: str, text: str) -> _Source:
    return _Source(path, iter([(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), 1)]))


def _decomment(line: str) -> str:
    """Without the comment, which begins with # or ! outside of double quotes; a backslash before one escapes it."""
    kept, start, quoted = [], 0, False
    for found in _STOPS.finditer(line):
        if found.start() < start:
            continue
        sign = found.group()
        if sign == '"':
            quoted = not quoted
        elif sign == "\\":
            kept.append(line[start : found.start()])
            escaped = line[found.start() : found.start() + 2]
            kept.append(escaped[1:] if not quoted and escaped[1:] in ("#", "!") else escaped)
            start = found.start() + 2
        elif not quoted:
            line = line[: found.start()]
            break
    return ("".join(kept) + line[start:]).strip(" \t")


def _split_at_braces(line: str) -> Iterator[str]:
    """keepalived reads on after each brace as if a new line began."""
    start = 0
    for found in _BRACES.finditer(line):
        if found.group(1):
            yield from filter(None, (line[start : found.start()].strip(" \t"),))
            yield found.group(1)
            start = found.end()
    yield from filter(None, (line[start:].strip(" \t"),))
