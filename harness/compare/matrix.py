"""Many nights: a row for each scenario, a cell for each night, and what became of it at the end."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from harness.compare.changes import compare
from harness.compare.difference import Sort
from harness.compare.night import RESULTS, Night, Scenario, load_night
from harness.errors import HarnessError, UsageError
from harness.frozen import Frozen
from harness.verdict import Verdict

_FLIPS = 3
"""That many changes between passed and failed are more than a defect and its mending."""
_UNCAUSED_FLIPS = 2
"""Also that many, where the target's commit was the same before and after one of them."""


class Trend(StrEnum):
    """What the last night says of a scenario, beside those before it; the worst first."""

    NEW = "new"
    """It failed in the last night, and passed when it was last judged before."""
    FLAKY = "flaky"
    """It passed and failed in turn, more than a change of the target explains."""
    FAILING = "failing"
    """It failed before, too."""
    SLOWER = "slower"
    """It passed, more slowly than when it passed before, beyond noise."""
    UNCLEAR = "unclear"
    """The last night proved nothing."""
    KNOWN = "known"
    """It passed but for failures that the target file excuses."""
    FIXED = "fixed"
    """It failed when it was last judged before, and passed."""
    STEADY = "steady"
    ABSENT = "absent"
    """Not among the last night's scenarios."""


class Row(Frozen, kw_only=True):
    """One scenario through all nights."""

    name: str
    verdicts: tuple[Verdict | None, ...]
    """By night, the oldest first; None where it wasn't played."""
    trend: Trend
    since: str | None
    """The night (its label) since which it fails without a pass between."""
    slower: str
    """What got slower, in words; empty otherwise."""
    known: tuple[bool, ...]
    """By night: whether it passed only because its failures are excused."""
    pass_rate: float | None
    """Of the nights that judged it; None where none did."""


class Matrix(Frozen, kw_only=True):
    """All scenarios of some nights."""

    labels: tuple[str, ...]
    """Of the nights, the oldest first."""
    nights: tuple[Night, ...]
    rows: tuple[Row, ...]
    """The worst first."""

    @property
    def worse(self) -> tuple[Row, ...]:
        """What the last night brought."""
        return tuple(row for row in self.rows if row.trend in (Trend.NEW, Trend.SLOWER))


def load_nights(folder: Path, last: int) -> list[tuple[str, Night]]:
    """The newest runs of a folder by name: report folders, or `results.json` files by any name.

    In the order in which they began; by name where a run doesn't say.

    Raises: UsageError where there is none, InvalidFile with what is wrong with those that are.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name one that holds a report folder a night")
    places = sorted(
        path
        for path in folder.iterdir()
        if (path.is_dir() and (path / RESULTS).exists())
        or (path.suffix == ".json" and path.name != RESULTS)
    )
    if not places:
        hint = "; it is one night's itself" if (folder / RESULTS).exists() else ""
        raise UsageError(f"{folder} holds no report folder with a {RESULTS}{hint}")
    found: list[tuple[str, Night]] = []
    problems: list[str] = []
    for place in places:
        try:
            found.append((place.stem if place.is_file() else place.name, load_night(place)))
        except HarnessError as error:
            problems.append(str(error))
    if problems:
        raise UsageError("\n".join(problems))
    found.sort(key=lambda pair: (pair[1].began or "", pair[0]))
    return found[-last:]


def matrix(nights: Sequence[tuple[str, Night]]) -> Matrix:
    """Of nights with their labels, the oldest first."""
    labels = tuple(label for label, _ in nights)
    played = [night for _, night in nights]
    names = dict.fromkeys(each.name for night in played for each in night.scenarios)
    rows = [_row(name, labels, played) for name in names]
    order = list(Trend)
    rows.sort(key=lambda row: (order.index(row.trend), row.name))
    return Matrix(labels=labels, nights=tuple(played), rows=tuple(rows))


def _row(name: str, labels: Sequence[str], nights: Sequence[Night]) -> Row:
    plays = [night.by_name.get(name) for night in nights]
    verdicts = tuple(None if play is None else play.verdict for play in plays)
    judged = [v for v in verdicts if v in (Verdict.PASSED, Verdict.FAILED)]
    slower = _slower(plays, nights)
    known = tuple(
        play is not None and play.verdict is Verdict.PASSED and play.excused for play in plays
    )
    return Row(
        name=name,
        verdicts=verdicts,
        trend=_trend(
            verdicts,
            [night.target_commit for night in nights],
            slower=bool(slower),
            known=known[-1],
        ),
        since=_since(verdicts, labels),
        slower=slower,
        known=known,
        pass_rate=judged.count(Verdict.PASSED) / len(judged) if judged else None,
    )


def _trend(
    verdicts: Sequence[Verdict | None],
    commits: Sequence[str | None],
    *,
    slower: bool,
    known: bool,
) -> Trend:
    judged = [
        (verdict, commit)
        for verdict, commit in zip(verdicts, commits, strict=True)
        if verdict in (Verdict.PASSED, Verdict.FAILED)
    ]
    flips = [(old, new) for old, new in pairwise(judged) if old[0] is not new[0]]
    uncaused = any(old[1] == new[1] and new[1] is not None for old, new in flips)
    last = verdicts[-1]
    if last in (None, Verdict.OUT_OF_SCOPE):
        return Trend.ABSENT
    if len(flips) >= (_UNCAUSED_FLIPS if uncaused else _FLIPS):
        return Trend.FLAKY
    if last is Verdict.INCONCLUSIVE:
        return Trend.UNCLEAR
    if known:
        return Trend.KNOWN
    if flips and judged[-2][0] is not judged[-1][0]:
        return Trend.NEW if last is Verdict.FAILED else Trend.FIXED
    if last is Verdict.FAILED:
        return Trend.FAILING if len(judged) > 1 else Trend.NEW
    return Trend.SLOWER if slower else Trend.STEADY


def _since(verdicts: Sequence[Verdict | None], labels: Sequence[str]) -> str | None:
    since = None
    for verdict, label in zip(verdicts, labels, strict=True):
        if verdict is Verdict.PASSED:
            since = None
        elif verdict is Verdict.FAILED and since is None:
            since = label
    return since


def _slower(plays: Sequence[Scenario | None], nights: Sequence[Night]) -> str:
    """What latency of the last night is beyond that of the last one in which it passed, too."""
    passed = [
        (play, night)
        for play, night in zip(plays, nights, strict=True)
        if play is not None and play.verdict is Verdict.PASSED
    ]
    if len(passed) < 2 or plays[-1] is not passed[-1][0]:
        return ""
    old, new = (night.model_copy(update={"scenarios": (play,)}) for play, night in passed[-2:])
    return "; ".join(
        f"{each.expectation} {each.before} → {each.after}"
        for each in compare(old, new).of(Sort.WORSE)
        if each.expectation is not None and " latency " in each.expectation
    )
