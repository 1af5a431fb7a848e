"""What a target says of its own breaker narrows what the wire leaves open, and no more."""

from __future__ import annotations

import pytest

from harness.history.events import Phase, Reported, Run
from harness.history.view import History
from harness.wire.account import Account
from harness.wire.stories import Change

LOOKS = ((-0.1, "closed"), (5.1, "open"), (65.1, "half_open"), (70.1, "open"))
"""When a state was seen first; another one was 0.25 s before, or 5 s before the last of them."""


@pytest.fixture
def account() -> Account:
    run = Run(at_s=-1.0, by="engine", scenario="s", file="s.yaml", engine="local",
              proxy="embedded", target="t", seed=0, upstreams=("auth",),
              evidence=("status",))  # fmt: skip
    said = [
        Reported(at_s=at_s, by="target", upstream="auth", state=state, since_s=since_s)
        for (at_s, state), since_s in zip(LOOKS, (-0.1, 4.85, 64.85, 65.1), strict=True)
    ]
    return Account(History([run, *said, Phase(at_s=90.0, by="engine", phase="end")]), "auth")


def test_a_look_that_shows_it_half_open_is_none_at_its_opening_again(account: Account) -> None:
    """The probe may have failed at once, or at its deadline."""
    wide = Change("open", 65.0, 70.0, 1)
    assert account.narrowed(wide, 0.05) == Change("open", 65.1, 70.0, 1)


def test_the_first_opening_is_narrowed_to_between_two_looks(account: Account) -> None:
    wide = Change("open", 1.0, 9.0, 1)
    assert account.narrowed(wide, 0.05) == Change("open", 4.85, 5.1, 1)
