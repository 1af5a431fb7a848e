"""The `world` fixture: scenarios played in a Python test, and what they left, typed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from harness.bundled import find_scenarios
from harness.checks.case import Case
from harness.errors import InvalidFile, Problem
from harness.history.events import Event
from harness.history.requests import Request
from harness.history.view import History
from harness.pytesting.session import Plays
from harness.runs.runner import Played
from harness.scenario.loader import load_scenario, parse_scenario
from harness.scenario.model import Scenario
from harness.target import Target
from harness.target.loading import load_target
from harness.verdict import Finding, Judgement, Transition, Verdict
from harness.wire.attempts import Attempt

_WRONG = (Verdict.FAILED, Verdict.INCONCLUSIVE)


class Outcome:
    """What one play left."""

    def __init__(self, played: Played) -> None:
        self.scenario: Scenario = played.scenario
        self.events: Sequence[Event] = played.events
        self.judgement: Judgement = played.judgement

    @cached_property
    def history(self) -> History:
        """Its events, easy to ask."""
        return History(self.events)

    @cached_property
    def _case(self) -> Case:
        return Case(self.scenario, self.history)

    @property
    def answers(self) -> dict[str, tuple[Request, ...]]:
        """By stream, its requests by planned instant with their answers, warm-up left out."""
        return {name: self.history.stream(name) for name in self.scenario.traffic}

    @property
    def attempts(self) -> dict[str, tuple[Attempt, ...]]:
        """By upstream, the attempts that crossed its wire after 0s, by when they began."""
        names = self.history.run.upstreams
        found = {name: self._case.wire(name).attempts for name in names}
        return {name: tuple(a for a in own if a.start_s >= 0) for name, own in found.items()}

    @property
    def breakers(self) -> dict[str, tuple[Transition, ...]]:
        """By upstream, its breaker's changes after 0s, as inferred."""
        return self.judgement.breakers

    @property
    def verdict(self) -> Verdict:
        """Of the scenario."""
        return self.judgement.verdict

    def finding(self, name: str) -> Finding:
        """One finding by its name.

        Raises: KeyError for a name that no finding has.
        """
        return {each.name: each for each in self.judgement.all_findings}[name]

    def assert_passed(self) -> None:
        """Raises: AssertionError whose message is the findings, unless the scenario passed."""
        __tracebackhide__ = True
        if self.verdict is not Verdict.PASSED:
            raise AssertionError(explanation(self.judgement))


class World:
    """Plays scenarios: files, bundled ones by name, or such as are built in Python."""

    def __init__(self, plays: Plays, file: Path, name: str) -> None:
        self._plays = plays
        self._file = file
        self._name = name

    def __call__(
        self,
        scenario: str | Path | Scenario,
        *,
        target: str | Path | Target | None = None,
        engine: str | None = None,
        seed: int | None = None,
    ) -> Outcome:
        """Play one scenario; `target`, `engine` and `seed` go over the session's options.

        Raises: HarnessError when the scenario or the target can't be used.
        """
        system = self._target(target)
        if not isinstance(scenario, Scenario):
            (path,) = find_scenarios([scenario])
            scenario = load_scenario(path, target=system)
        (played,) = self._plays.play([scenario], target=system, engine=engine, seed=seed)
        return Outcome(played)

    def scenario(
        self,
        *,
        traffic: Mapping[str, Mapping[str, Any]],
        faults: Sequence[Mapping[str, Any]] = (),
        expect: Sequence[Mapping[str, Any]] = (),
        duration: str = "60s",
        title: str | None = None,
        target: str | Path | Target | None = None,
        **more: Any,
    ) -> Scenario:
        """A scenario of the same words as in a file; without `expect` promises judge it alone.

        Raises: InvalidFile with everything that is wrong with it.
        """
        __tracebackhide__ = True
        given: dict[str, Any] = {
            "title": title or self._name,
            "duration": duration,
            "traffic": _plain(traffic),
            **({"faults": _plain(faults)} if faults else {}),
            **({"expect": _plain(expect)} if expect else {}),
            **_plain(more),
        }
        text = yaml.safe_dump(given, sort_keys=False, allow_unicode=True)
        name = re.sub(r"[^\w.-]+", "_", self._name)
        try:
            parsed = parse_scenario(text, f"{name}.yaml", target=self._target(target))
        except InvalidFile as error:
            raise InvalidFile(self._placed(error, text)) from None
        self._plays.built[name] = text
        return parsed.model_copy(update={"file": str(self._file), "expect_lines": ()})

    def _placed(self, error: InvalidFile, text: str) -> list[Problem]:
        """Nobody has seen the text: the words of a line say where in the test's own it is."""
        lines = text.splitlines()
        return [
            Problem(
                file=str(self._file),
                line=0,
                message=f"at `{lines[each.line - 1].strip(' -')}`: {each.message}"
                if 0 < each.line <= len(lines)
                else each.message,
            )
            for each in error.problems
        ]

    def _target(self, given: str | Path | Target | None) -> Target:
        if isinstance(given, Target):
            return given
        return load_target(self._plays.options.target if given is None else given)


def _plain(value: Any) -> Any:
    """As YAML's plain kinds, whatever kinds of mappings and sequences a test has at hand."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def explanation(judgement: Judgement) -> str:
    """Why a scenario isn't green, for a person: its findings, the failed ones first."""
    lines = [f"{judgement.name}: {judgement.verdict.value} ({judgement.title})"]
    wrong = [each for each in judgement.all_findings if each.verdict in _WRONG]
    wrong.sort(key=lambda each: (each.known is not None, _WRONG.index(each.verdict)))
    for finding in wrong:
        known = "known, " if finding.known is not None else ""
        lines.append(f"  {known}{finding.verdict.value}: {finding}")
    return "\n".join([*lines, *(f"  {note}" for note in judgement.notes)])
