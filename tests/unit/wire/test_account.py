"""What a target says of its own breaker narrows what the wire leaves open, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from harness.history.events import Phase, Reported, Run
from harness.history.view import History
from harness.policy.waits import Constant
from harness.wire.account import Account
from harness.wire.stories import Change

LOOKS = ((-0.1, "closed"), (5.1, "open"), (65.1, "half_open"), (70.1, "open"))
"""When a state was seen first; another one was 0.25 s before, or 5 s before the last of them."""


def told(
    looks: tuple[tuple[float, str], ...],
    since: tuple[float, ...],
    *,
    once: bool = False,
    **more: Any,
) -> Account:
    run = Run(at_s=-1.0, by="engine", scenario="s", file="s.yaml", engine="local",
              proxy="embedded", target="t", seed=0, upstreams=("auth",),
              evidence=("status",))  # fmt: skip
    said = [
        Reported(at_s=at_s, by="target", upstream="auth", state=state, since_s=since_s, once=once)
        for (at_s, state), since_s in zip(looks, since, strict=True)
    ]
    history = History([run, *said, Phase(at_s=90.0, by="engine", phase="end")])
    return Account(history, "auth", **more)


@pytest.fixture
def account() -> Account:
    return told(LOOKS, (-0.1, 4.85, 64.85, 65.1))


def test_a_look_that_shows_it_half_open_is_none_at_its_opening_again(account: Account) -> None:
    """The probe may have failed at once, or at its deadline."""
    wide = Change("open", 65.0, 70.0, 1)
    assert account.narrowed(wide, 0.05) == Change("open", 65.1, 70.0, 1)


def test_the_first_opening_is_narrowed_to_between_two_looks(account: Account) -> None:
    wide = Change("open", 1.0, 9.0, 1)
    assert account.narrowed(wide, 0.05) == Change("open", 4.85, 5.1, 1)


@pytest.mark.parametrize(("wait_s", "wrong"), [(40.0, False), (59.0, True)])
def test_who_says_half_open_before_the_wait_is_over_says_what_was_not(
    wait_s: float, wrong: bool
) -> None:
    """Once it may be over, an open one is half open to some, as nobody has come yet."""
    looks = ((-0.1, "closed"), (5.1, "open"), (47.1, "half_open"))
    account = told(looks, (-0.1, 4.85, 46.85), wait=Constant(wait_s))
    (*_, last) = list(account.conflicts((Change("open", 5.0, 5.0, 1),), 0.05)) or [""]
    says = "auth half_open at 47.10..63.70 s, when it was open, and its wait not over, on the wire"
    assert last == (f"the status endpoint shows {says}" if wrong else "")


def test_who_says_half_open_after_a_trial_that_said_nothing_says_what_was() -> None:
    """One answered 429 gives its place back: the next call is a trial, without another wait."""
    looks = ((-0.1, "closed"), (5.1, "open"), (65.1, "half_open"))
    account = told(looks, (-0.1, 4.85, 64.85), wait=Constant(60.0))
    again = [Change("half_open", 65.0, 65.0, 2), Change("open", 65.01, 65.01, 2)]
    assert list(account.conflicts((Change("open", 5.0, 5.0, 1), *again), 0.05)) == []


@pytest.mark.parametrize(("at_s", "lies"), [(3.0, False), (10.0, True), (30.0, False)])
def test_of_a_few_looks_each_says_what_was_then_and_nothing_of_between(
    at_s: float, lies: bool
) -> None:
    """A breaker that opened and closed between two of them had "shown closed" all the while."""
    looks = ((-0.1, "closed"), (at_s, "closed"), (40.0, "closed"))
    account = told(looks, (-0.1, at_s - 0.01, 39.99), once=True, wait=Constant(15.0))
    story = (Change("open", 5.0, 5.0, 1), Change("half_open", 20.0, 20.0, 2),
             Change("closed", 20.1, 20.1, 2))  # fmt: skip
    found = list(account.conflicts(story, 0.05))
    assert found == (
        ["the status endpoint shows auth closed at 10.00 s, when it was open on the wire"]
        if lies
        else []
    )
    assert account.narrowed(Change("open", 1.0, 9.0, 1), 0.05) is None


def test_who_says_closed_while_it_is_open_is_told_so_once() -> None:
    account = told(((-0.1, "closed"),), (-0.1,), wait=Constant(60.0))
    says = "the status endpoint shows auth closed at 5.55..90.00 s, when it was open on the wire"
    assert list(account.conflicts((Change("open", 5.0, 5.0, 1),), 0.05)) == [says]


@pytest.mark.parametrize(("look_s", "wrong"), [(5.5, False), (5.6, True), (64.9, True)])
def test_one_look_is_enough_to_see_that_a_page_is_later_than_it_may_be(
    look_s: float, wrong: bool
) -> None:
    account = told(((-0.1, "open"), (look_s, "closed"), (70.0, "open")), (-0.1, -0.1, look_s))
    changes = (Change("open", 5.0, 5.0, 1), Change("closed", 65.0, 65.0, 2))
    found = [says for says in account.conflicts(changes, 0.05) if " closed at " in says]
    says = f"the status endpoint shows auth closed at {look_s:.2f} s, when it was open on the wire"
    assert found == ([says] if wrong else [])


def test_what_took_long_to_be_answered_may_have_been_so_when_it_was_asked() -> None:
    account = told(((-0.1, "open"), (7.0, "closed"), (7.5, "open")), (-0.1, -0.1, 5.3))
    changes = (Change("open", 5.0, 5.0, 1), Change("closed", 65.0, 65.0, 2))
    assert not [says for says in account.conflicts(changes, 0.05) if " closed at " in says]
