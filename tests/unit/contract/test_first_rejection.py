"""The first request that is turned away is the one that was sent first, whatever its number."""

from __future__ import annotations

from harness.contract.prediction import predict
from harness.scenario.loader import parse_scenario

_TEXT = """title: every third call hangs until it is lifted, which opens the breaker
duration: 40s
traffic:
  files:
    request: GET /v1/api/project/{project}/history
    as: ada
    rate: 2/s
    retry: {attempts: 2, wait: 500ms, on: 503}
faults: [{upstream: git, fault: request_lost, to: 8250ms, one_in: 3}]
expect: [{never: {status: 599}}]
"""


def test_a_request_sent_again_is_no_earlier_than_those_sent_before() -> None:
    """#1 hangs until 8.25 s, and is turned away as it is sent again at 8.75 s; #18 is at 8.5 s."""
    (span,) = predict(parse_scenario(_TEXT, "x")).of("git").first_rejection["files"]
    assert (span.low, span.high) == (18, 18)
