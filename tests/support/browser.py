# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page as a real browser has it: its elements after the scripts have run, what they complained of, and a picture.

The browser is Debian's chromium, without a screen and without a network.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

_CHROMIUM = (
    "/usr/bin/chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)
_EMPTY = ("meta", "br", "link", "img", "input", "hr")
_TIMEOUT_S = 60


@dataclass
class Element:
    """An element with its attributes, its own text and its children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def find(self, name: str = "", **attributes: str) -> Iterator[Element]:
        """All elements below with that name, class (class_) and attributes (_ for -)."""
        for child in self.children:
            if name in ("", child.name) and all(child.has(key, value) for key, value in attributes.items()):
                yield child
            yield from child.find(name, **attributes)

    def one(self, name: str = "", **attributes: str) -> Element:
        """The only one; an error if there is none or several."""
        [found] = self.find(name, **attributes)
        return found

    def has(self, key: str, value: str) -> bool:
        """Whether an attribute has that value; of classes, whether it is among them."""
        if key == "class_":
            return value in self.attributes.get("class", "").split()
        return self.attributes.get(key.replace("_", "-")) == value

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join([*self.words, *(child.text for child in self.children)])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _EMPTY:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if any(element.name == tag for element in self._open[1:]):
            while self._open.pop().name != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].words.append(data)


def read(text: str) -> Element:
    """HTML as a tree."""
    reader = _Reader()
    reader.feed(text)
    return reader.root


def open_page(path: Path) -> tuple[Element, list[str]]:
    """The page's tree after its scripts have run, and what the browser's console says of it."""
    result = _run(path, "--dump-dom")
    return read(result.stdout.decode()), [line for line in result.stderr.decode().splitlines() if "CONSOLE" in line]


def picture(path: Path, width: int, height: int) -> list[bytes]:
    """The page as it is shown, as rows of three bytes a pixel."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        _run(path, f"--screenshot={shot}", f"--window-size={width},{height}")
        return pixels(shot.read_bytes())


def pixels(png: bytes) -> list[bytes]:
    """The rows of a PNG with 8 bits a colour, with or without transparency, not interlaced; three bytes a pixel."""
    width, height, unused_depth, kind = struct.unpack(">IIBB", png[16:26])
    size = {2: 3, 6: 4}[kind]
    data, packed, place = b"", b"", 8
    while place < len(png):
        length, name = struct.unpack(">I4s", png[place : place + 8])
        packed += png[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += 12 + length
    data, rows, before = zlib.decompress(packed), [], bytes(width * size)
    for number in range(height):
        start = number * (width * size + 1)
        before = _unfilter(data[start], data[start + 1 : start + 1 + width * size], before, size)
        rows.append(before)
    return [bytes(row[at] for at in range(len(row)) if at % size < 3) for row in rows]


def colours(rows: list[bytes]) -> set[tuple[int, ...]]:
    """All colours in a picture."""
    return {tuple(row[at : at + 3]) for row in set(rows) for at in range(0, len(row), 3)}


def shows(found: set[tuple[int, ...]], colour: tuple[int, int, int], off_by: int = 12) -> bool:
    """Whether a colour is among them, or one that cannot be told apart: edges are smoothed."""
    return any(max(abs(one - other) for one, other in zip(colour, near)) <= off_by for near in found)


def _unfilter(kind: int, row: bytes, above: bytes, size: int) -> bytes:
    """PNG's filters (RFC 2083 6): each byte was made smaller by its neighbours' value."""
    if kind == 0:
        return row
    out = bytearray(row)
    for at in range(len(row)):
        left, up, corner = (out[at - size], above[at], above[at - size]) if at >= size else (0, above[at], 0)
        out[at] = (row[at] + (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]) & 0xFF
    return bytes(out)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def _run(path: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(
            [*_CHROMIUM, f"--user-data-dir={profile}", *words, path.resolve().as_uri()],
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
