"""What a behaviour does to one call: the actions that `PUT /_stub/behaviours/<id>` can name.

Four kinds, so that several can meet on one call:

- *loss*, no work is done: `blackhole` and `request_lost` (silence until the client leaves or the
  behaviour is lifted, which closes the connection), `empty` (closed without a byte), `reset` (RST);
- *answer*, given instead of the work: `status` {status, json}, `json` {json, status},
  `malformed` (200 with JSON that doesn't parse), `headers` {headers, status} with a status;
- *delivery*, the work is done and its answer suffers: `truncate` {after_bytes}, `drip`
  {interval_s or bytes_per_s, encoding: content-length|chunked|headers}, `reply_lost` {close},
  `encoding` (a Content-Encoding that can't be undone);
- *addition*: `delay` {delay_s} (the work is done at once, its answer comes late; several add up),
  or {quantiles: [[share, seconds], ...]}, by which the delay of each call is drawn;
  `headers` {headers} without a status.

On one call a loss wins over all; else the first answer, the first delivery and all additions are
combined. `revoke` {user} acts on no call: while it is in force that user's token is not valid.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from stub_services.bounds import MOST_BEHAVIOURS, MOST_SECONDS, BadRequest, at_most
from stub_services.messages import Reply
from stub_services.routes import headers_of, status_of

Kind = Literal["loss", "answer", "delivery", "addition", "revoke"]
DripPart = Literal["content-length", "chunked", "headers"]
_ENDINGS = ("empty", "reset")
"""Losses that end the connection, which a delay puts off; the others are silence at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action with its parameters; those that a name doesn't use keep their defaults."""

    name: str
    kind: Kind
    reply: Reply | None = None
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    quantiles: tuple[tuple[float, float], ...] = ()
    """Shares of calls, each with the delay that these don't exceed: one is drawn for each call."""
    after_bytes: int | None = None
    """Bytes of the body that truncation leaves; None: half of it."""
    interval_s: float = 1.0
    part: DripPart = "content-length"
    close: bool = False
    """Whether a lost reply closes the connection rather than keeping silent."""
    user: str = ""

    def drawn(self, draw: Callable[[], float]) -> Action:
        """The same with the delay of one call; `draw` gives a share from 0 to 1."""
        if not self.quantiles:
            return self
        return replace(self, delay_s=_between(self.quantiles, draw()), quantiles=())


def _between(points: tuple[tuple[float, float], ...], share: float) -> float:
    """In straight lines from point to point."""
    index = bisect_right(points, (share, math.inf))
    if index in (0, len(points)):
        return points[min(index, len(points) - 1)][1]
    (low, low_s), (high, high_s) = points[index - 1], points[index]
    return low_s + (high_s - low_s) * (share - low) / (high - low)


def parse_action(value: Any) -> Action | None:
    """An action as JSON; None and `{"action": "none"}` mean that nothing happens.

    Raises: BadRequest.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise BadRequest("an action is an object such as {'action': 'status', 'status': 503}")
    name = value.get("action")
    if name == "none":
        return None
    if name not in _PARSERS:
        raise BadRequest(f"action {name!r} is not known; known are {', '.join(sorted(_PARSERS))}")
    return _PARSERS[name](value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """All that happens to one call."""

    loss: Action | None = None
    answer: Action | None = None
    delivery: Action | None = None
    delay_s: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()


def combine(actions: Iterable[Action]) -> Combined:
    """What several actions do together, in the order in which they were put."""
    first: dict[str, Action] = {}
    delay_s, headers = 0.0, ()
    for action in actions:
        first.setdefault(action.kind, action)
        delay_s += action.delay_s
        if action.kind == "addition":
            headers += action.headers  # type: ignore[assignment]
    return Combined(
        loss=first.get("loss"),
        answer=first.get("answer"),
        delivery=first.get("delivery"),
        delay_s=delay_s,
        headers=headers,
    )


def felt(actions: Iterable[tuple[str, Action]]) -> tuple[str, ...]:
    """Of actions by their behaviour's id: the ids of those that change what becomes of the call.

    What a loss or an earlier answer leaves no room for changes nothing. A revoked token is felt by
    who shows it, which only the service can tell.
    """
    met = tuple(actions)
    combined = combine(action for _, action in met)
    chosen = [combined.loss] if combined.loss else [combined.answer, combined.delivery]
    keeps_silent = combined.loss is not None and combined.loss.name not in _ENDINGS
    return tuple(
        behaviour_id
        for behaviour_id, action in met
        if any(action is each for each in chosen)
        or (action.headers and action.kind == "addition" and not combined.loss)
        or (action.delay_s > 0 and not keeps_silent)
    )


def _number(value: Mapping[str, Any], name: str, *, least: float = 0.0) -> float:
    number = value.get(name)
    known = isinstance(number, int | float) and not isinstance(number, bool)
    if number is None or not known or not least <= number <= MOST_SECONDS:
        raise BadRequest(f"'{name}' is missing or no number from {least:g} to {MOST_SECONDS:g}")
    return float(number)


def _status(value: Mapping[str, Any]) -> Action:
    status = status_of(value.get("status"))
    body = value.get("json", value.get("body", {"error": f"faulted with {status}"}))
    headers = headers_of(value.get("headers"))
    return Action(
        name="status", kind="answer", reply=Reply(status=status, json=body, headers=headers)
    )


def _json(value: Mapping[str, Any]) -> Action:
    status = status_of(value.get("status") or 200)
    return Action(name="json", kind="answer", reply=Reply(status=status, json=value.get("json")))


def _malformed(_: Mapping[str, Any]) -> Action:
    return Action(name="malformed", kind="answer", reply=Reply(raw=b'{"broken": "this ends too so'))


def _headers(value: Mapping[str, Any]) -> Action:
    headers = headers_of(value.get("headers"))
    if value.get("status") is None:
        return Action(name="headers", kind="addition", headers=headers)
    reply = Reply(status=status_of(value["status"]), json={}, headers=headers)
    return Action(name="headers", kind="answer", reply=reply)


def _delay(value: Mapping[str, Any]) -> Action:
    if "quantiles" in value:
        return Action(name="delay", kind="addition", quantiles=_quantiles(value["quantiles"]))
    return Action(name="delay", kind="addition", delay_s=_number(value, "delay_s"))


def _quantiles(value: Any) -> tuple[tuple[float, float], ...]:
    if not isinstance(value, list) or not value:
        raise BadRequest("'quantiles' is a list of pairs: a share, and seconds")
    at_most(MOST_BEHAVIOURS, "quantiles", value)
    points = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadRequest("'quantiles' is a list of pairs: a share, and seconds")
        point = {"share": pair[0], "seconds": pair[1]}
        points.append((min(1.0, _number(point, "share")), _number(point, "seconds")))
    shares, delays = zip(*points, strict=True)
    if (
        len(set(shares)) < len(points)
        or list(shares) != sorted(shares)
        or list(delays) != sorted(delays)
    ):
        raise BadRequest("'quantiles' go up, both shares and seconds")
    return tuple(points)


def _truncate(value: Mapping[str, Any]) -> Action:
    after = value.get("after_bytes")
    after_bytes = None if after is None else int(_number(value, "after_bytes"))
    return Action(name="truncate", kind="delivery", after_bytes=after_bytes)


def _drip(value: Mapping[str, Any]) -> Action:
    part = value.get("encoding", "content-length")
    if part not in ("content-length", "chunked", "headers"):
        raise BadRequest("'encoding' is one of content-length, chunked, headers")
    if "bytes_per_s" in value:
        interval_s = 1.0 / max(_number(value, "bytes_per_s"), 1e-6)
    else:
        interval_s = _number(value, "interval_s") if "interval_s" in value else 1.0
    return Action(name="drip", kind="delivery", interval_s=interval_s, part=part)


def _reply_lost(value: Mapping[str, Any]) -> Action:
    return Action(name="reply_lost", kind="delivery", close=bool(value.get("close")))


def _encoding(_: Mapping[str, Any]) -> Action:
    return Action(name="encoding", kind="delivery")


def _revoke(value: Mapping[str, Any]) -> Action:
    user = value.get("user")
    if not isinstance(user, str):
        raise BadRequest("'user' is missing or not text")
    return Action(name="revoke", kind="revoke", user=user)


def _loss(name: str) -> Callable[[Mapping[str, Any]], Action]:
    return lambda _: Action(name=name, kind="loss")


_PARSERS: dict[str, Callable[[Mapping[str, Any]], Action]] = {
    "status": _status,
    "json": _json,
    "malformed": _malformed,
    "headers": _headers,
    "delay": _delay,
    "truncate": _truncate,
    "drip": _drip,
    "reply_lost": _reply_lost,
    "encoding": _encoding,
    "revoke": _revoke,
    "blackhole": _loss("blackhole"),
    "request_lost": _loss("request_lost"),
    "empty": _loss("empty"),
    "reset": _loss("reset"),
}

ACTIONS: tuple[str, ...] = tuple(sorted(_PARSERS))
"""The names of all actions."""
