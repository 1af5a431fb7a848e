"""One upstream on the bench: the route by which it is called, and what is known of its calls."""

from __future__ import annotations

from msgspec import Struct, field

from harness.measure.experiment import KINDS, Course, Experiment, Spell, staggered
from harness.measure.findings import Findings, Span
from harness.measure.lab import Lab
from harness.measure.reading import Reading, Seen
from harness.measure.routes import Called

GAP_S = 0.05
"""Between the end of a call and the next, in virtual time."""
ONE_S = 5.0
"""When the single request of an experiment leaves."""
_DILUTING = 40
_SLOW_S = 0.3
"""How long a call that is to overlap others takes; shorter where the timeout is."""


def before_one() -> list[float]:
    """When those requests leave that meet nothing, before a single one that does."""
    return [round(ONE_S - (index + 1) * 0.02, 6) for index in range(_DILUTING)]


class Bench(Struct, kw_only=True):
    """What the experiments on one upstream share."""

    lab: Lab
    upstream: str
    route: Called
    findings: Findings
    lasts_s: dict[str | None, float] = field(default_factory=dict)
    """How long a call takes at the most that meets a kind; None: nothing."""
    tries: dict[str, int] = field(default_factory=dict)
    """How many attempts a call makes that meets a kind, while the breaker is closed."""
    first: dict[str, Seen] = field(default_factory=dict)
    """A call that met a kind, the first to do so, at `ONE_S`."""
    goes_on: bool = False
    """Whether a failing call is answered only some time after its last attempt."""
    late_s: float = 0.0
    """How late answers of the kind `slow` come, where that is one."""
    queues: bool = False
    """Whether calls wait for each other, one at a time."""

    def course(self) -> Course:
        """A new experiment, to be written down call by call."""
        return Course(
            stream=self.route.stream,
            upstream=self.upstream,
            lasts_s=self.lasts_s,
            gap_s=GAP_S,
        )

    async def play(self, course: Course) -> Reading:
        """What a course shows."""
        return await self._play(course.experiment())

    async def play_overlapping(
        self, sends: list[float], spells: list[Spell], settle_s: float
    ) -> Reading:
        """What requests at given instants show."""
        return await self._play(
            staggered(self.route.stream, self.upstream, sends, spells, settle_s)
        )

    async def play_one(self, spells: list[Spell], settle_s: float) -> Reading:
        """What a single request at `ONE_S` shows, the last of many: the others meet nothing.

        With so many successes before it a breaker by share opens late, if at all.
        """
        before = before_one()
        experiment = Experiment(
            stream=self.route.stream,
            upstream=self.upstream,
            sends=tuple(round(at_s, 6) for at_s in sorted([*before, ONE_S])),
            spells=tuple(spells),
            lasts_s=settle_s,
        )
        return await self._play(experiment)

    async def _play(self, experiment: Experiment) -> Reading:
        return await self.lab.play(experiment, lead_s=self.route.lead_s(self.upstream))

    @property
    def slow_s(self) -> float:
        """How long a call can be made to take without meeting its deadline."""
        timeout = self.findings.timeout
        return _SLOW_S if timeout is None else min(_SLOW_S, timeout.low_s / 3)

    def slow(self, kind: str | None, from_s: float, to_s: float) -> list[Spell] | None:
        """A kind that comes `slow_s` late, so that calls overlap; None where it can't.

        What is silent anyway comes as late as its deadline.
        """
        late = {"fault": "delay", "delay": f"{self.slow_s:.6f}s"}
        if kind is None:
            faults = [late]
        elif kind == "slow":
            faults = [{"fault": "delay", "delay": f"{self.late_s:.6f}s"}]
        elif kind == "timeout":
            faults = [KINDS[kind]]
        elif kind == "cut":
            faults = [{"fault": "reset", "timeout": f"{self.slow_s:.3f}s"}]
        elif kind == "refused":
            return None
        else:
            faults = [KINDS[kind], late]
        return [Spell(fault=fault, from_s=from_s, to_s=to_s) for fault in faults]

    def slowness_s(self, kind: str | None) -> float:
        """How long a single attempt takes that meets `slow(kind)`."""
        timeout = self.findings.timeout
        if kind == "slow":
            return self.late_s
        return timeout.low_s if kind == "timeout" and timeout is not None else self.slow_s

    def backoff(self, number: int) -> Span:
        """The wait before attempt number `number` + 1, as far as it is known."""
        known = self.findings.backoffs or ()
        return known[number - 1] if number <= len(known) else Span(low_s=0.0, high_s=0.0)
