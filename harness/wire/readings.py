"""What breakers make of what crossed one upstream's wire: the declared one, and any rival of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from msgspec.structs import replace

from harness.policy.rules import UnderWay
from harness.policy.waits import Wait
from harness.units import Window
from harness.wire.account import Account
from harness.wire.attempts import Attempt
from harness.wire.beside import Beside
from harness.wire.breaker import along
from harness.wire.changes import Changes, changes, known_by, stories_of
from harness.wire.course import Course
from harness.wire.crossing import Crossing, Crossings
from harness.wire.outcomes import Outcomes
from harness.wire.overdue import Overdue, overdue
from harness.wire.policy import Policy, any_threshold, declared
from harness.wire.sight import Sight
from harness.wire.states import Reading, Refutation
from harness.wire.stories import Change


class Readings(Crossing):
    """What crossed one upstream's wire, held against the rules of breakers."""

    def __init__(self, crossings: Crossings, upstream: str) -> None:
        super().__init__(crossings, upstream)
        self._readings: dict[tuple[Policy, bool], Reading] = {}

    # Other ways to look at it

    def with_timeout(self, timeout_s: float) -> Readings:
        """The same, seen as if the target waited so long for an attempt."""
        own = replace(self.settings, timeout_s=timeout_s)
        return type(self)(self.crossings.with_settings(self.upstream, own), self.upstream)

    @property
    def whole(self) -> Readings:
        """The wire of the upstream as a whole."""
        return self

    # By any rules

    @property
    def tries(self) -> int:
        """How many attempts a call makes, where the breaker counts calls: of rivals that do, only
        what they surely count tells them apart.
        """
        return self.settings.attempts if self.settings.counting.by_call else 1

    def held_against(self, policy: Policy, *, forgiving: bool = False) -> Reading:
        """What a breaker with these rules makes of all events."""
        key = policy, forgiving
        if key not in self._readings:
            timeout_s = self.settings.timeout_s
            outcomes = Outcomes(
                policy, timeout_s, self.calls, self.met, tries=self.tries, beside=self._beside
            )
            self._readings[key] = self._along(self.course, outcomes, forgiving=forgiving)
        return self._readings[key]

    @cached_property
    def course(self) -> Course:
        """All its events; rules are held against them one after another."""
        return self._course(self.sight.tie_s)

    def _course(self, tie_s: Callable[[float], float]) -> Course:
        return Course(self.attempts, self.asked, tie_s, self.lost)

    def _along(self, course: Course, outcomes: Outcomes, *, forgiving: bool = False) -> Reading:
        return along(course, outcomes, forgiving=forgiving, earlier=self.earlier)

    # By the declared ones

    @cached_property
    def reading(self) -> Reading:
        """What the declared breaker makes of it.

        Where some attempts had to be guessed, or nobody knows when they were, it is refuted only if
        what was seen alone refutes it; where calls were seen too late, nothing is read from when.
        """
        return self._declared(self.sight)

    @cached_property
    def patient_reading(self) -> Reading:
        """The same where the order of events is as loose as measured waits make it."""
        return self._declared(self.sight.with_patience)

    @cached_property
    def outcomes(self) -> Outcomes:
        """What each attempt is to the declared breaker."""
        own = self.settings
        return Outcomes(
            declared(own), own.timeout_s, self.calls, tries=self.tries, beside=self._beside
        )

    def _beside(self, attempt: Attempt) -> UnderWay | None:
        """What may have been under way as an attempt ended; not where nobody asked for some."""
        return None if self.background else self._begun(attempt)

    @cached_property
    def _begun(self) -> Beside:
        requests = (*self.history.warm_up, *self.history.requests)
        return Beside(requests, self.demands, self.calls, self.sight.tie_s)

    def _declared(self, sight: Sight) -> Reading:
        if self.belated:
            return self._along(self._course(sight.blind_in(self.belated)), self.outcomes)
        course = self.course if sight is self.sight else self._course(sight.tie_s)
        found = self._along(course, self.outcomes)
        guessed = (*sight.guessed, *self._loose)
        if found.refutation is None or not guessed:
            return found
        seen = self._along(self._course(sight.blind_in(guessed)), self.outcomes)
        return found if seen.refutation is not None else seen

    @cached_property
    def belated(self) -> tuple[Window, ...]:
        """The times in which calls came to its stub that were made nobody knows when before."""
        late = self._demands.belated[self.upstream]
        return tuple(w for w in self.sight.untimely if any(at_s in w for at_s in late))

    @property
    def _loose(self) -> Iterator[Window]:
        return (Window(d.asked_s, d.asked_by_s) for d in self.demands if d.loose)

    @property
    def refutation(self) -> Refutation | None:
        """The first event that no sound breaker explains."""
        return self.reading.refutation

    @cached_property
    def overdue(self) -> Overdue | None:
        """The call that refutes the declared breaker, if it was due before that had opened."""
        return overdue(self, self.refutation)

    # How it changed by some of these

    @cached_property
    def account(self) -> Account:
        """What the target says of its own breaker."""
        return Account(self.history, self.upstream, wait=self.declared_wait)

    @property
    def declared_wait(self) -> Wait | None:
        """How long its breaker stays open, where what is declared of it holds."""
        return self.settings.breaker.wait if self.refutation is None else None

    @cached_property
    def changes_alone(self) -> Changes:
        """How it changed by the declared rules, where these hold."""
        return self._changes([self.reading if self.refutation is None else self.patient_reading])

    def _changes(
        self,
        readings: Sequence[Reading],
        *,
        shown_s: Sequence[float] | None = None,
        hidden_s: Sequence[float] = (),
        doubted_s: Sequence[float] = (),
    ) -> Changes:
        """How it changed by these readings; the rest as `changes` has it."""
        loose = self.held_against(any_threshold(self.settings))
        return changes(
            stories_of(readings),
            () if loose.refutation is not None else stories_of([loose]),
            self.account,
            self.sight.fine_s,
            self._why,
            shown_s=shown_s,
            hidden_s=hidden_s,
            doubted_s=doubted_s,
            begun_s=self.begun_s,
        )

    def _why(self, change: Change) -> str:
        probes = self.settings.breaker.trials.needed
        return known_by(change, self.attempts, probes=probes)
