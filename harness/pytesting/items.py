"""Scenario files as pytest items: one for each scenario, with its findings as subtests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError
from harness.pytesting.settings import VERDICT, in_worker, plays_of, setting
from harness.scenario.loader import load_each
from harness.verdict import Finding, Verdict

if TYPE_CHECKING:
    from harness.runs.runner import Played
    from harness.scenario.model import Scenario


class ScenarioFile(pytest.File):
    """One scenario file."""

    def collect(self) -> Iterable[ScenarioItem]:
        """Its one item, or one for each combination of its matrix.

        Marked with the claims and upstreams that it is about. A file with something wrong is told
        of when its item runs.
        """
        try:
            several = load_each(self.path, checked=True)
        except HarnessError:
            yield ScenarioItem.from_parent(self, name=self.path.stem)
            return
        for one in several:
            yield ScenarioItem.from_parent(
                self, name=one.name, marks=tuple(self._marks(one)), combination=one.combination
            )

    def _marks(self, scenario: Scenario) -> Iterator[str]:
        yield from (f"claim_{_word(claim)}" for claim in scenario.all_claims)
        yield from (f"upstream_{_word(name)}" for name in scenario.faulted_upstreams)


def _word(text: str) -> str:
    """As an expression of `-m` takes it."""
    return re.sub(r"\W", "_", text)


class NotGreen(Exception):
    """A scenario failed, or proved nothing; the message is what a person reads."""


class ScenarioItem(pytest.Item):
    """One scenario, played and judged."""

    played: Played | None = None

    def __init__(self, marks: tuple[str, ...] = (), combination: str = "", **given: Any) -> None:
        super().__init__(**given)
        self.combination = combination
        self.add_marker(pytest.mark.outage)
        for name in marks:
            self.config.addinivalue_line("markers", f"{name}: scenarios that are about it")
            self.add_marker(name)

    def runtest(self) -> None:
        """Play it, and with it all that are still to come; a worker of xdist plays one at a time.

        Raises: NotGreen when it fails or is inconclusive, InvalidFile when the file is wrong.
        """
        from harness.pytesting.world import explanation

        plays = plays_of(self.config)
        if not plays.played(self.path, self.combination):
            waiting = self._waiting()
            self._announce(len(waiting))
            plays.play_files(waiting)
        self.played = plays.result(self.path, self.combination)
        judgement = self.played.judgement
        self.user_properties.append((VERDICT, judgement.verdict.value))
        if judgement.rate:
            self.user_properties.append(("rate", judgement.rate))
        _tell_subtests(self, judgement.all_findings)
        if judgement.verdict is Verdict.OUT_OF_SCOPE:
            pytest.skip(judgement.why_not or "out of scope for this target")
        if judgement.verdict is not Verdict.PASSED:
            raise NotGreen(explanation(judgement))

    def _waiting(self) -> list[tuple[Path, str, str]]:
        """What is to be played now: the files of the session with names that tell them apart."""
        if in_worker(self.config):
            return [(self.path, self.combination, self.name)]
        items = [each for each in self.session.items if isinstance(each, ScenarioItem)]
        names: dict[str, tuple[Path, str]] = {}
        for item in items:
            name, number, what = item.name, 2, (item.path, item.combination)
            while names.get(name, what) != what:
                name, number = f"{item.name}-{number}", number + 1
            names[name] = what
        return [(*what, name) for name, what in names.items()]

    def _announce(self, count: int) -> None:
        """Say at a terminal what goes on meanwhile: real outages take minutes."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or count < 2:
            return
        with _uncaptured(self.config):
            engine = setting(self.config, "engine")
            reporter.write_line(f"outage: {count} scenarios side by side on {engine}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings for what the harness raises on purpose, a traceback for the rest."""
        if isinstance(excinfo.value, NotGreen | HarnessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style=style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, 0, f"outage {self.name}"


def _tell_subtests(item: ScenarioItem, findings: Iterable[Finding]) -> None:
    """Each expectation and promise as a subtest, where this pytest knows them (9 and later)."""
    kind: Any = getattr(pytest, "SubtestReport", None)
    if kind is None:
        return
    from _pytest.subtests import SubtestContext

    outcomes = {"passed": "passed", "out_of_scope": "skipped"}
    for finding in findings:
        outcome = (
            "skipped" if finding.known is not None else outcomes.get(finding.verdict, "failed")
        )
        why = (str(item.path), finding.line or 0, f"Skipped: {finding.evidence}")
        report = pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={item.name: 1},
            outcome=outcome,  # type: ignore[arg-type]
            longrepr={"passed": None, "skipped": why}.get(outcome, str(finding)),
            when="call",
            user_properties=[(VERDICT, finding.verdict.value)],
        )
        context = SubtestContext(msg=finding.name, kwargs={})
        with _uncaptured(item.config):
            item.ihook.pytest_runtest_logreport(report=kind._new(report, context, None, None))


def _uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """What a reporter says meanwhile is for the terminal, and no output of the test's."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    if capture is None:
        return nullcontext()
    shown: AbstractContextManager[None] = capture.global_and_fixture_disabled()
    return shown
