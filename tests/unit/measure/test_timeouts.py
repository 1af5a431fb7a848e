"""How long an attempt is waited for that hears nothing, by how long attempts of one call lasted."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.measure.bench import Bench
from harness.measure.calls import _timeout
from harness.measure.findings import Findings, Span
from harness.measure.reading import Seen, Try


def timeout(*lasting: float, backoffs: tuple[float, ...]) -> Findings:
    """What is found of attempts that came one after the other, each closed as the next began."""
    found = Findings(upstream="pantry")
    found.backoffs = tuple(Span(low_s=one - 0.01, high_s=one + 0.01) for one in backoffs)
    tries, at_s = [], 0.0
    for lasted_s in lasting:
        tries.append(Try(start_s=at_s, end_s=at_s + lasted_s, how="ended", left=True))
        at_s += lasted_s
    nobody = cast(Any, None)
    bench = Bench(lab=nobody, upstream="pantry", route=nobody, findings=found)
    _timeout(bench, Seen(sent_s=0.0, end_s=at_s, status=503, tries=tuple(tries)))
    return found


@pytest.mark.parametrize(
    ("lasting", "backoffs"),
    [((2.0, 2.0, 2.0), (0.01, 1.0)), ((2.0, 3.0, 2.0), (0.01, 1.0)), ((3.0, 4.0, 2.0), (1.0, 2.0))],
)
def test_an_attempt_may_be_closed_when_the_wait_after_it_is_over(lasting, backoffs) -> None:
    """urllib3's `Retry` sleeps before it drops the connection: it had no timeout to speak of."""
    span = timeout(*lasting, backoffs=backoffs).timeout
    assert span is not None
    assert span.low_s <= 2.0 <= span.high_s
    assert span.error_s <= 0.02


def test_what_no_wait_explains_is_told() -> None:
    found = timeout(2.0, 3.0, 2.0, backoffs=(0.01, 0.2))
    assert found.timeout is None
    assert found.unknown["timeout_s"] == "attempts that hear nothing lasted 2 to 3 s"
