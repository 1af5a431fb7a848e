"""A contract's route in virtual time: which calls it makes, and what it answers when one fails.

A route is a generator: it yields the calls that it makes, is sent what each came to (None for
`ServiceUnavailable`), and returns what it answers: a status, or any of several.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from harness.contracts import Contract, ContractRoute, Step
from harness.contracts.loading import CONDITION
from harness.contracts.routes import Denial, Statuses
from harness.contracts.templates import filled, pattern_of
from harness.frozen import Frozen
from harness.policy.counting import Counted, Result
from harness.scenario.traffic import Stream


class Call(Frozen, kw_only=True):
    """One call at an upstream."""

    upstream: str
    route: str
    template: str = ""
    """The route as the contract names it."""
    says: Any = None
    """The JSON that a healthy service answers: its size may matter."""
    denies: Denial | None = None
    """What it answers to a user whose token is revoked, where it judges that."""
    once: bool = False
    """Whether its work is an effect that a request has at most once."""


class Attempted(Frozen, kw_only=True):
    """What one attempt came to: for the breaker, and for the route."""

    result: Result
    """What it is to the call: one that failed is repeated."""
    counted: Counted = Result.SUCCESS
    """What it is to the breaker."""
    status: int | None = 200
    agreed: bool = True
    """Whether the answer's JSON is what was agreed."""
    json: Any = None
    """The answer's JSON where a fault replaces it."""
    retry_after_s: float | None = None
    """How long the answer asks to wait before the next attempt."""


Flow = Generator[Call, Attempted | None, Statuses]
Route = Callable[[str | None], Flow]
"""Begins a flow for a request of one stream, in a user's name."""


class _Planned(Frozen, kw_only=True):
    """A step of a route, with what is the same for all of a user's requests of one stream."""

    step: Step
    call: Call
    needs: Mapping[str, Any]
    """What a good answer has."""
    asks: bool
    """Whether there is anything to ask about."""
    vouched: bool
    """Whether an upstream that is well vouches for what it is asked about."""


def flow_of(contract: Contract, stream: Stream) -> Route | None:
    """The flow of a stream's requests; None where they are no route of the contract's."""
    route = contract.route_of(stream.request)
    if route is None:
        return None
    planned = cache(partial(_planned, contract, route, stream))
    return lambda user: _flow(route, stream, planned(user))


def _planned(
    contract: Contract, route: ContractRoute, stream: Stream, user: str | None
) -> tuple[_Planned, ...]:
    values = _values(contract, route, stream, user)
    return tuple(
        _Planned(
            step=step,
            call=_call(step, values),
            needs=filled(step.needs, values),
            asks=step.vouches != "token" or _token(stream) is not None,
            vouched=_vouched_for(contract, step, stream, user, values),
        )
        for step in route.calls
    )


def _flow(route: ContractRoute, stream: Stream, steps: Sequence[_Planned]) -> Flow:
    if route.malformed is not None and not isinstance(stream.json_, dict):
        return (route.malformed,)
    good: set[str] = set()
    for planned in steps:
        step = planned.step
        if step.after is not None and step.after not in good:
            continue
        if not planned.asks:
            answer: Statuses | None = step.to_refusal(None)
        else:
            reply = yield planned.call
            answer = _judged(planned, reply)
            if answer is None and not planned.vouched:
                answer = step.to_refusal(None)
            if answer is None:
                good.add(step.call)
                answer = _stopped(step, reply)
        if answer:
            return answer
    return (route.status,)


def _values(
    contract: Contract, route: ContractRoute, stream: Stream, user: str | None
) -> dict[str, str]:
    """What stands for the places of a route's calls."""
    matched = pattern_of(route.request).fullmatch(stream.request.partition("?")[0].rstrip("/"))
    values = {} if matched is None else matched.groupdict()
    if values.get("project") == "{project}":
        owns = _owns(contract, user)
        values["project"] = owns[0] if owns else "own"
    sent = stream.json_ if isinstance(stream.json_, dict) else {}
    fields = {f"json.{key}": str(value) for key, value in sent.items()}
    return {**fields, **values, "user_id": str(user)}


def _owns(contract: Contract, user: str | None) -> tuple[str, ...] | None:
    """What a user owns; None where the contract doesn't say."""
    known = None if user is None else contract.users.get(user)
    return None if known is None else known.owns


def _call(step: Step, values: Mapping[str, str]) -> Call:
    return Call(
        upstream=step.upstream,
        route=filled(step.route, values),
        template=step.route,
        says=filled(step.says, values),
        denies=step.denies if step.vouches in ("token", "password") else None,
        once=step.once,
    )


def _judged(planned: _Planned, reply: Attempted | None) -> Statuses | None:
    """What the route answers after a call, nothing where it goes on; None where it was good."""
    step = planned.step
    if reply is None or not reply.agreed:
        return step.else_
    if reply.status != 200:
        return step.to_refusal(reply.status)
    if reply.json is not None and not _shows(reply.json, planned.needs):
        return step.to_refusal(None)
    return None


def _shows(json: Any, needs: Mapping[str, Any]) -> bool:
    """Whether an answer has what a good one needs."""
    if not needs:
        return True
    return isinstance(json, dict) and all(_is(json.get(key), need) for key, need in needs.items())


def _is(value: Any, need: Any) -> bool:
    if need == "anything":
        return value is not None
    if need == "a number":
        return _number(value) is not None
    return type(value) is type(need) and value == need


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if good else None


_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}


def _stopped(step: Step, reply: Attempted | None) -> Statuses | None:
    """What a good answer stops the route with, if it does."""
    said = None if reply is None else reply.json
    for status, text in step.stops.items():
        condition = CONDITION.fullmatch(text)
        if condition is None or not isinstance(said, dict):
            continue
        value = _number(said.get(condition[1]))
        if value is not None and _COMPARED[condition[2]](value, float(condition[3])):
            return (status,)
    return None


def _token(stream: Stream) -> bool | None:
    """Whether the stream's token is a good one; None if there is none."""
    own = {name.lower(): value for name, value in stream.headers.items()}
    if "authorization" in own or "cookie" in own:
        return False  # an author who writes one by hand means a wrong one
    return None if stream.as_ is None or stream.with_ == "nothing" else True


def _vouched_for(
    contract: Contract, step: Step, stream: Stream, user: str | None, values: Mapping[str, str]
) -> bool:
    """Whether an upstream that is well vouches for what it is asked about."""
    match step.vouches:
        case "token":
            return bool(_token(stream))
        case "password":
            sent = stream.json_ if isinstance(stream.json_, dict) else {}
            return "{password}" in sent.values() and bool(
                {"{email}", "{user_id}"} & {*sent.values()}
            )
        case "owner":
            owns = _owns(contract, user)
            return owns is None or values.get("project") in owns
        case None:
            return True


def learned(upstreams: tuple[str, ...]) -> Route:
    """A route that the contract doesn't know, by the upstreams that its requests were seen to call.

    Each must answer, or the request fails.
    """

    def flow(user: str | None) -> Flow:
        for upstream in upstreams:
            reply = yield Call(upstream=upstream, route="GET /")
            if reply is None:
                return (503,)
        return (200,)

    return flow
