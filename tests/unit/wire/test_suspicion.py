"""What can't be behind a breaker that breaks its contract, though its events would fit."""

import math

import pytest
from msgspec.structs import replace

from harness.checks.keeping import says
from harness.policy.among import Among
from harness.policy.settings import in_a_row
from tests.unit.wire.test_witness import Story


def test_who_gives_up_early_has_asked_its_breaker_before_a_retry() -> None:
    """Two failures open it. Its probe is tried again, but not a third time."""
    story = Story("auth", fault="status", to_s=80)
    for second in (0, *range(2, 13), *range(14, 22)):
        tries = (0.002, 1.004) if second in (0, 12) else ()
        for after_s in tries:
            story.attempt(second + after_s, took_s=0.002, status=503)
        took_s = tries[-1] + 0.01 if tries else 0.005
        story.request(second + 1, second, took_s=took_s, status=401)

    own = in_a_row(attempts=3, timeout_s=2, threshold=2, wait_s=10)
    wire = story.infer(30, own)

    assert wire.refutation is not None
    told = [cause.what for cause in wire.causes]
    assert "doesn't ask its breaker again before a retry" not in told


def test_what_counts_otherwise_is_named_where_failures_count_for_a_while() -> None:
    """Six answers of 404 open it, which count for nothing."""
    story = Story("auth", fault="status", to_s=20)
    for second in range(12):
        if second < 6:
            story.attempt(second + 0.002, took_s=0.002, status=404)
        story.request(second + 1, second, took_s=0.005, status=401)
    own = in_a_row(attempts=1, timeout_s=2, threshold=6, wait_s=17)
    among = replace(own.breaker, opens=Among(6, math.inf, 21.0))

    wire = story.infer(30, replace(own, breaker=among))

    assert wire.refutation is not None
    assert "counts answers of 4xx as failures" in [cause.what for cause in wire.causes]


@pytest.mark.parametrize(("waits_s", "about_s"), [(7, 7), (9, 9), (12, 11)])
def test_a_first_wait_of_another_length_is_not_one_after_a_failed_probe(
    waits_s: int, about_s: int
) -> None:
    """Two failures open it at 1 s, and its probe succeeds."""
    story = Story("auth", fault="status", to_s=2)
    for second in range(20):
        made = second <= 1 or second >= 1 + waits_s
        status = 503 if second <= 1 else 200
        if made:
            story.attempt(second + 0.002, took_s=0.002, status=status)
        story.request(second + 1, second, took_s=0.005, status=200 if made and second > 1 else 401)

    wire = story.infer(30, in_a_row(attempts=1, timeout_s=2, threshold=2, wait_s=10))

    assert wire.refutation is not None
    assert f"waits about {about_s}s before it probes, not 10s" in [c.what for c in wire.causes]
    assert not any("after a failed probe" in cause.what for cause in wire.causes)


def test_who_may_have_been_turned_away_unseen_is_no_sign_of_several_breakers() -> None:
    """Nobody's calls are seen at a port that refuses; later it is called while it must be open."""
    story = Story("auth", fault="refused", to_s=5)
    for second in range(14):
        if second > 5:
            story.attempt(second + 0.002, took_s=0.002, status=503)
        story.request(second + 1, second, took_s=0.005, status=401)

    wire = story.infer(30, in_a_row(attempts=1, timeout_s=2, threshold=2, wait_s=10))

    assert wire.refutation is not None
    assert "unseen" in {demand.outcome for demand in wire.demands}
    assert not any("several breakers" in cause.what for cause in wire.causes)


@pytest.mark.parametrize(
    ("passes", "told"),
    [
        (range(22, 40), "is closed by a probe that is answered by a body that breaks off"),
        ((22, *range(32, 40)), "lets the next one try again at once after a probe that is"),
    ],
    ids=["closes", "lets go"],
)
def test_what_one_kind_of_probe_does_is_told_from_what_all_do(passes: range, told: str) -> None:
    """Two failures open it at 1 s. Its first probe, answered 503, opens it again; its second one
    breaks off, and the next call is let through, which is answered 503.
    """
    story = Story("auth", fault="status", to_s=60)
    for second in range(40):
        made = second in (0, 1, 11, 21) or second in passes
        failed = second in (0, 1, 11, 22)
        if made:
            outcome = "truncated" if second == 21 else "sent"
            status = 503 if failed else 200
            story.attempt(second + 0.002, took_s=0.002, status=status, outcome=outcome)
        well = made and not failed and second != 21
        story.request(second + 1, second, took_s=0.005, status=200 if well else 401)

    wire = story.infer(40, in_a_row(attempts=1, timeout_s=2, threshold=2, wait_s=10))

    assert wire.refutation is not None
    names = [cause.what for cause in wire.causes]
    assert any(told in name for name in names)
    assert not any("a failed probe" in name or "its probe fails" in name for name in names)
    assert says(wire, wire.refutation, None) == (
        "auth was called at 22.00 s, although its breaker's probe failed at 21.00 s"
    )


def test_who_waits_for_a_place_and_makes_no_attempt_is_no_work_of_a_breaker() -> None:
    """Two at a time may call. The others wait for the deadline, and fail without an attempt."""
    story = Story("auth", fault="blackhole", to_s=60)
    for number in range(8):
        if number < 2:
            story.attempt(0.002, took_s=5, status=None)
        story.request(number + 1, 0.0, took_s=5.01, status=401)
    for second in range(6, 20):
        story.request(second + 3, second, took_s=0.005, status=401)

    wire = story.infer(20, in_a_row(attempts=1, timeout_s=5, threshold=5, wait_s=60))

    assert wire.refutation is not None
    assert wire.causes == ()
