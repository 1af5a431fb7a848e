"""What each fault in a service is as a stub behaviour: what `PUT /_stub/behaviours` takes.

Network faults that pick calls (a route, a count, a share) are played here too, as far as a stub can
show them: silence, an empty answer, a reset.
"""

from __future__ import annotations

import math
from typing import Any

from harness.scenario.faults import (
    Delay,
    Drip,
    FaultBase,
    Headers,
    Json,
    Revoke,
    Status,
    Truncate,
)
from harness.target import Target

_DRIPS = {"body": "content-length", "chunked": "chunked", "headers": "headers"}
_PLAIN = {
    "blackhole": "blackhole",
    "request_lost": "request_lost",
    "reply_lost": "reply_lost",
    "empty": "empty",
    "reset": "reset",
    "malformed": "malformed",
    "undecodable": "encoding",
}


def behaviour(fault: FaultBase, *, seed: int) -> dict[str, Any]:
    """The behaviour that plays a fault inside a stub.

    Raises: TypeError for one that a stub can't play.
    """
    counted = fault.counted
    chosen: dict[str, Any] = {"route": fault.on, "share": fault.share, "seed": seed}
    if counted is not None:
        chosen["from_call"] = int(counted.low)
        chosen["to_call"] = None if math.isinf(counted.high) else int(counted.high)
    if fault.one_in is not None:
        turns = [_action(fault), *[None] * (fault.one_in - 1)]
        return chosen | {"sequence": turns, "repeat": True}
    return chosen | _action(fault)


def _action(fault: FaultBase) -> dict[str, Any]:
    match fault:
        case Status():
            return {"action": "status", "status": fault.status}
        case Delay():
            return {"action": "delay", "delay_s": fault.delay}
        case Truncate():
            return {"action": "truncate", "after_bytes": fault.after}
        case Drip():
            return {"action": "drip", "interval_s": fault.every, "encoding": _DRIPS[fault.part]}
        case Json():
            return {"action": "json", "json": fault.json_, "status": fault.status}
        case Headers():
            action: dict[str, Any] = {"action": "headers", "headers": fault.headers}
            return action if fault.status is None else action | {"status": fault.status}
        case Revoke():
            return {"action": "revoke", "user": fault.user}
        case _:
            name: str = fault.fault
            if name not in _PLAIN:
                raise TypeError(f"{name} is not played by a stub")
            return {"action": _PLAIN[name]}


def users_json(target: Target) -> dict[str, Any]:
    """The users whom the stubs are told, by id: the JSON that `PUT /_stub/users` takes."""
    return {user_id: target.user(user_id).model_dump(mode="json") for user_id in target.user_ids}


def routes_json(target: Target, upstream: str) -> list[dict[str, Any]]:
    """Extra routes of one upstream: the JSON that `PUT /_stub/routes` takes."""
    return [
        {
            "route": route.route,
            "json": route.json_,
            "status": route.status,
            "headers": route.headers,
        }
        for route in target.stubs.get(upstream, ())
    ]
