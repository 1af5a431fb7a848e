"""What was found out first doesn't decide the order in which it is told."""

from __future__ import annotations

from harness.measure.downs import Downs


def test_upstreams_stand_in_their_own_order():
    downs = Downs()
    downs.statuses["GET /"] = {"billing": 200, "auth": 401, "stock": None}
    downs.sort(("auth", "billing"))
    assert list(downs.statuses["GET /"].items()) == [
        ("auth", 401),
        ("billing", 200),
        ("stock", None),
    ]
