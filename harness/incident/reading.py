"""What whoever imports says of the data: which part of it is meant, and what is bad in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import TypeVar

from harness.frozen import Frozen
from harness.incident.evidence import refuse
from harness.incident.instants import CLOCK_FROM_S, written_instant
from harness.units import parse_duration, parse_share

_COMPARED = re.compile(r"(<=|>=|<|>|==|=)\s*(.+)")
_WORD = re.compile(r"[a-z0-9]+")
Item = TypeVar("Item")


class Wanted(Frozen, kw_only=True):
    """The part of the data that is meant, and what counts as bad."""

    upstream: str | None
    called: tuple[str, ...] = ()
    """What the data calls it, where that isn't the upstream's name."""
    until_s: float | None = None
    """Until when what has no end is to be played, in seconds since 1970."""
    zone: tzinfo = UTC
    """Of times that name none."""
    bad: Callable[[float], bool] | None = None
    bad_text: str = ""

    def names(self, text: str) -> bool:
        """Whether a text names the upstream: `mail-server:8080` names mail."""
        words = f" {_plain(text)} "
        return any(f" {_plain(name)} " in words for name in self.all_names)

    @property
    def all_names(self) -> tuple[str, ...]:
        """What it is called: by scenarios, then by the data."""
        return self.called if self.upstream is None else (self.upstream, *self.called)

    @property
    def in_words(self) -> str:
        """The same, for a person."""
        return " or ".join(self.all_names)

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
        if self.all_names and not named and any(any(texts(item)) for item in items):
            return [f"{file}: none of its {what} names {self.in_words}; all are taken for it"]
        return []

    def one_of(
        self,
        file: str,
        what: str,
        items: Sequence[Item],
        texts: Callable[[Item], Iterable[str]],
        thing: Callable[[Item], str],
        *,
        line: int = 0,
    ) -> None:
        """Refuse items of several things where none names what is meant: no mean of them is its.

        `thing` is what an item is surely about, empty where that isn't said.

        Raises: InvalidFile.
        """
        things = dict.fromkeys(name for item in items if (name := thing(item)))
        if not self.all_names or any(self.names(text) for item in items for text in texts(item)):
            return
        if len(things) > 1:
            refuse(
                file, line,
                f"none of its {what} names {self.in_words}, and they are of several: "
                f"{', '.join(things)[:120]}; say which is meant: --called NAME",
            )  # fmt: skip

    def written(self, at_s: float) -> str:
        """An instant, for a note."""
        return written_instant(at_s, clock=at_s >= CLOCK_FROM_S)


def service(labels: Mapping[str, str]) -> str:
    """Whose a series or an alert is, by the labels that monitoring has for it; empty if none."""
    return next((str(labels[label]) for label in _SERVICES if labels.get(label)), "")


_SERVICES = (
    "service", "service_name", "app", "application", "job", "upstream", "destination_service",
    "destination_service_name", "envoy_cluster_name",
)  # fmt: skip


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
