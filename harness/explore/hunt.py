"""One hunt: hypothesis draws outages, they are played, and what breaks a promise is shrunk.

A round draws a few outages aimed at one place; if something breaks that isn't known yet it shrinks
just that. Rounds follow each other until time or examples are used up. Counts bound every step, so
that the same seed and number of examples lead the same way again.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable

from hypothesis import Phase
from hypothesis.errors import HypothesisException

from harness.checks.promises.violation import Violation
from harness.errors import InvalidFile, WorldError
from harness.explore.confirming import confirmed, failed
from harness.explore.coverage import Coverage
from harness.explore.deck import Aim, aims
from harness.explore.drawing import try_all
from harness.explore.finding import Origin, Result, stated
from harness.explore.openings import openings
from harness.explore.outage import Outage
from harness.explore.player import Player, Seen
from harness.explore.trimming import Found, cost, trim
from harness.frozen import Frozen
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.verdict import Verdict

Key = tuple[str, str]
_SHRINKING_PLAYS = 25
_TRIMMING_PLAYS = 70
_ABOUTS = 2
"""For how many upstreams the same broken promise is shrunk; for others it is only counted."""
_OTHER_SEEDS = (0, 11, 12)
_DOUBTS = 3
"""How often a violation may prove impossible to state before it is given up."""
_IDLE_ROUNDS = 1000
"""After so many rounds in a row that drew nothing new, all that a target allows has been played."""
_GRACE_S = 6.0
"""For finishing what has been found..."""
_OF_ITS_TIME = 8
"""...of which a part like this is taken from the time there is, and the rest comes after it."""


class Broken(AssertionError):
    """A promise is broken: what hypothesis shrinks."""


class _Enough(BaseException):
    """Leaves hypothesis at once; it lets everything pass that isn't an Exception."""


class Limits(Frozen, kw_only=True):
    """When to stop. Both may be given; None means no limit."""

    until_s: float | None = None
    """On the monotonic clock."""
    examples: int | None = None


class Hunt:
    """Explores with one player; `say` is told of every finding, `ended` asked between plays.

    `share`: which part of how many, where several hunts work side by side.
    """

    def __init__(
        self,
        player: Player,
        *,
        seed: int,
        limits: Limits,
        origin: Origin,
        say: Callable[[Result], None],
        progress: Callable[[Coverage], None] = lambda coverage: None,
        claim: Callable[[Key], bool] = lambda key: True,
        ended: Callable[[], bool] = lambda: False,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.coverage = Coverage()
        self.also: Counter[Key] = Counter()
        """Violations seen beyond those that were shrunk, by key."""
        self.doubtful: Counter[Key] = Counter()
        """Violations that no scenario file could state without accusing a sound gateway too."""
        self._player = player
        self._seed = seed
        self._limits = limits
        self._origin = origin
        self._say = say
        self._progress = progress
        self._claim = claim
        self._ended = ended
        self._known: set[Key] = set()
        self._examples = 0
        self._round = 0
        self._hunting: Key | None = None
        self._best: Found | None = None
        self._shrinking = 0
        self._lasts_s = 0.0
        """How long a play takes, with its judging, at the most lately."""
        self._searches_until_s = limits.until_s
        if limits.until_s is not None:
            part_s = (limits.until_s - time.monotonic()) / _OF_ITS_TIME
            self._searches_until_s = limits.until_s - min(_GRACE_S, max(0.0, part_s))
        part, parts = share
        self._openings = tuple(openings(player.surface, player.surface.upstreams))[part::parts]
        self._aims = aims(
            player.surface.contract, player.surface.upstreams, seed=seed, part=part, parts=parts
        )
        self._played: set[bytes] = set()

    # Rounds

    def run(self, remembered: Iterable[Outage] = ()) -> None:
        """Explore until a limit is reached: remembered outages first, then known weak spots."""
        for outage in remembered:
            if self._over():
                return
            found = self._found(outage)
            if found is not None:
                self._finish(found)
        for outage in self._openings:
            if self._over():
                return
            self._examples += 1
            found = self._found(outage)
            if found is not None and self._worth_it(*found):
                self._finish(found)  # as it is: nobody drew it, so hypothesis can't shrink it
        idle = 0
        while idle < _IDLE_ROUNDS and not self._over():
            self._round += 1
            self._hunting, self._best, self._shrinking = None, None, 0
            before = self._examples
            with contextlib.suppress(Broken, HypothesisException, _Enough):
                self._draw(next(self._aims))
            idle = 0 if self._examples > before else idle + 1
            if self._best is not None:
                self._finish(self._best)

    def _over(self) -> bool:
        """Whether nothing more is to be begun: it would not be judged in time."""
        examples = self._limits.examples
        if examples is not None and self._examples >= examples:
            return True
        return self._is_past(self._searches_until_s, self._lasts_s)

    def _is_late(self) -> bool:
        """Whether what has been found isn't to be finished any more."""
        until_s = self._searches_until_s
        return self._is_past(None if until_s is None else until_s + _GRACE_S)

    def _is_past(self, until_s: float | None, lasts_s: float = 0.0) -> bool:
        return self._ended() or (until_s is not None and time.monotonic() + lasts_s >= until_s)

    def _draw(self, aim: Aim) -> None:
        """One round of hypothesis."""
        chosen_seed = self._seed * 100_003 + self._round
        phases = (Phase.generate, Phase.shrink)
        try_all(self._player.surface, aim, chosen_seed, self._attempt, phases)

    def _attempt(self, outage: Outage) -> None:
        """One example: drawn anew, or while something is being shrunk, a smaller one."""
        if self._hunting is None:
            if self._over():
                raise _Enough
            if outage.to_bytes() in self._played:
                return
            self._played.add(outage.to_bytes())
            self._examples += 1
        else:
            self._shrinking += 1
            if self._shrinking > _SHRINKING_PLAYS or self._over():
                raise _Enough
        seen = self._try(outage)
        if seen is None:
            return
        if self._hunting is None:
            fresh = self._fresh(seen)
            if fresh is None or not self._worth_it(seen, fresh):
                return
            self._hunting = fresh.key
        violation = seen.broke(self._hunting)
        if violation is not None:
            if self._best is None or cost(outage) < cost(self._best[0].outage):
                self._best = (seen, violation)
            raise Broken(violation.says)

    def _try(self, outage: Outage) -> Seen | None:
        began_s = time.monotonic()
        try:
            seen = self._player.try_out(outage)
        except WorldError:
            return None
        finally:
            self._lasts_s = max(time.monotonic() - began_s, 0.8 * self._lasts_s)
        self.coverage.add(seen)
        self._progress(self.coverage)
        return seen

    def _fresh(self, seen: Seen) -> Violation | None:
        """The gravest violation that isn't known yet."""
        for violation in seen.broken:
            if violation.key in self._known:
                continue
            alike = sum(name == violation.promise for name, _ in self._known)
            if alike >= _ABOUTS:
                self.also[violation.key] += 1
                continue
            return violation
        return None

    def _worth_it(self, seen: Seen, violation: Violation) -> bool:
        """Whether a scenario file could state it as it is; shrinking what none can is lost time."""
        with contextlib.suppress(WorldError):
            if confirmed(violation, seen.outage, seen.history, self._player) is not None:
                if self._claim(violation.key):
                    return True
                self._known.add(violation.key)  # somebody else is after it
                return False
        self.doubtful[violation.key] += 1
        if self.doubtful[violation.key] >= _DOUBTS:
            self._known.add(violation.key)
        return False

    def _found(self, outage: Outage) -> Found | None:
        """What an outage breaks that isn't known yet."""
        seen = self._try(outage)
        fresh = None if seen is None else self._fresh(seen)
        return None if seen is None or fresh is None else (seen, fresh)

    # What was found

    def _finish(self, found: Found) -> None:
        """Trim it, state it, try it once more from its text, and hand it over."""
        key = found[1].key
        self._known.add(key)
        plays = 0

        def again(outage: Outage) -> Found | None:
            nonlocal plays
            plays += 1
            if plays > _TRIMMING_PLAYS or self._over():
                return None
            seen = self._try(outage)
            violation = None if seen is None else seen.broke(key)
            return None if seen is None or violation is None else (seen, violation)

        result = None
        for smallest in (trim(found, again), found):
            # A world that broke, or a text that the loader refuses, states nothing.
            with contextlib.suppress(WorldError, InvalidFile):
                result = result or self._stated(*smallest)
        if result is None:
            self.doubtful[key] += 1
        else:
            self.doubtful.pop(key, None)
            self._say(result)

    def _stated(self, seen: Seen, violation: Violation) -> Result | None:
        outage, history, player = seen.outage, seen.history, self._player
        if self._is_late():
            return None
        finding = confirmed(violation, outage, history, player)
        if finding is None:
            return None
        scenario = outage.scenario()
        steady = all(
            failed(violation, scenario, player.play(scenario, other)) is not None
            for other in _OTHER_SEEDS
            if other != outage.seed and not self._is_late()
        )
        result = stated(
            violation,
            outage,
            history,
            player.target,
            self._origin,
            observed=f"{finding.name}: expected {finding.expected}, observed {finding.observed}",
            steady=steady,
        )
        scenario = parse_scenario(result.text, result.file_name, target=player.target)
        judged = judge(scenario, player.play(scenario, outage.seed))
        return result if judged.verdict is Verdict.FAILED else None
