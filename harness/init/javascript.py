"""JavaScript as far as patterns can read it: strings and comments told apart, brackets matched."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from msgspec import Struct, field

_PIECE = re.compile(
    r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`"
    r"|(?<=[(,=:\[!&|?{};\n])(?P<blank>\s*)/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/",
    re.DOTALL,
)
"""A comment, a string, a template, or a regular expression where only one can stand."""
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_STRING = re.compile(r"\s*(['\"`])((?:\\.|(?!\1).)*)\1\s*$", re.DOTALL)


class Script(Struct):
    """One file's text, and the same with what stands in strings and comments blanked out."""

    text: str
    code: str = ""
    _closed: dict[int, int] = field(default_factory=dict)
    """Where each bracket is closed, by where it was opened."""
    _blocks: list[tuple[int, int]] = field(default_factory=list)
    """What stands in braces: from where to where, in order."""

    def __post_init__(self) -> None:
        self.code = _PIECE.sub(_blanked, self.text)
        opened: list[tuple[str, int]] = []
        for match in re.finditer(r"[(){}\[\]]", self.code):
            if match[0] in _CLOSING:
                opened.append((match[0], match.start()))
            elif opened and _CLOSING[opened[-1][0]] == match[0]:
                self._closed[opened.pop()[1]] = match.start()
        self._blocks = sorted((a, b) for a, b in self._closed.items() if self.code[a] == "{")

    def closed(self, opened: int) -> int:
        """Where the bracket is closed that is opened at an index; the end where it never is."""
        return self._closed.get(opened, len(self.code))

    def block(self, index: int) -> tuple[int, int]:
        """The innermost braces around an index; all of the text where there are none."""
        for begin, end in reversed(self._blocks[: bisect_right(self._blocks, (index, 0))]):
            if end > index:
                return begin, end
        return -1, len(self.code)

    def arguments(self, opened: int) -> list[tuple[int, int]]:
        """From where to where each piece between commas goes, in the bracket opened at an index."""
        end = self.closed(opened)
        found, begin, at = [], opened + 1, opened + 1
        while at < end:
            if self.code[at] in _CLOSING:
                at = self.closed(at)
            elif self.code[at] == ",":
                found.append((begin, at))
                begin = at + 1
            at += 1
        found.append((begin, end))
        return [piece for piece in found if self.code[slice(*piece)].strip()]

    def string(self, piece: tuple[int, int]) -> str | None:
        """What a string says that stands alone there."""
        match = _STRING.match(self.text[slice(*piece)])
        return match[2] if match else None

    def members(self, opened: int) -> Iterator[tuple[str, tuple[int, int]]]:
        """Name and value of each member of the object whose brace is opened at an index."""
        for begin, end in self.arguments(opened):
            match = re.match(r"\s*(?:async\s+)?['\"]?(\w+)['\"]?\s*(:?)", self.text[begin:end])
            if match:
                yield match[1], (begin + match.end() if match[2] else begin, end)


def _blanked(match: re.Match[str]) -> str:
    """As long as before, with quotes where a string stands."""
    said = match[0]
    if said[0] in "'\"`":
        return said[0] + re.sub(r"[^\n]", " ", said[1:-1]) + said[0]
    return re.sub(r"[^\n]", " ", said)
