"""Verdicts, how they combine, and what a judged scenario is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import field

from harness.frozen import Frozen
from harness.units import plural


class Verdict(StrEnum):
    """What a run says of an expectation, of a scenario, or of all."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    OUT_OF_SCOPE = "out_of_scope"


WORST_FIRST = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED, Verdict.OUT_OF_SCOPE)
"""How much each says of a whole."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Failed, then inconclusive, then passed; out of scope only where nothing else is left.

    Of nothing at all: inconclusive, as nothing was proved.
    """
    found = set(verdicts)
    return next((verdict for verdict in WORST_FIRST if verdict in found), Verdict.INCONCLUSIVE)


class FailOn(StrEnum):
    """From which verdict on a run's exit status is not 0."""

    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"
    NEVER = "never"


def exit_status(verdict: Verdict, fail_on: FailOn = FailOn.INCONCLUSIVE) -> int:
    """Of the whole command: 0 passed, 1 failed, 3 inconclusive or nothing in scope.

    With a laxer `fail_on`, what it excuses is 0; reports say what was found all the same.
    """
    status = {Verdict.PASSED: 0, Verdict.FAILED: 1}.get(verdict, 3)
    excused = {FailOn.INCONCLUSIVE: (), FailOn.FAILED: (3,), FailOn.NEVER: (1, 3)}[fail_on]
    return 0 if status in excused else status


class Known(Frozen, kw_only=True):
    """Why a failure is no news: the target file names it."""

    because: str
    until: str
    """The last day on which that excuses it: `2026-12-31`."""


class Finding(Frozen, kw_only=True):
    """One expectation, judged: expected, observed and on what evidence, each in a few words."""

    name: str
    """Readable aloud and unique in its scenario: `chat is answered 401 in 10s..68s`."""
    claims: tuple[str, ...] = ()
    verdict: Verdict
    expected: str
    observed: str
    evidence: str
    examples: tuple[int, ...] = ()
    """Ids of requests that show it, worst first, at most five."""
    requests: tuple[int, ...] = ()
    """Ids of all requests that show it, where these were counted; else the examples are all."""
    because: str | None = None
    at_s: float | None = None
    """When it showed first, seconds after 0s, where that is one instant."""
    timeless: bool = False
    """Whether no lateness or trouble of the run itself could excuse a failure: a sound target
    shows this at no time, whatever befalls it."""
    noise: bool = False
    """Whether it is inconclusive for nothing but how busy the machine was measured to be."""
    known: Known | None = None
    """Of a failure that the target file names: it doesn't fail its scenario."""
    line: int | None = None
    """Where the scenario's file asks for it; None for what nobody has to ask for."""

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.name}: expected {self.expected}; observed {self.observed} ({self.evidence})"


def of_run(
    name: str, expected: str, observed: str, evidence: str, *, noise: bool = False
) -> Finding:
    """What is wrong with a run itself, which then proves nothing."""
    return Finding(
        name=f"run: {name}",
        verdict=Verdict.INCONCLUSIVE,
        expected=expected,
        observed=observed,
        evidence=evidence,
        noise=noise,
    )


class Transition(Frozen, kw_only=True):
    """A breaker's change of state as inferred: the instant, and how far it may be off."""

    state: str
    """`open`, `half_open`, `closed`."""
    at_s: float
    error_s: float = 0.0
    """The instant is certain to lie within `at_s` ± `error_s`."""
    evidence: str = ""


def first_opening(changes: Sequence[Transition]) -> Transition | None:
    """A breaker's first opening."""
    return next((change for change in changes if change.state == "open"), None)


def last_closing(changes: Sequence[Transition]) -> Transition | None:
    """A breaker's last closing, if it stayed closed from then on."""
    return changes[-1] if changes and changes[-1].state == "closed" else None


class Hits(Frozen, kw_only=True):
    """One fault as it really was in force, and how many calls it met."""

    fault: int
    """Its number in the file, from 1."""
    kind: str
    subject: str
    """What it hits: `mail, stock`, with its route where it has one, or `target`."""
    start_s: float
    end_s: float
    met: int | None
    """Calls; requests where it hits the target itself. None where nothing can tell."""
    at_least: bool = False
    """Whether there may have been more that nobody saw."""
    note: str = ""
    """Why nothing can tell, or why it met none."""
    spells: tuple[tuple[float, float], ...] = ()
    """From when to when, each time, where it came and went."""

    @property
    def name(self) -> str:
        """`fault 1, status on stock GET /stock`."""
        return f"fault {self.fault}, {self.kind} on {self.subject}"

    @property
    def words(self) -> str:
        """`met 14 calls`, `met at least 1 call`, `met no call`, `met an unknown number of...`."""
        what = "request" if self.subject == "target" else "call"
        if self.met is None:
            return f"met an unknown number of {what}s"
        if self.met == 0:
            return f"met no {what}"
        least = "at least " if self.at_least else ""
        return f"met {least}{plural(self.met, what)}"


class Percentile(Frozen, kw_only=True):
    """A percentile of a stream's latencies, and where another night's may lie."""

    ms: float
    """As measured."""
    low_ms: float
    """Not less than that, whatever the draw and the measured waits of the machine."""
    high_ms: float | None
    """Not more; None where there are too few requests to tell."""


class Stream(Frozen, kw_only=True):
    """What one stream's requests were answered, and how fast."""

    requests: int
    answers: dict[str, int]
    """By status; `none` for no HTTP answer."""
    latency_ms: dict[str, Percentile]
    """`p50`, `p95`, `p99`; nothing where nothing was sent."""


class Repeat(Frozen, kw_only=True):
    """One of several plays of a scenario."""

    seed: int
    verdict: Verdict


class Judgement(Frozen, kw_only=True):
    """One scenario, judged."""

    name: str
    file: str
    title: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    """Of the run itself, then of each expectation."""
    promises: tuple[Finding, ...] = ()
    """What holds in every run, whatever the scenario expects."""
    breakers: dict[str, tuple[Transition, ...]]
    perhaps_open: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """By upstream, from when to when its breaker may have been open, where nobody can tell."""
    duration_s: float
    start_s: float = 0.0
    """What starting its world took."""
    wall_s: float = 0.0
    """From then to the end of play, warm-up included."""
    requests: int = 0
    lateness_ms: dict[str, float]
    """p50, p99 and max of how late requests left."""
    busy: str | None = None
    """What was measured of a machine so busy that the scenario is inconclusive for that alone."""
    busy_s: float = 0.0
    """The longest wait among it."""
    plays: int = 1
    """How often it was played; the rest is of the last play."""
    played_again: tuple[str, ...] = ()
    """Why each play before the last proved nothing."""
    repeats: tuple[Repeat, ...] = ()
    """Each play, where it was asked for several (`--repeat`); the rest is of the worst of them."""
    charges: int = 0
    duplicates: int = 0
    false_rejections: dict[str, int] = field(default_factory=dict)
    """Requests turned away although an upstream was back: the price of its recovery wait."""
    unacknowledged: int = 0
    """Charges whose requests could not know of them, as the answer was lost."""
    streams: dict[str, Stream] = field(default_factory=dict)
    faults: tuple[Hits, ...] = ()
    """Each fault that was in force, in file order."""
    silent: tuple[str, ...] = ()
    """Evidence that the target file configures and that never said anything."""
    notes: tuple[str, ...] = ()
    """Why it is inconclusive, and remarks that are no verdict."""

    def perhaps_of(self, upstream: str) -> list[str]:
        """When a breaker may have been open, in words: `perhaps open 3.1s..13.1s`."""
        spans = self.perhaps_open.get(upstream, ())
        return [f"perhaps open {low_s:.1f}s..{high_s:.1f}s" for low_s, high_s in spans]

    @property
    def why_not(self) -> str:
        """Why it is out of scope: each reason once."""
        excused = (f for f in self.findings if f.verdict is Verdict.OUT_OF_SCOPE)
        return "; ".join(dict.fromkeys(finding.evidence for finding in excused))

    @property
    def known(self) -> tuple[Finding, ...]:
        """Failures that the target file names."""
        return tuple(finding for finding in self.all_findings if finding.known is not None)

    @property
    def rate(self) -> str:
        """`passed 4 of 5 plays`; empty where it was played but once."""
        if not self.repeats:
            return ""
        passed = sum(each.verdict is Verdict.PASSED for each in self.repeats)
        return f"passed {passed} of {len(self.repeats)} plays"

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """All that its verdict rests on: of the run, of expectations, of promises."""
        return (*self.findings, *self.promises)
