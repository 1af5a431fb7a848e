"""What whoever imports says of the data: which part of it is meant, and what is bad in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.incident.instants import CLOCK_FROM_S, written_instant
from harness.units import parse_duration, parse_share

_COMPARED = re.compile(r"(<=|>=|<|>|==|=)\s*(.+)")
_WORD = re.compile(r"[a-z0-9]+")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The part of the data that is meant, and what counts as bad."""

    upstream: str | None
    bad: Callable[[float], bool] | None = None
    bad_text: str = ""

    def names(self, text: str) -> bool:
        """Whether a text names the upstream: `mail-server:8080` names mail."""
        if self.upstream is None:
            return False
        name, words = _plain(self.upstream), _plain(text)
        return f" {name} " in f" {words} "

    def chosen(
        self, items: Sequence[Item], texts: Callable[[Item], Iterable[str]]
    ) -> Sequence[Item]:
        """The items that name the upstream; all of them where none does."""
        ours = [item for item in items if any(self.names(text) for text in texts(item))]
        return ours or items

    def remarks(
        self,
        file: str,
        what: str,
        items: Sequence[Item],
        texts: Callable[[Item], Iterable[str]],
    ) -> list[str]:
        """What a reader should know of how items were chosen; `what` they are, in the plural."""
        named = sum(any(self.names(text) for text in texts(item)) for item in items)
        if named and named < len(items):
            return [f"{file}: {len(items) - named} of {len(items)} {what} are of others"]
        if self.upstream and not named and any(any(texts(item)) for item in items):
            return [f"{file}: none of its {what} names {self.upstream}; all are taken for it"]
        return []

    def written(self, at_s: float) -> str:
        """An instant, for a note."""
        return written_instant(at_s, clock=at_s >= CLOCK_FROM_S)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def parse_bad(text: str) -> Callable[[float], bool]:
    """What is bad, from `> 0.05`, `> 5%`, `< 1`, `== 0`, `> 500ms`.

    Raises: ValueError when it is no comparison with a number.
    """
    match = _COMPARED.fullmatch(text.strip())
    bound = None if match is None else _bound(match[2])
    if match is None or bound is None:
        raise ValueError("expected a comparison, such as '> 5%', '< 1' or '> 500ms'")
    limit: float = bound
    return {
        "<": lambda value: value < limit,
        "<=": lambda value: value <= limit,
        ">": lambda value: value > limit,
        ">=": lambda value: value >= limit,
        "=": lambda value: value == limit,
        "==": lambda value: value == limit,
    }[match[1]]


def _bound(text: str) -> float | None:
    parsers: tuple[Callable[[str], float], ...] = (float, parse_share, parse_duration)
    for parse in parsers:
        try:
            return parse(text)
        except ValueError:
            continue
    return None
