"""What can't be behind a breaker that breaks its contract, though its events would fit."""

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
