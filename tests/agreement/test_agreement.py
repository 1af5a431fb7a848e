"""The contract's arithmetic and the simulated reference gateway agree on random timelines.

Two that were written apart: where they differ one of them is wrong. `OUTAGE_AGREEMENT=1000` plays a
thousand (see CONTRIBUTING.md); without it a few, always the same.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from harness.engines.sim.engine import SimEngine
from harness.scenario.faults import KINDS, Kind
from tests.agreement.holding import Reference, disagreements
from tests.agreement.timelines import STREAMS, timelines

_EXAMPLES = int(os.environ.get("OUTAGE_AGREEMENT", "6"))


@pytest.fixture(scope="module")
def reference(simulation: SimEngine) -> Reference:
    return Reference(simulation)


_OVER_RUNNING = [kind for kind in KINDS.values() if kind.running != "nothing"]
_LOOKUP = {"request": "GET /v1/api/lookup?q=x", "as": "ada", "rate": "2/s"}


@pytest.mark.parametrize("kind", _OVER_RUNNING, ids=lambda kind: kind.name)
def test_they_agree_when_a_fault_begins_over_attempts_under_way(
    reference: Reference, kind: Kind
) -> None:
    if "sim" not in kind.engines:
        pytest.skip("the simulation can't play it")
    slow = {"upstream": "external_data", "fault": "delay", "delay": "4s", "to": "10s"}
    fault = {"upstream": "external_data", "fault": kind.name, "from": "10s", "to": "30s"}
    raw = {
        "title": "answers are on their way when it begins",
        "duration": "60s",
        "traffic": {"lookup": _LOOKUP},
        "faults": [slow, fault | kind.example],
    }
    assert disagreements(reference, raw) == []


# A call turned away after one of the same request that had been let through, and held.
_HELD_THEN_REJECTED = {
    "title": "a request is served by billing at first, and turned away 10 s later",
    "duration": "60s",
    "traffic": {"chat": STREAMS["chat"][1] | {"as": "ada", "rate": "1/s", "count": "2 at 1s"}},
    "faults": [{"upstream": "billing", "fault": "stall", "from": "0s", "to": "12.25s"}],
}


@pytest.mark.timeout(300 + 20 * _EXAMPLES)
@example(raw=_HELD_THEN_REJECTED)
@given(raw=timelines())
@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_they_agree_on_random_timelines(reference: Reference, raw: dict[str, Any]) -> None:
    assert disagreements(reference, raw) == []
