"""Connections to an upstream: how many are open at any instant, how many are opened."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.registry import findings_of
from harness.history.events import Crossed
from harness.verdict import Verdict

SEEN = ("proxy requests", "proxy connections")


def connected(world: Any, *spans: tuple[float, float | None], by: str = "client") -> Any:
    """Connections, each from an instant to an instant, or to the end."""
    for number, (start_s, end_s) in enumerate(spans, start=1):
        common: dict[str, Any] = {"by": "proxy", "upstream": "auth", "connection": number}
        world.events.append(Crossed(at_s=start_s, what="accepted", **common))
        if end_s is not None:
            world.events.append(Crossed(at_s=end_s, what="closed", closed_by=by, **common))
    return world


def one(case: Any, expectation: str, shown: Any, faults: str = "[]") -> Any:
    built = case(f"faults: {faults}\nexpect: [{expectation}]", shown)
    (finding,) = findings_of(built.scenario.expect[0], built)
    return finding


POOL = ((-1.0, None), (-1.0, 20.0), (20.02, None))
"""Two, of which one is replaced at 20 s."""


@pytest.mark.parametrize(
    ("wanted", "verdict"),
    [
        ("2", Verdict.PASSED), ("1..4", Verdict.PASSED), ("'<= 1'", Verdict.FAILED),
        ("3..", Verdict.FAILED), ("0", Verdict.FAILED),
    ],
)  # fmt: skip
def test_a_pool_is_counted_at_every_instant(case, world, wanted, verdict):
    shown = connected(world(evidence=SEEN), *POOL)
    assert one(case, f"{{upstream: auth, connections: {wanted}}}", shown).verdict is verdict


def test_a_gap_is_none_where_another_takes_its_place_and_one_where_none_does(case, world):
    expectation = "{upstream: auth, connections: '1..1'}"
    shown = connected(world(evidence=SEEN), (-1.0, 20.0), (19.98, None))
    assert one(case, expectation, shown).verdict is Verdict.PASSED
    shown = connected(world(evidence=SEEN), (-1.0, 20.0), (20.3, None))
    failed = one(case, expectation, shown)
    assert (failed.verdict, failed.observed) == (
        Verdict.FAILED, "0 (at 20.05s) to 1 (at 0s)",
    )  # fmt: skip
    assert failed.at_s == pytest.approx(20.05)


def test_only_its_window_counts(case, world):
    shown = connected(world(evidence=SEEN), (-1.0, None), (30.0, 40.0))
    for during, verdict in (("0s..30s", Verdict.PASSED), ("35s..50s", Verdict.FAILED)):
        expectation = f"{{upstream: auth, connections: 1, during: {during}}}"
        assert one(case, expectation, shown).verdict is verdict


def test_a_close_that_a_fault_holds_back_is_not_known(case, world):
    shown = connected(world(evidence=SEEN), (-1.0, 30.0), (12.0, None))
    shown.fault("stall", "auth", 10.0, 30.0)
    faults = "[{upstream: auth, fault: stall, from: 10s, to: 30s}]"
    found = one(case, "{upstream: auth, connections: 1}", shown, faults)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "held back" in found.evidence
    failed = one(case, "{upstream: auth, connections: 2..}", shown, faults)
    assert failed.verdict is Verdict.FAILED


def test_what_is_opened_is_counted_from_0s(case, world):
    shown = connected(world(evidence=SEEN), *POOL, (25.0, 26.0))
    found = one(case, "{upstream: auth, new_connections: 2}", shown)
    assert (found.verdict, found.observed) == (
        Verdict.PASSED, "2 connections opened, at 20.02s, 25s",
    )  # fmt: skip
    late = "{upstream: auth, new_connections: '<= 0', during: 21s..end}"
    assert one(case, late, shown).verdict is Verdict.FAILED


@pytest.mark.parametrize("key", ["connections", "new_connections"])
def test_nothing_seen_proves_nothing(case, world, key):
    text = f"{{upstream: auth, {key}: 0}}"
    assert one(case, text, world(evidence=SEEN)).verdict is Verdict.INCONCLUSIVE
    unseen = connected(world(evidence=("stub",)), (1.0, None))
    assert one(case, text, unseen).verdict is Verdict.INCONCLUSIVE


def test_a_proxy_that_tells_of_beginnings_only_shows_what_was_opened(case, world):
    shown = connected(world(evidence=("stub", "proxy connections")), (1.0, None))
    found = one(case, "{upstream: auth, connections: 1}", shown)
    assert (found.verdict, found.observed) == (Verdict.INCONCLUSIVE, "not known")
    assert one(case, "{upstream: auth, new_connections: 1}", shown).verdict is Verdict.PASSED
