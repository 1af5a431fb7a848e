"""What failed where: pure, from the histories of plays to expectations that no play failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container

from msgspec import Struct, field

from harness.checks.case import Case
from harness.checks.registry import findings_of
from harness.checks.soundness import soundness
from harness.frozen import Frozen
from harness.history.view import History
from harness.scenario.model import Scenario
from harness.units import plural
from harness.verdict import Finding, Verdict

Key = tuple[int, str]
"""An expectation by its index in the file, and one thing that it says."""


class Unprovable(Frozen, kw_only=True):
    """One thing that an expectation says and no play failed."""

    scenario: str
    file: str
    line: int | None
    expectation: str
    expected: str
    why: str


class Ledger(Struct):
    """One scenario with what was seen of its expectations, play by play."""

    scenario: Scenario
    plays: list[str] = field(default_factory=list)
    """Those that could be judged, each by what it was."""
    lost: dict[str, str] = field(default_factory=dict)
    """Plays that went wrong by themselves, and how: they count for nothing."""
    failed_by: dict[Key, str] = field(default_factory=dict)
    """The first play that failed each."""
    _owed: dict[Key, str] = field(default_factory=dict)
    """What the sound target owes, and how much of it."""
    _seen: Counter[tuple[Key, Verdict]] = field(default_factory=Counter)

    def begin(self, history: History) -> str | None:
        """Take what the sound target owes from its own play; why nothing can be said, if so."""
        case = Case(self.scenario, history)
        trouble = _trouble(self.scenario, history)
        if trouble is None:
            self._owed = {
                (index, finding.name): finding.expected
                for index, finding in _findings(case, range(len(self.scenario.expect)))
                if finding.verdict is not Verdict.OUT_OF_SCOPE
            }
        return trouble

    def add(self, label: str, played: Scenario, history: History) -> bool:
        """Judge another play of it, whatever `played` left out; whether that play counts.

        Expectations are those of the scenario as written: an outage that never came is no excuse.
        A play that went wrong by itself counts for nothing.
        """
        trouble = _trouble(played, history)
        if trouble is not None:
            self.lost[label] = trouble
            return False
        self.plays.append(label)
        unproved = {index for index, _ in self.open}
        for index, finding in _findings(Case(self.scenario, history), unproved):
            key = self._key(index, finding)
            if key is not None:
                self._seen[key, finding.verdict] += 1
                if finding.verdict is Verdict.FAILED:
                    self.failed_by.setdefault(key, label)
        return True

    def _key(self, index: int, finding: Finding) -> Key | None:
        """What of the sound target's findings this is; a name may say what was seen."""
        here = [key for key in self._owed if key[0] == index]
        if (index, finding.name) in here:
            return index, finding.name
        return here[0] if len(here) == 1 else None

    @property
    def count(self) -> int:
        """How many things are expected and owed."""
        return len(self._owed)

    @property
    def open(self) -> tuple[Key, ...]:
        """What no play has failed so far."""
        return tuple(key for key in self._owed if key not in self.failed_by)

    @property
    def questions(self) -> dict[int, frozenset[str]]:
        """The expectations of which something is open, by index, with their claims."""
        expect, default = self.scenario.expect, self.scenario.claims
        return {index: frozenset(expect[index].claims or default) for index, _ in self.open}

    def failed_in(self, label: str) -> frozenset[int]:
        """The expectations of which a play was the first to fail something, by index."""
        return frozenset(key[0] for key, by in self.failed_by.items() if by == label)

    def unprovable(self) -> tuple[Unprovable, ...]:
        """What no play failed, and how often it passed instead."""
        lines = self.scenario.expect_lines
        return tuple(
            Unprovable(
                scenario=self.scenario.name,
                file=self.scenario.file,
                line=lines[key[0]] if key[0] < len(lines) else None,
                expectation=key[1],
                expected=self._owed[key],
                why=self._why(key),
            )
            for key in self.open
        )

    def _why(self, key: Key) -> str:
        plays, passed = len(self.plays), self._seen[key, Verdict.PASSED]
        tried = f"{plural(plays, 'play')} ({', '.join(_short(self.plays))})"
        if self.lost:
            tried += f"; {plural(len(self.lost), 'play')} went wrong: {self._losses()}"
        if not plays:
            return f"no other play of it could be judged: {self._losses()}"
        if passed == plays:
            return f"passed on every gateway tried: {tried}"
        if not passed:
            return f"judged on no gateway tried: {tried}"
        return f"failed on no gateway tried, passed {passed}, the others inconclusive: {tried}"

    def _losses(self) -> str:
        label, trouble = next(iter(self.lost.items()), ("nothing", "was tried"))
        more = f", and {len(self.lost) - 1} more" if len(self.lost) > 1 else ""
        return f"{label}: {trouble.partition(chr(10))[0][:200]}{more}"


def _short(labels: list[str]) -> list[str]:
    most = 4
    more = [f"{len(labels) - most} more"] if len(labels) > most else []
    return [*labels[:most], *more]


def _findings(case: Case, only: Container[int]) -> list[tuple[int, Finding]]:
    return [
        (index, finding)
        for index, expectation in enumerate(case.scenario.expect)
        if index in only
        for finding in findings_of(expectation, case)
    ]


def _trouble(played: Scenario, history: History) -> str | None:
    """What was wrong with a play itself, whatever the target did."""
    found = soundness(Case(played, history))
    if found.unhealthy or found.troubled:
        return "; ".join(str(finding) for finding in found.findings)
    return None
