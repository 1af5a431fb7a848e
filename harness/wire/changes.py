"""How a breaker changed, with honest bounds: from readings to instants, windows and probes.

Where the declared rules explain everything, their reading tells; where they don't, the readings of
the rivals that do, and failing that whatever any breaker at all may have done. An instant that
rests on something nobody saw is as wide as any threshold would have it. What the target says of
itself (`account`) narrows what the wire leaves open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from harness.frozen import Frozen
from harness.policy.counting import Result
from harness.units import Range, Window
from harness.verdict import Transition
from harness.wire.account import Account
from harness.wire.attempts import Attempt
from harness.wire.states import Reading
from harness.wire.stories import ONE_OF_SEVERAL, Change, Story, merged

_SEEN = {
    "proxy": "seen entering the proxy",
    "stub": "seen at the stub",
    "connection": "seen as connections",
    "latency": "implied by how long requests took",
}


class Probe(Frozen, kw_only=True):
    """An attempt that an open breaker let through, and how it ended."""

    attempt: Attempt
    together: int
    """Attempts made while it may have been in flight, itself included: 1 is right (B4)."""
    surely: int
    """Those of them that were made before its earliest end."""


class Changes(Frozen, kw_only=True):
    """How one breaker changed."""

    main: tuple[Change, ...] = ()
    """The changes of the plainest story, as wide as the evidence leaves them."""
    others: tuple[tuple[Change, ...], ...] = ()
    """Stories that change otherwise, and explain everything as well."""
    loose: tuple[tuple[Change, ...], ...] = ()
    """Stories of a breaker that may open after any number of failures, or never."""
    evidence: tuple[str, ...] = ()
    """By what each change is known."""
    conflicts: tuple[str, ...] = ()
    """What the target's own account says otherwise, and the wire surely knows better."""
    differences: tuple[str, ...] = ()
    """All that it says otherwise: open, say, while nobody came who would show that it isn't."""
    narrowed: bool = False
    """Whether the target's own account told stories apart."""
    more: bool = False
    """Whether there are more stories that explain as much than are told."""

    @property
    def opens_always(self) -> bool:
        """Whether it opened in every story, so that it surely did."""
        stories = (self.main, *self.others, *self.loose)
        return not self.more and all(
            any(change.kind == "open" for change in story) for story in stories
        )

    @property
    def perhaps_open(self) -> tuple[Range, ...]:
        """When it was open in another story that explains as much, and not in the main one."""
        surely = tuple(_openings(self.main))
        found: list[Range] = []
        every = (span for story in self.others for span in _openings(story))
        for span in sorted(every, key=lambda span: span.low):
            if any(span.low < one.high and one.low < span.high for one in surely):
                continue  # the same opening, at other instants
            if found and span.low <= found[-1].high:
                found[-1] = Range(found[-1].low, max(found[-1].high, span.high))
            else:
                found.append(span)
        return tuple(found)

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """The changes as instants with errors; what is the same after a time unseen is none."""
        return _transitions(self.main, self.evidence)

    @property
    def otherwise(self) -> tuple[tuple[Transition, ...], ...]:
        """The same of each other story that explains as much."""
        return tuple(_transitions(story, [""] * len(story)) for story in self.others)


def _transitions(story: Sequence[Change], evidence: Sequence[str]) -> tuple[Transition, ...]:
    found: list[Transition] = []
    state = "closed"
    for change, why in zip(story, evidence, strict=True):
        if change.kind in (state, "any"):
            continue
        state = change.kind
        found.append(
            Transition(
                state=state,
                at_s=(change.low_s + change.high_s) / 2,
                error_s=(change.high_s - change.low_s) / 2,
                evidence=why,
            )
        )
    return tuple(found)


def _openings(story: Sequence[Change]) -> Iterator[Range]:
    """From each opening of a closed breaker to its next closing, at the widest."""
    begun_s: float | None = None
    for change in story:
        if change.kind == "closed" and begun_s is not None:
            yield Range(begun_s, change.high_s)
            begun_s = None
        elif change.kind == "open" and begun_s is None:
            begun_s = change.low_s
    if begun_s is not None:
        yield Range(begun_s, math.inf)


def stories_of(readings: Sequence[Reading]) -> tuple[Story, ...]:
    """All stories of these readings, the plainest first."""
    found = merged(story for reading in readings for story in reading.stories)
    return tuple(sorted(found, key=lambda story: story.length))


def changes(
    stories: Sequence[Story],
    loose: Sequence[Story],
    account: Account,
    slack_s: float,
    why: Callable[[Change], str],
    *,
    shown_s: Sequence[float] | None = None,
    hidden_s: Sequence[float] = (),
    doubted_s: Sequence[float] = (),
    begun_s: Sequence[float] = (),
) -> Changes:
    """How it changed by these stories.

    `loose`: the stories of a breaker whose threshold is not known, for what nobody saw. `account`:
    what the target says of itself. `slack_s`: how far its instants may be from the wire's. `why`:
    by what a change is known. `shown_s`: where no rules explain everything, when somebody was
    turned away. So late it may have opened where that is in doubt (`doubted_s`), and unless
    somebody was after its last opening, or may have been (`hidden_s`), it did not: that is
    arithmetic by rules which don't hold. `begun_s`: when attempts were let through, in order.
    """
    fitting = [s for s in stories if account.agrees(s, slack_s)]
    told = fitting or list(stories)
    plain = min((story.length for story in told), default=0)
    main, *rest = [story.changes() for story in told if story.length == plain] or [()]
    others = [*rest, *(s.changes() for s in told if s.length > plain)]
    evidence: list[str] = []
    found: list[Change] = []
    free = [s.changes() for s in loose if account.agrees(s, slack_s)]
    for index, change in enumerate(main):
        wide, words = change, why(change)
        if change.kind == "open" and change.attempt is None:
            wide = _widened(change, index, main, free)
        doubted = any(abs(at_s - change.high_s) <= slack_s for at_s in doubted_s)
        if change.kind == "open" and doubted:
            wide = _until_shown(wide, index, main, shown_s or ())
        narrow = account.narrowed(wide, slack_s)
        if narrow is not None and narrow != wide:
            wide, words = narrow, f"{words}, narrowed by {account.source}"
        found.append(wide)
        evidence.append(words)
    if shown_s is not None and found and found[-1].kind == "open":
        low_s = found[-1].low_s - slack_s
        if all(at_s < low_s for at_s in (*shown_s, *hidden_s)):
            del found[-1], evidence[-1]
    told_otherwise = not fitting and shown_s is None
    return Changes(
        main=tuple(found),
        others=tuple(others),
        loose=tuple(free),
        evidence=tuple(evidence),
        conflicts=tuple(account.conflicts(found, slack_s, begun_s)) if told_otherwise else (),
        differences=tuple(account.conflicts(found, slack_s)) if told_otherwise else (),
        narrowed=len(fitting) < len(stories),
        more=any(story.among for story in stories),
    )


def known_by(change: Change, attempts: Sequence[Attempt], *, probes: bool) -> str:
    """By what a change is known; `probes`: whether it closes only after one."""
    if change.kind == "half_open":
        return "the first attempt since it opened"
    attempt = next((a for a in attempts if a.id == change.attempt), None)
    if change.kind == "closed":
        if not probes:
            return "the first attempt after its wait"
        well = attempt is None or Result.SUCCESS in attempt.results
        return "the probe succeeded" if well else "calls after a probe that did not succeed"
    if change.attempt == ONE_OF_SEVERAL:
        return "failed attempts, one of several near to each other"
    if attempt is None and change.attempt is not None:
        return "an attempt at an upstream that shares its breaker"
    if attempt is None:
        return "nobody's attempts can be seen; requests before and after"
    return f"failed attempts {_SEEN.get(attempt.source, 'seen')}"


def _widened(
    change: Change, index: int, main: Sequence[Change], free: Sequence[Sequence[Change]]
) -> Change:
    """As wide as the same change of stories in which any number of failures opens it."""
    alike = [
        story[index]
        for story in free
        if len(story) > index and [c.kind for c in story[: index + 1]] == [
            c.kind for c in main[: index + 1]
        ]
    ]  # fmt: skip
    low_s = min([change.low_s, *(c.low_s for c in alike)])
    high_s = max([change.high_s, *(c.high_s for c in alike)])
    return replace(change, low_s=low_s, high_s=high_s)


def _until_shown(
    wide: Change, index: int, main: Sequence[Change], shown_s: Sequence[float]
) -> Change:
    """As late, too, as somebody was first turned away before the next change."""
    until_s = main[index + 1].low_s if index + 1 < len(main) else math.inf
    signs = [at_s for at_s in shown_s if main[index].low_s <= at_s < until_s]
    return replace(wide, high_s=max(wide.high_s, min(signs, default=wide.high_s)))


def open_windows(main: Sequence[Change], end_s: float, slack_s: float) -> tuple[Window, ...]:
    """When it was surely open: from the latest instant of each opening to the next probe."""
    found = []
    for index, change in enumerate(main):
        if change.kind == "open":
            until_s = main[index + 1].low_s - slack_s if index + 1 < len(main) else end_s
            if until_s > change.high_s:
                found.append(Window(change.high_s, until_s))
    return tuple(found)


def probes(
    main: Sequence[Change], attempts: Sequence[Attempt], slack_s: float
) -> tuple[Probe, ...]:
    """The attempts that it let through while half open, with those made beside each."""
    by_id = {attempt.id: attempt for attempt in attempts}
    found = []
    for change in main:
        if change.kind != "half_open" or change.attempt not in by_id:
            continue
        probe = by_id[change.attempt]
        beside = [
            a.start_s
            for a in attempts
            if a is not probe
            and probe.start_s - slack_s <= a.start_s <= max(probe.end_s, probe.start_s + slack_s)
            and a.start_s < probe.end_s - 0.001
        ]
        surely = sum(start_s < probe.ends_from_s - 0.001 for start_s in beside)
        found.append(Probe(attempt=probe, together=1 + len(beside), surely=1 + surely))
    return tuple(found)
