"""What comes from files, targets and stubs, made fit to be shown: nothing in it is a command.

A terminal obeys escape sequences, a CI server lines that begin in its own way, and an editor shows
text in the order that a character asks for. Here such characters are shown as Python writes them.
"""

from __future__ import annotations

import re

_LAID_OUT = "\t\n\r"
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_ORDERS = (0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
"""Line separators, and what turns the direction of writing."""
_LONE = range(0xD800, 0xE000)
"""Halves of a character: no encoding has them."""
_ALL = {code: ascii(chr(code))[1:-1] for code in (*_CONTROLS, *_ORDERS, *_LONE)}
_INLINE = {code: text for code, text in _ALL.items() if chr(code) not in _LAID_OUT}


_COMMAND = re.compile(
    r"^(?P<before>[^\S\n]*):(?=:[A-Za-z][\w-]*(?: [^\n]*)?::)|#(?=#(?:vso|teamcity)?\[)",
    re.MULTILINE,
)
"""What GitHub's runner obeys at the start of a line, and Azure's and TeamCity's anywhere."""


def in_line(text: str) -> str:
    """A text on one line, whatever it holds, its own line breaks escaped, too."""
    return _tamed(text.translate(_ALL))


def printable(text: str) -> str:
    """A text with its own lines and tabs; everything else that commands is escaped."""
    return _tamed(without_controls(text))


def without_controls(text: str) -> str:
    """The same for what this program says itself, to a CI server, too."""
    return text.translate(_INLINE)


def _tamed(text: str) -> str:
    """A text whose commands to CI servers begin with an escaped character."""
    return _COMMAND.sub(lambda found: f"{found['before'] or ''}\\x{ord(found[0][-1]):x}", text)
