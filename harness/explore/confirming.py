"""Whether a broken promise is the target's own, and how a scenario file says it.

Promises hold in every run, so a scenario file needs to expect nothing: judging it finds the same
promise broken. What the reference gateway with the target's settings breaks in the same outage
too is no finding, however sure the promise was.
"""

from __future__ import annotations

from typing import Any

from harness.checks.case import Case
from harness.checks.promises import promises_of
from harness.checks.promises.violation import Violation
from harness.explore.outage import Outage
from harness.explore.player import Player
from harness.history.view import History
from harness.policy.settings import ServiceSettings, in_a_row
from harness.scenario.model import Scenario
from harness.target import Start, Target
from harness.target.loading import bundled
from harness.verdict import Finding, Verdict

_SETTINGS = ("attempts", "timeout_s", "failures", "wait_s")
_VARIABLES = ("ATTEMPTS", "TIMEOUT_S", "THRESHOLD", "WAIT_S")


def confirmed(
    violation: Violation, outage: Outage, history: History, player: Player
) -> Finding | None:
    """How judging a scenario file of this outage fails the target, where a sound one passes.

    Raises: WorldError.
    """
    scenario = outage.scenario()
    finding = failed(violation, scenario, history)
    if finding is None:
        return None
    sound = _sound_history(outage, player)
    accused = sound is not None and failed(violation, scenario, sound) is not None
    return None if accused else finding


def failed(violation: Violation, scenario: Scenario, history: History) -> Finding | None:
    """The finding that says so, when the play is judged as a scenario; None if it doesn't."""
    # By itself: that another fault of the outage met nobody is no excuse here.
    promises = promises_of(Case(scenario, history))
    return next(
        (f for f in promises if f.name == violation.name and f.verdict is Verdict.FAILED), None
    )


def _sound_history(outage: Outage, player: Player) -> History | None:
    """The same outage on a gateway known to be sound; None if there is none, or it can't."""
    twin = sound_twin(player.target)
    if twin is None:
        return None
    history = player.play(outage.scenario(), outage.seed, twin)
    return None if history.troubles else history


def sound_twin(target: Target) -> Target | None:
    """The reference gateway with a target's settings and users; None for another contract, or
    where it has no breaker like the target's.
    """
    reference = bundled("reference")
    assert reference is not None
    if target.contract is not reference.contract or target.routes:
        return None
    assert reference.start is not None
    env: dict[str, str] = {}
    for name in target.upstream_names:
        own = target.settings(name)
        plain = in_a_row(
            attempts=own.attempts,
            timeout_s=own.timeout_s,
            threshold=own.failures,
            wait_s=own.wait_s,
        )
        if own.breaker != plain.breaker:
            return None
        env |= _variables(name, own)
    start = Start(command=reference.start.command, wsgi=reference.start.wsgi, env=env)
    changes: dict[str, Any] = {
        "start": start,
        "breakers": target.breakers,
        "users": target.users,
        "stubs": {name: target.stub_routes(name) for name in target.stubs if name in _known()},
    }
    return reference.model_copy(update=changes)


def _known() -> tuple[str, ...]:
    reference = bundled("reference")
    return () if reference is None else reference.upstream_names


def _variables(name: str, own: ServiceSettings) -> dict[str, str]:
    prefix = name.upper()
    return {
        f"{prefix}_{variable}": f"{getattr(own, key):g}"
        for variable, key in zip(_VARIABLES, _SETTINGS, strict=True)
    }
