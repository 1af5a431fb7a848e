"""What each fault in a service is as a stub behaviour: what `PUT /_stub/behaviours` takes.

Network faults that pick calls (a route, a count, a share) are played here too, as far as a stub can
show them: silence, an empty answer, a reset.
"""

from __future__ import annotations

import math
from typing import Any

from harness.scenario.faults import FaultBase
from harness.target import Target


def behaviour(fault: FaultBase, *, seed: int) -> dict[str, Any]:
    """The behaviour that plays a fault inside a stub.

    Raises: TypeError for one that a stub can't play.
    """
    if fault.where != "stub" and not fault.KIND.in_stub:
        raise TypeError(f"{fault.fault} is not played by a stub")
    counted = fault.counted
    chosen: dict[str, Any] = {"route": fault.on, "share": fault.share, "seed": seed}
    if counted is not None:
        chosen["from_call"] = int(counted.low)
        chosen["to_call"] = None if math.isinf(counted.high) else int(counted.high)
    if fault.above is not None:
        chosen |= {"above_calls": fault.above.count, "above_s": fault.above.over_s}
    if fault.more_than is not None:
        chosen["more_than"] = fault.more_than
    if fault.one_in is not None:
        turns = [fault.action(), *[None] * (fault.one_in - 1)]
        return chosen | {"sequence": turns, "repeat": True}
    return chosen | fault.action()


def users_json(target: Target) -> dict[str, Any]:
    """The users whom the stubs are told, by id: the JSON that `PUT /_stub/users` takes."""
    return {user_id: target.user(user_id).model_dump(mode="json") for user_id in target.user_ids}


def routes_json(target: Target, upstream: str) -> list[dict[str, Any]]:
    """Extra routes of one upstream: the JSON that `PUT /_stub/routes` takes."""
    return [route.told() for route in target.stub_routes(upstream)]
