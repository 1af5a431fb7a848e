"""Scenarios by their names: unique among those of one run, chosen by a part of the name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from harness.errors import InvalidFile, Problem, UsageError


class Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str:
        """The name."""
        ...


N = TypeVar("N", bound=Named)


def unique_name(name: str, path: Path, taken: set[str]) -> str:
    """A name that no other scenario of this run has, as reports keep one file for each."""
    if name not in taken:
        return name
    longer = f"{path.resolve().parent.name}-{name}"
    candidates = [longer, *(f"{longer}-{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)


def each_named(
    paths: Iterable[str | Path],
    found_in: Callable[[str | Path], Iterable[N]],
    called: Callable[[N, str], N],
) -> tuple[N, ...]:
    """What several files hold, in order, with names that are unique among them.

    `called` gives one another name.

    Raises: InvalidFile with the problems of all files; what else `found_in` does.
    """
    found: list[N] = []
    problems: list[Problem] = []
    taken: set[str] = set()
    for path in paths:
        try:
            several = found_in(path)
        except InvalidFile as error:
            problems += error.problems
            continue
        for one in several:
            name = unique_name(one.name, Path(path), taken)
            taken.add(name)
            found.append(one if name == one.name else called(one, name))
    if problems:
        raise InvalidFile(problems)
    return tuple(found)


def named(scenarios: Sequence[N], texts: Sequence[str]) -> tuple[N, ...]:
    """The scenarios that have one of some texts in their name; all of them where none is given.

    Raises: UsageError when there is none.
    """
    chosen = [one for one in scenarios if not texts or any(text in one.name for text in texts)]
    if not chosen:
        wanted = " or ".join(texts)
        names = ", ".join(one.name for one in scenarios[:8])
        raise UsageError(f"no scenario has {wanted} in its name; there are {names}")
    return tuple(chosen)
