# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML that cannot be broken by what is put into it: every text is escaped, unless it was made here. Pure."""

from __future__ import annotations

import html
import json
from typing import Any

_EMPTY = ("br", "meta")


class Html(str):
    """Text that is HTML already."""


def tag(element: str, /, *children: Any, **attributes: Any) -> Html:
    """An element; an attribute's trailing _ falls off, its other _ become -, and None leaves it out."""
    words = [
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_text(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    ]
    opened = f"<{element}{''.join(words)}>"
    return Html(opened if element in _EMPTY else f"{opened}{join(*children)}</{element}>")


def join(*children: Any) -> Html:
    """One after the other; lists are taken apart."""
    return Html("".join(_child(child) for child in children))


def data(identifier: str, value: Any) -> Html:
    """A value for programs that read the page; nothing in it ends the element."""
    text = json.dumps(value, sort_keys=True)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Html(f'<script type="application/json" id="{html.escape(identifier, quote=True)}">{text}</script>')


def _child(child: Any) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, (list, tuple)):
        return join(*child)
    return html.escape(_text(child), quote=False)


def _text(value: Any) -> str:
    """Without control characters, which no HTML may have."""
    return "".join(
        character for character in str(value) if character in "\t\n" or character >= " " and character != "\x7f"
    )
