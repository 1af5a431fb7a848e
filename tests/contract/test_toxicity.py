"""Toxicity: a share of connections, drawn once for each, and again when a toxic starts again."""

from __future__ import annotations

from typing import Any

import pytest

CONNECTIONS = 80


def hits(proxied: Any, count: int = CONNECTIONS) -> int:
    """How many of so many new connections are silenced by a timeout toxic on their way up."""
    pairs = [proxied.open() for _ in range(count)]
    for pair in pairs:
        pair.client.send(b"x")
    silent = pairs
    # All that is spared has long arrived when the first silence is sure; on a busy machine, when it
    # is a second time.
    for sure_s in (0.15, 0.3):
        silent = [pair for place, pair in enumerate(silent)
                  if pair.server.is_silent(0.003 if place else sure_s)]  # fmt: skip
    for pair in pairs:
        pair.client.close()
        pair.server.close()
    return len(silent)


@pytest.mark.parametrize(
    ("toxicity", "least", "most"),
    [
        (0, 0, 0), (-1, 0, 0), (1, CONNECTIONS, CONNECTIONS), (2.5, CONNECTIONS, CONNECTIONS),
        # Binomial(80, 0.5): outside 16..64 with a probability of 2e-8.
        (0.5, 16, 64),
    ],
)  # fmt: skip
def test_share_of_connections(proxied: Any, toxicity: float, least: int, most: int) -> None:
    proxied.add("timeout", "upstream", toxicity=toxicity, timeout=0)
    assert least <= hits(proxied) <= most


def test_a_connection_is_all_hit_or_all_spared(proxied: Any) -> None:
    proxied.add("timeout", "upstream", toxicity=0.5, timeout=0)
    for _ in range(6):
        pair = proxied.open()
        pair.client.send(b"1")
        spared = not pair.server.is_silent(0.1)
        if spared:
            assert pair.server.receive(1) == b"1"
            for _ in range(10):
                pair.client.send(b"2")
                assert pair.server.receive(1) == b"2"
        else:
            pair.client.send(b"2")
            assert pair.server.is_silent(0.05)


def test_directions_are_drawn_apart(proxied: Any) -> None:
    proxied.add("limit_data", "upstream", toxicity=1, bytes=10)
    proxied.add("limit_data", "downstream", toxicity=0, bytes=0)
    pair = proxied.open()
    pair.server.send(b"x" * 50)
    assert len(pair.client.receive(50)) == 50
    pair.client.send(b"x" * 50)
    assert len(pair.server.receive_all(2)) == 10


def test_an_update_draws_again(proxied: Any) -> None:
    toxic = proxied.add("limit_data", "upstream", toxicity=0, bytes=0)
    pair = proxied.open()
    pair.client.send(b"spared")
    assert pair.server.receive(6) == b"spared"
    proxied.update(toxic, toxicity=1)
    pair.client.send(b"x")
    assert pair.server.receive_all(2) == b""


def test_coming_and_going_of_a_successor_draws_again(proxied: Any) -> None:
    proxied.add("timeout", "upstream", toxicity=0.5, timeout=0)
    pair = proxied.open()
    successor = ""
    seen = set()
    for _ in range(40):  # all the same with a probability of 2e-12
        pair.client.send(b"x")
        silent = pair.server.is_silent(0.05)
        if not silent:
            pair.server.receive(1)
        seen.add(silent)
        if len(seen) == 2:
            return
        if successor:
            proxied.remove(successor)
            successor = ""
        else:
            successor = proxied.add("noop", "upstream")
    pytest.fail("the same fate 40 times: never drawn again")


def test_lowered_toxicity_spares_live_connections(proxied: Any) -> None:
    toxic = proxied.add("timeout", "upstream", timeout=0)
    pair = proxied.open()
    pair.client.send(b"lost")
    assert pair.server.is_silent(0.1)
    proxied.update(toxic, toxicity=0)
    pair.client.send(b"found")
    assert pair.server.receive(5) == b"found"
