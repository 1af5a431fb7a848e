"""Whether the simulation can be trusted with a target: one seed played twice and compared.

Each play has a nursery of its own, so nothing is shared but the machine.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from harness.engines.base import Job
from harness.frozen import Frozen
from harness.history.events import Event, Logged, Trouble
from harness.history.lines import to_json

from .engine import ESCAPED, SUMMARY, SimEngine


class Difference(Frozen, kw_only=True):
    """The first line in which two histories of one seed differ; an empty text means no line."""

    line: int
    """From 1."""
    first: str
    second: str

    def __str__(self) -> str:
        """Both lines, one above the other."""
        once, again = self.first or "(ended)", self.second or "(ended)"
        return f"line {self.line}:\n  once  {once}\n  again {again}"


class Determinism(Frozen, kw_only=True):
    """What playing a seed twice showed."""

    seed: int
    difference: Difference | None
    escapes: tuple[str, ...]
    """What got out of the simulation, each beginning with file and line."""
    remarks: tuple[str, ...]
    """What a reader should know, though it harms nothing."""
    troubles: tuple[str, ...]
    """What else went wrong: the target could not be imported, say."""
    summary: str

    @property
    def trustworthy(self) -> bool:
        """Whether verdicts of the simulation count for this target."""
        return self.difference is None and not self.escapes and not self.troubles

    def lines(self) -> tuple[str, ...]:
        """The finding for a person's eyes: a sentence each."""
        if self.trustworthy:
            return (
                f"Played twice with seed {self.seed}: same history. The simulation's verdicts "
                f"count for it; the last play: {self.summary}",
                *self.remarks,
            )
        found = ["This gateway can't be trusted in the simulation:"]
        found += [*self.escapes, *self.troubles]
        if self.difference is not None:
            found.append(f"two plays of seed {self.seed} differ from {self.difference}")
        return (*found, *self.remarks)


def check_determinism(job: Job, *, points: float | None = None, lines: bool = False) -> Determinism:
    """Play a job twice and compare.

    Raises: WorldError when it can't be played at all.
    """
    histories = []
    for _ in range(2):
        engine = SimEngine(points=points, lines=lines)
        try:
            histories.append(engine.play_now(job))
        finally:
            engine.close_now()
    first, second = histories
    said = [e.line for e in first if isinstance(e, Logged) and e.source == "simulation"]
    wrong = [e.what for e in first if isinstance(e, Trouble)]
    return Determinism(
        seed=job.seed,
        difference=first_difference(first, second),
        escapes=tuple(w.removeprefix(ESCAPED) for w in wrong if w.startswith(ESCAPED)),
        remarks=tuple(line for line in said if not line.startswith(SUMMARY)),
        troubles=tuple(w for w in wrong if not w.startswith(ESCAPED)),
        summary=next((line for line in said if line.startswith(SUMMARY)), ""),
    )


def first_difference(first: Sequence[Event], second: Sequence[Event]) -> Difference | None:
    """Where two histories part; None for the same one."""
    pairs = zip(
        [*map(to_json, first), *[""] * len(second)],
        [*map(to_json, second), *[""] * len(first)],
        strict=False,
    )
    for number, (left, right) in enumerate(pairs, start=1):
        if left != right:
            return Difference(line=number, first=_near(left, right), second=_near(right, left))
    return None


def _near(line: str, other: str) -> str:
    """A line, cut around the place where it leaves the other one."""
    if len(line) <= 200:
        return line
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(line, other, strict=False))
    at = sum(1 for _ in same)
    return f"{line[:60]}...{line[max(60, at - 20) : at + 120]}"
