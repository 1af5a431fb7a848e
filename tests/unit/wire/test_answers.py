"""What answers tell of upstreams that nobody was seen to call."""

from __future__ import annotations

import pytest

from harness.history.events import Answered, Phase, Sent
from harness.history.view import History
from harness.wire.answers import Answers
from harness.wire.attempts import bare
from harness.wire.learned import Learned
from harness.wire.made import Made
from tests.unit.wire.test_attempts import history


def played(*, status: int) -> History:
    """A request of health, and one of the play."""
    found = []
    for number, (at_s, answer) in enumerate(((-1.0, 200), (1.0, status))):
        sent = Sent(
            at_s=at_s, by="client", id=number, stream="page", number=number, planned_s=at_s,
            method="GET", path="/page",
        )  # fmt: skip
        found += [sent, Answered(at_s=at_s + 0.5, by="client", id=number, status=answer)]
    phases = [
        Phase(at_s=-1.5, by="engine", phase="warm-up"),
        Phase(at_s=0, by="engine", phase="play"),
    ]
    return history(*phases, *found)


@pytest.mark.parametrize(
    ("status", "late_s", "is_learned"),
    [(200, 0.0, True), (200, 0.3, False), (503, 0.3, True), (429, 0.0, False)],
)
def test_no_good_answer_on_a_late_machine_and_no_limit_is_learned_to_be_one_without(
    status: int, late_s: float, is_learned: bool
) -> None:
    """A busy machine: failed attempts of others were given to requests that were answered well,
    and one without any "was turned away", by a breaker that had never opened. A limit of the
    target's own says nothing of an upstream, whatever attempt seems to be its request's.
    """
    told = played(status=status)
    calls = {"page": (Learned(upstream="chroma", route="POST /query"),)}
    answers = Answers(told, calls, {"chroma": lambda start_s, end_s: late_s})
    answers.learn({1: Made({"chroma": [bare(1.1, 1.2, "proxy")]})})
    (request,) = told.requests
    assert answers.lacks(request, "chroma", first=True) == is_learned
