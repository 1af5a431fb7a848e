"""What a client asks on a connection that it kept, where its proxy tells of new ones only."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.history.events import Crossed, Phase, Run
from harness.history.view import History
from harness.policy.settings import in_a_row
from harness.wire.attempts import bare
from harness.wire.learned import WarmUp
from harness.wire.made import last_of
from harness.wire.wire import Wire
from harness.wire.witness import Witness
from tests.unit.wire.test_witness import Story

SETTINGS = in_a_row(attempts=2, timeout_s=5, threshold=5, wait_s=60)


def reset(*accepted: float) -> Wire:
    """Whoever asks is reset, twice, with a second between; then the breaker is open."""
    story = Story("auth", fault="reset", to_s=8, journal=False)
    run = story.events[0]
    assert isinstance(run, Run)
    story.events[0] = replace(run, evidence=("stub", "proxy connections"))
    for number, at_s in enumerate((-1.0, *accepted)):
        story.events.append(
            Crossed(at_s=at_s, by="proxy", upstream="auth", connection=number, what="accepted")
        )
    for second in range(3):
        story.request(second + 1, second, took_s=1.003, status=401)
    for second in range(3, 8):
        story.request(second + 1, second, took_s=0.003, status=401)
    end = Phase(at_s=8.0, by="engine", phase="end")
    return Witness(History([*story.events, end]), {"auth": SETTINGS}).at("auth")


def test_the_first_call_in_a_fault_that_ends_it_may_have_been_made_on_a_kept_connection() -> None:
    """A sound breaker was said to open after four failures: the first of five was not seen."""
    wire = reset(1.001, 1.002, 2.001, 2.002)

    assert wire.lost == [0.0]
    assert wire.refutation is None
    assert [(t.state, round(t.at_s)) for t in wire.transitions] == [("open", 2)]


def test_who_was_seen_to_call_as_soon_as_it_could_kept_nothing() -> None:
    assert reset(0.001, 1.001, 1.002, 2.001, 2.002).lost == []


@pytest.mark.parametrize(("evidence", "calls"), [("proxy requests", 1), ("proxy connections", 2)])
def test_a_connection_of_a_pool_on_which_nothing_is_asked_is_no_call(
    evidence: str, calls: int
) -> None:
    """All upstreams of a target that connects as it starts were said to be called by its first
    request, and then to be spared by all others.
    """
    story = Story("auth", fault="status", to_s=1)
    run = story.events[0]
    assert isinstance(run, Run)
    story.events[0] = replace(run, upstreams=("auth", "git"), evidence=("stub", evidence))
    story.events.append(
        Crossed(at_s=-1.005, by="proxy", upstream="git", connection=99, what="accepted")
    )

    assert len(WarmUp(History(story.events)).calls["chat"]) == calls


def test_of_two_attempts_at_one_instant_the_one_that_was_given_last_was_the_last() -> None:
    verified, asked = bare(1.0, 1.0, "proxy"), bare(1.0, 1.0, "latency")

    assert last_of({"auth": [verified], "billing": [asked]}) == ("billing", asked)
