"""From a broken invariant to an expectation that a scenario file can state, tried on both sides.

An expectation is taken if judging the outage's history fails it, and if the reference gateway with
the target's settings does not fail it under the same outage: what a sound gateway can't keep is no
finding, however sure the invariant was. One that the reference passes is preferred to one that it
leaves inconclusive: the file is to pass once the defect is mended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from harness.checks.case import Case
from harness.checks.registry import findings_of
from harness.errors import InvalidFile
from harness.explore.outage import Outage
from harness.explore.player import Player
from harness.explore.violation import RawExpectation, Violation
from harness.history.view import History
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.settings import ServiceSettings
from harness.target import Start, Target, bundled
from harness.verdict import Finding, Verdict

_SETTINGS = ("attempts", "timeout_s", "threshold", "wait_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What a scenario file can say of a violation."""

    expectation: RawExpectation
    finding: Finding
    """How the target fails it."""
    passes: bool
    """Whether the reference gateway passes it, rather than just not failing it."""


def confirmed(
    violation: Violation, outage: Outage, history: History, player: Player
) -> Confirmed | None:
    """The plainest expectation that only a defective gateway fails; None if there is none.

    Raises: WorldError.
    """
    failing = [
        (raw, finding)
        for raw in violation.expectations
        if (finding := failed(raw, outage, history)) is not None
    ]
    if not failing:
        return None
    sound = _sound_history(outage, player)
    held = [
        Confirmed(
            expectation=raw,
            finding=finding,
            passes=sound is not None and _passed(raw, outage, sound),
        )
        for raw, finding in failing
        if sound is None or failed(raw, outage, sound) is None
    ]
    return next((one for one in held if one.passes), held[0] if held else None)


def _passed(raw: RawExpectation, outage: Outage, history: History) -> bool:
    return judge(outage.scenario(expect=(raw,)), history).verdict is Verdict.PASSED


def failed(raw: RawExpectation, outage: Outage, history: History) -> Finding | None:
    """The finding that fails an expectation on a history; None if it doesn't fail."""
    try:
        scenario = outage.scenario(expect=(raw,))
    except ValueError:
        return None  # its window is none
    # By itself: that another fault of the outage met nobody is no excuse here.
    case = Case(scenario, history)
    findings = [finding for each in scenario.expect for finding in findings_of(each, case)]
    found = next((found for found in findings if found.verdict is Verdict.FAILED), None)
    if found is not None and not _can_be_read(raw, outage):
        return None
    return found


def _can_be_read(raw: RawExpectation, outage: Outage) -> bool:
    """Whether the loader takes a scenario file with this expectation."""
    text = yaml.safe_dump(outage.as_raw(title="-", expect=(raw,)), allow_unicode=True)
    try:
        parse_scenario(text, "explored.yaml")
    except InvalidFile:
        return False
    return True


def _sound_history(outage: Outage, player: Player) -> History | None:
    """The same outage on the reference gateway; None if it can't be played there."""
    history = player.play(outage.scenario(), outage.seed, sound_twin(player.target))
    return None if history.troubles else history


def sound_twin(target: Target) -> Target:
    """The reference gateway with a target's settings, users and stubs."""
    reference = bundled("reference")
    assert reference is not None
    assert reference.start is not None
    env: dict[str, str] = {}
    for name in target.upstream_names:
        env |= _variables(name, target.settings(name))
    start = Start(command=reference.start.command, wsgi=reference.start.wsgi, env=env)
    changes: dict[str, Any] = {
        "start": start,
        "breakers": target.breakers,
        "users": target.users,
        "stubs": {name: routes for name, routes in target.stubs.items() if name in _known()},
    }
    return reference.model_copy(update=changes)


def _known() -> tuple[str, ...]:
    reference = bundled("reference")
    return () if reference is None else reference.upstream_names


def _variables(name: str, own: ServiceSettings) -> dict[str, str]:
    prefix = name.upper()
    return {f"{prefix}_{key.upper()}": f"{getattr(own, key):g}" for key in _SETTINGS}
