"""Behaviours that hit what comes beyond a load."""

from __future__ import annotations

import pytest

from stub_services.behaviours import Behaviours
from stub_services.bounds import BadRequest
from stub_services.messages import Request


def request(path: str = "/balance/ada") -> Request:
    return Request(method="GET", target=path, headers={}, body=b"")


def test_calls_beyond_so_many_within_a_time_are_hit() -> None:
    behaviours = Behaviours()
    put = {"action": "status", "status": 503, "above_calls": 2, "above_s": 1.0}
    behaviours.put("f0", put, 0.0)
    instants_s = (0.0, 0.4, 0.8, 0.9, 1.39, 2.5, 2.6, 2.7)
    hit = [at_s for at_s in instants_s if behaviours.meet(request(), at_s)]
    assert hit == [0.8, 0.9, 1.39, 2.7]


def test_only_calls_of_its_route_make_its_load() -> None:
    behaviours = Behaviours()
    put = {"action": "empty", "above_calls": 1, "above_s": 1.0, "route": "GET /balance/*"}
    behaviours.put("f0", put, 0.0)
    assert not behaviours.meet(request(), 0.0)
    assert not behaviours.meet(request("/health"), 0.1)
    assert behaviours.meet(request(), 0.2)


def test_calls_beyond_so_many_under_way_are_hit() -> None:
    behaviours = Behaviours()
    behaviours.put("f0", {"action": "empty", "more_than": 3}, 0.0)
    assert [bool(behaviours.meet(request(), 0.0, busy)) for busy in (1, 3, 4, 9)] == [
        False,
        False,
        True,
        True,
    ]


def test_a_load_is_a_number() -> None:
    with pytest.raises(BadRequest, match="above_calls"):
        Behaviours().put("f0", {"action": "empty", "above_calls": "many"}, 0.0)
