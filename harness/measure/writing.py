"""What was measured, as sections of a target file and as a contract file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from harness.contracts import Contract
from harness.contracts.promises import (
    COUNTS,
    ENDS_ATTEMPTS,
    OF_BREAKERS,
    PROMISES,
    REPEATS,
)
from harness.contracts.routes import GO_ON
from harness.measure.downs import OF_GATEWAYS, REFUSALS
from harness.measure.findings import Findings
from harness.measure.measuring import Measured
from harness.measure.policies import KNOWN_S, breaker_of, call_of, counts_of, policy_of, unsure_of
from harness.measure.report import rule_text
from harness.measure.routes import Called

_OF_A_BREAKER = ("breaker", "counts", "by")
"""What is not known of a breaker that isn't there says nothing."""


def target_sections(measured: Measured, held_to: Contract) -> dict[str, Any]:
    """`breakers:`, `background:` and `without:` of a target file that is held to a contract."""
    breakers = {name: policy_of(found) for name, found in measured.upstreams.items()}
    sections: dict[str, Any] = {"breakers": {k: own for k, own in breakers.items() if own}}
    by_itself = measured.known.background
    sections["background"] = {name: sorted(own) for name, own in by_itself.items()}
    if without := _without(measured, held_to):
        sections["without"] = without
    return {key: value for key, value in sections.items() if value}


def _without(measured: Measured, held_to: Contract) -> list[str]:
    """What nobody can hold it to, at all or at one upstream."""
    broken = {(promise, upstream) for promise, upstream, _ in unpromised(measured)}
    every = {
        promise
        for promise in PROMISES
        if (promise, "") in broken or {(promise, name) for name in measured.upstreams} <= broken
    }
    without = list(held_to.claims_of(*(promise for promise in PROMISES if promise in every)))
    for name in measured.upstreams:
        own = (promise for promise in PROMISES if (promise, name) in broken)
        without += [
            f"{claim} at {name}" for claim in held_to.claims_of(*own) if claim not in without
        ]
    return without


def as_target(measured: Measured, held_to: Contract) -> str:
    """The same as text; what is unknown stands there as a comment."""
    lines = [
        f"# What `outage measure` found of {measured.target}; the rest of a target file is yours."
    ]
    for key, value in target_sections(measured, held_to).items():
        if isinstance(value, dict):
            lines.append(f"{key}:")
            for name, own in value.items():
                lines.append(f"  {name}: {flow(own)}")
        else:
            lines.append(f"{key}: {flow(value)}")
    lines += comments(measured, held_to)
    return "\n".join(lines) + "\n"


def comments(measured: Measured, held_to: Contract) -> list[str]:
    """What a file can't say: reasons, rules in words."""
    lines = []
    for name, found in measured.upstreams.items():
        bare = found.breaker.rule == "none"
        lines += [
            f"# {name} {key}: {why}".replace(" :", ":")
            for key, why in found.unknown.items()
            if not (bare and key.startswith(_OF_A_BREAKER))
        ]
        if found.breaker.rule == "rate" or found.breaker.window_s is not None:
            lines.append(f"# {name}: {rule_text(found)}")
    reasons: dict[tuple[str, str], list[str]] = {}
    for promise, upstream, why in unpromised(measured):
        reasons.setdefault((why, f" at {upstream}" if upstream else ""), []).append(promise)
    return lines + [
        f"# without {', '.join(held_to.claims_of(*promises))}{at}: {why}"
        for (why, at), promises in reasons.items()
    ]


def unpromised(measured: Measured) -> Iterator[tuple[str, str, str]]:
    """Promises that nobody can hold it to, at which upstream only (empty: at none), and why.

    What isn't known of how calls at one upstream go may be taken for another's doing: it takes the
    promise from all of them. When they are turned away is read of each by itself. Of one upstream
    without a breaker nothing need be left out, where others have one.
    """
    bare = all(found.breaker.rule == "none" for found in measured.upstreams.values())
    for name, found in measured.upstreams.items():
        own = found.breaker
        if (why := _of_breakers(found, bare=bare)) is not None:
            at = "" if own.rule == "none" or not _timed(found) else name
            yield from ((promise, at, why) for promise in OF_BREAKERS)
        told = found.counts | {"malformed": "unknown"}  # which a file says
        untold = [kind for kind, word in told.items() if word is None]
        if untold and own.rule != "none":
            yield COUNTS, name, f"whether {', '.join(untold)} counts at {name} is not known"
        if found.longest_timeout is not None:
            yield ENDS_ATTEMPTS, name, f"the timeout at {name} depends on the route"
        elif found.timeout is None:
            yield ENDS_ATTEMPTS, "", f"the timeout at {name} is not known"
        elif found.timeout.error_s > KNOWN_S:
            error = f"{found.timeout.error_s:.2f} s"
            yield ENDS_ATTEMPTS, name, f"the timeout at {name} is known to within {error} only"
        if found.attempts is None or found.backoffs is None:
            at = name if _timed(found) else ""
            yield REPEATS, at, f"attempts and backoffs at {name} are not known"
        elif found.resends:
            yield (
                REPEATS,
                name,
                f"what is cut at {name} its client sends again, beyond its attempts",
            )


def _timed(found: Findings) -> bool:
    """Whether it is known how long its calls take at the most, and how often they are tried."""
    timeout = found.timeout or found.longest_timeout
    attempts = found.attempts or found.most_attempts
    return timeout is not None and attempts is not None and found.backoffs is not None


def _of_breakers(found: Findings, *, bare: bool) -> str | None:
    """Why nothing is promised of breakers; `bare`: no upstream has one."""
    name = found.upstream
    if found.breaker.rule == "none":
        return f"{name} has no breaker" if bare else None
    why = unsure_of(found.breaker)
    if why is None and found.slow and not found.slow_is:
        why = "what slow answers are to it is not known"
    if why is not None:
        return f"{name} has one that isn't known well enough: {why}"
    if found.by is None and found.attempts != 1:
        return f"whether attempts or calls count at {name} is not known"
    return None


def left_out(measured: Measured) -> Iterator[tuple[str, str]]:
    """Routes that a contract says nothing of, and what of them is not known."""
    yield from measured.known.missing.items()
    for route in measured.known.routes:
        if _calls(measured, route) is not None:
            continue
        told = measured.downs.statuses.get(route.request, {})
        name = next(name for name in route.upstreams if told.get(name) is None)
        why = measured.downs.unknown.get(f"routes.{route.request}.when_down.{name}")
        yield route.request, f"while {name} is down {why or 'it was not asked in time'}"


def contract(measured: Measured, variables: Mapping[str, str]) -> dict[str, Any]:
    """A contract as its file says it; `variables`: upstream by the variable of its address."""
    by_upstream = {upstream: variable for variable, upstream in variables.items()}
    upstreams = {}
    for name, found in measured.upstreams.items():
        said = {"variable": by_upstream[name], **dict(call_of(found))}
        own = found.breaker
        if found.by is not None or found.attempts == 1:
            said["by"] = found.by or "call"
        if counts := counts_of(found):
            said["counts"] = counts
        if (breaker := breaker_of(own)) is not None:
            said["breaker"] = breaker
        upstreams[name] = said
    routes, traffic = {}, {}
    for route in measured.known.routes:
        sample = {k: v for k, v in route.stream.items() if k != "healthy"}
        traffic[route.name] = sample | ({} if route.status == 200 else {"healthy": route.status})
        if (calls := _calls(measured, route)) is not None:
            own_route: dict[str, Any] = {"request": route.request.partition("?")[0]}
            if route.status != 200:
                own_route["status"] = route.status
            routes[route.name] = own_route | ({"calls": calls} if calls else {})
    said_all = {"name": measured.target, "upstreams": upstreams, "routes": routes}
    return said_all | {"traffic": traffic}


def _calls(measured: Measured, route: Called) -> list[dict[str, Any]] | None:
    """Its calls, each with what the route answers if it fails; None where that isn't known."""
    downs = measured.downs.statuses.get(route.request, {})
    calls = []
    for upstream, called in route.calls:
        status = downs.get(upstream)
        if status is None:
            return None
        instead = GO_ON if status == route.status else refusal(status)
        said: dict[str, Any] = {"call": f"{upstream} {called}", "else": instead}
        if (refused := _refused(measured, route, upstream, instead)) is not None:
            said["refused"] = refused
        calls.append(said)
    return calls


def _refused(
    measured: Measured, route: Called, upstream: str, instead: object
) -> int | str | dict[str, int | str] | None:
    """What the route answers to refusals of the upstream's, where that is another word; one status
    where it is the same to all of them but 429; `go on` where it answers as well as ever.
    """
    told = measured.downs.refusals.get(route.request, {}).get(upstream, {})
    words = instead if isinstance(instead, list) else [instead]
    own = {kind: GO_ON if status == route.status else status for kind, status in told.items()}
    others = {
        kind: word
        for kind, word in own.items()
        if word not in words and (told[kind] < 500 or told[kind] in OF_GATEWAYS)
    }
    same = set(others.values())
    all_but_busy = set(others) == set(REFUSALS) - {"429"}  # which one word for all leaves out
    return same.pop() if len(same) == 1 and all_but_busy else others or None


def refusal(status: int | tuple[int, ...]) -> int | list[int]:
    """What is promised where an answer was seen: no gateway promises an error of its own.

    Whose answers differ tells one way to fail from another, and may have a word for each of them.
    """
    if isinstance(status, tuple):
        return list(OF_GATEWAYS)
    return 503 if status >= 500 and status not in OF_GATEWAYS else status


def as_contract(
    measured: Measured, variables: Mapping[str, str], *, tried_only: bool = False
) -> str:
    """The same as text, a line for what is small.

    `tried_only`: it was asked in health and without each upstream, and nothing was measured.
    """
    target = measured.target
    lines = [f"# What {target} was seen to do: an `outage measure` made this."]
    if tried_only:
        lines = [
            f"# What {target} was seen to answer, in health and without each upstream: an `outage",
            "# init` made this. How its calls are protected is not measured yet.",
        ]
    for key, value in contract(measured, variables).items():
        if not isinstance(value, dict):
            lines.append(f"{key}: {flow(value)}")
            continue
        lines.append(f"{key}:" if value else f"{key}: {{}}")
        for name, own in value.items():
            lines += _entry(name, own)
    lines += [f"# left out of `routes`: {request}: {why}" for request, why in left_out(measured)]
    return "\n".join(lines) + "\n"


def _entry(name: str, own: Mapping[str, Any]) -> Iterator[str]:
    if "calls" not in own:
        yield f"  {name}: {flow(own)}"
        return
    yield f"  {name}:"
    for key, value in own.items():
        if key != "calls":
            yield f"    {key}: {flow(value)}"
    yield "    calls:"
    yield from (f"      - {flow(call)}" for call in own["calls"])


def flow(value: object) -> str:
    """A value as YAML on one line."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=math.inf, sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")
