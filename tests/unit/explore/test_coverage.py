"""What an exploration says that it has not been through."""

from __future__ import annotations

from harness.contracts import document
from harness.explore.coverage import Coverage


def test_an_upstream_can_only_have_missed_what_the_simulation_plays_on_upstreams() -> None:
    missed = Coverage().never_met(("auth", "git"), document())
    assert {"refused", "revoke"} <= set(missed["auth"])
    assert not {"clock_step", "disconnect"} & set(missed["auth"])
    assert "revoke" not in missed["git"]
