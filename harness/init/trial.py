"""What an application does when all is well: started, and asked what it seems to answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.engines.local.engine import LocalEngine
from harness.measure.downs import Downs
from harness.measure.findings import Findings
from harness.measure.measuring import Measured
from harness.measure.realtime.downs import find_downs
from harness.measure.realtime.ground import Grounds
from harness.measure.realtime.measuring import learn
from harness.target import Target

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def any_answer(said: Any) -> list[dict[str, Any]]:
    """Stub routes that answer whatever is asked, with what the application seems to read."""
    return [{"route": f"{method} /**", "json": said} for method in _METHODS]


async def own_description(target: Target) -> dict[str, Any] | None:
    """The OpenAPI document that the running application serves; None where it serves none.

    Raises: TargetError, WorldError.
    """
    engine = LocalEngine(proxy="embedded")
    grounds = Grounds(target, engine)
    try:
        async with grounds.ground({"request": target.ready}, target.upstream_names[0]) as ground:
            text = await ground.fetch("/openapi.json")
        found = json.loads(text) if text is not None else None
    except ValueError:
        found = None
    finally:
        await engine.close()
    return found if isinstance(found, dict) and "paths" in found else None


async def try_out(target: Target, streams: Mapping[str, dict[str, Any]]) -> Measured:
    """Which of the requests are answered well, with what calls, and what if those are refused.

    Raises: TargetError, WorldError, UsageError.
    """
    engine = LocalEngine(proxy="embedded")
    grounds = Grounds(target, engine)
    try:
        known = await learn(grounds, streams, by_path=True)
        measured = Measured(target=target.name, engine=engine.name, known=known, downs=Downs())
        for name in target.upstream_names:
            measured.upstreams[name] = Findings(upstream=name)
            routes = known.calling(name)
            if routes:
                async with grounds.ground(routes[0].stream, name) as ground:
                    await find_downs(ground, name, routes, measured.downs)
        measured.plays = grounds.made
        return measured
    finally:
        await engine.close()
