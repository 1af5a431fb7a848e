"""What the readers of incident files hand over, and how several files become one incident."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NoReturn

from msgspec import field
from msgspec.structs import replace

from harness.errors import InvalidFile, Problem, UsageError
from harness.frozen import Frozen

WHOLE = 0.995
"""From this share on, every call counts as bad."""


def refuse(file: str, line: int, message: str) -> NoReturn:
    """Refuse a file for what stands on one of its lines (0: the file as a whole).

    Raises: InvalidFile, always.
    """
    raise InvalidFile([Problem(file=file, line=line, message=message)])


class Symptom(Frozen, kw_only=True):
    """The kind of fault that what was seen looks like."""

    fault: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Its own keys, as a scenario file writes them."""
    why: str
    """What was seen, in a few words: `value 0`, `504 for 40 of 40 calls`."""
    told: bool = True
    """Whether the data says how calls failed; else the kind is only the plainest that would."""
    assumed: bool = False
    """Whether `parameters` are an example of the kind's: the data has no number for them."""


class Answers(Frozen, kw_only=True):
    """What users were answered during an episode, where the data shows it."""

    bad: int
    of: int
    statuses: tuple[str, ...]
    """The bad ones, most frequent first; `error` stands for a client that gave up waiting."""


class Episode(Frozen, kw_only=True):
    """A stretch in which calls went wrong: from the first bad sample to the first good one."""

    start_s: float
    """Seconds since 1970 (or since whatever the data counts from)."""
    end_s: float
    share: float = 1.0
    """How many of the calls went wrong, above 0 up to 1."""
    symptom: Symptom
    source: str
    """Where it was read: file, line or series."""
    upstream: str | None = None
    """The upstream, where the data names it."""
    open_end: bool = False
    """Whether the data ends before anything was good again."""
    answers: Answers | None = None
    begins_within_s: float = 0.0
    """How long before its first bad sample the last good one was; 0 where nobody can tell."""
    ends_within_s: float = 0.0
    """How long after its last bad sample the first good one was; 0 where nobody can tell."""


class Observation(Frozen, kw_only=True):
    """All that one file says."""

    episodes: tuple[Episode, ...]
    step_s: float
    """Seconds between samples, or what one digit of a written time is worth."""
    step_from: str
    """How that is known."""
    notes: tuple[str, ...] = ()
    """What a reader of the scenario should know of the data: gaps, lines passed over, guesses."""
    title: str | None = None
    rate: float | None = None
    """Requests a second in the data, where it has requests."""
    route: str | None = None
    """The route most asked for, where it has requests."""
    clock: bool = True
    """Whether instants are times of day; else they count from some instant of the file's own."""


class Incident(Frozen, kw_only=True):
    """Several files' observations on one clock. 0 s is the first bad sample of all."""

    zero_s: float
    episodes: tuple[Episode, ...]
    step_s: float
    step_from: str
    notes: tuple[str, ...]
    title: str | None
    rate: float | None
    route: str | None
    clock: bool


def gather(
    observations: Sequence[Observation],
    *,
    upstream: str | None,
    since_s: float = -math.inf,
    until_s: float = math.inf,
    bridge_s: float = 0.0,
    step_s: float | None = None,
) -> Incident:
    """One incident of what several files say; `upstream` stands for all that they name.

    What lies before `since_s` or after `until_s` is left out. Good stretches of up to `bridge_s`
    seconds count as part of what they interrupt; `step_s` replaces the step that was found.

    Raises: UsageError when nothing is left, or the files have no clock in common.
    """
    if len({each.clock for each in observations}) > 1:
        raise UsageError("some files have times of day, some only seconds: no clock for both")
    all_of_them = [
        replace(
            one,
            upstream=upstream or one.upstream,
            start_s=max(one.start_s, since_s),
            end_s=min(one.end_s, until_s),
        )
        for each in observations
        for one in each.episodes
        if one.end_s > since_s and one.start_s < until_s
    ]
    if not all_of_them:
        raise UsageError("nothing bad happened between --since and --until")
    coarsest = max(observations, key=lambda each: each.step_s)
    return Incident(
        zero_s=min(one.start_s for one in all_of_them),
        episodes=tuple(_apart(all_of_them, bridge_s)),
        step_s=coarsest.step_s if step_s is None else step_s,
        step_from=coarsest.step_from if step_s is None else "given by --step",
        notes=tuple(dict.fromkeys(note for each in observations for note in each.notes)),
        title=next((each.title for each in observations if each.title), None),
        rate=next((each.rate for each in observations if each.rate), None),
        route=next((each.route for each in observations if each.route), None),
        clock=all(each.clock for each in observations),
    )


def _apart(episodes: Iterable[Episode], bridge_s: float) -> list[Episode]:
    """The same, in order, with none of an upstream's over another: the worse one is left."""
    by_upstream: dict[str | None, list[Episode]] = {}
    for one in sorted(episodes, key=lambda one: (one.start_s, -one.end_s)):
        by_upstream.setdefault(one.upstream, []).append(one)
    apart = [
        one for several in by_upstream.values() for one in _bridged(_layered(several), bridge_s)
    ]
    return sorted(apart, key=lambda one: one.start_s)


def _layered(several: list[Episode]) -> list[Episode]:
    """Cut at every begin and end; of those that hold at once the one with the largest share."""
    if all(one.end_s <= two.start_s for one, two in pairwise(several)):
        return several
    edges = sorted({edge for one in several for edge in (one.start_s, one.end_s)})
    pieces: list[Episode] = []
    for start_s, end_s in pairwise(edges):
        there = [one for one in several if one.start_s <= start_s and one.end_s >= end_s]
        if not there:
            continue
        worst = max(there, key=lambda one: one.share)
        if pieces and _goes_on(pieces[-1], worst, start_s):
            ends_open = worst.open_end and worst.end_s == end_s
            pieces[-1] = replace(
                pieces[-1], end_s=end_s, open_end=ends_open, ends_within_s=worst.ends_within_s
            )
        else:
            piece = replace(worst, start_s=start_s, end_s=end_s)
            if start_s != worst.start_s:
                piece = replace(piece, begins_within_s=0.0)
            pieces.append(piece)
        if end_s != worst.end_s:
            pieces[-1] = replace(pieces[-1], ends_within_s=0.0)
    return pieces


def _goes_on(before: Episode, after: Episode, at_s: float) -> bool:
    same = (before.symptom.fault, before.symptom.parameters, before.share)
    return before.end_s == at_s and same == (
        after.symptom.fault, after.symptom.parameters, after.share,
    )  # fmt: skip


def _bridged(several: list[Episode], bridge_s: float) -> list[Episode]:
    joined: list[Episode] = []
    for one in several:
        if joined and bridge_s and 0 < one.start_s - joined[-1].end_s <= bridge_s:
            if _goes_on(joined[-1], one, joined[-1].end_s):
                joined[-1] = replace(
                    joined[-1], end_s=one.end_s, open_end=one.open_end,
                    ends_within_s=one.ends_within_s,
                )  # fmt: skip
                continue
            joined[-1] = replace(joined[-1], end_s=one.start_s)
        joined.append(one)
    return joined
