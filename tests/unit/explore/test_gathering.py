"""What several hunts say, put together: the same whoever was quicker."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest

from harness.errors import UsageError
from harness.explore.coverage import Coverage
from harness.explore.crew import Gathering
from harness.explore.finding import Result


def result(about: str, text: str) -> Result:
    return Result(
        promise="never 5xx", about=about, says="-", observed="-", outage=b"-", duration_s=1.0,
        text=text, steady=True,
    )  # fmt: skip


SAID = [
    (0, "found", result("chat", "of hunt 0")),
    (1, "found", result("chat", "of hunt 1")),
    (1, "found", result("login", "of hunt 1, too")),
    (2, "found", result("chat", "of hunt 2")),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_first_hunt_that_found_it_counts_in_whatever_order_they_arrive(order):
    written = {}
    gathering = Gathering(lambda found: written.update({found.about: found.text}), lambda _: None)
    for index in order:
        gathering.take(*SAID[index])
    assert written == {"chat": "of hunt 0", "login": "of hunt 1, too"}
    found = {each.about: each.text for each in gathering.close().findings}
    assert found == written


def test_what_a_hunt_says_twice_counts_once():
    """A worker died after it had told: its hunt begins again, and all comes home once more."""
    told = []
    gathering = Gathering(told.append, lambda _: None)
    key = ("never 5xx", "chat")
    for _ in range(2):
        gathering.take(0, "found", result("chat", "same"))
        gathering.take(0, "done", (Coverage(), Counter({key: 2}), Counter()))
    outcome = gathering.close()
    assert len(told) == len(outcome.findings) == 1
    assert outcome.also == Counter({key: 2})


def test_a_hunt_that_failed_ends_all():
    with pytest.raises(UsageError, match="no such route"):
        Gathering(print, print).take(0, "failed", "no such route")
