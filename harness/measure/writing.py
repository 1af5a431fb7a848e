"""What was measured, as sections of a target file and as a contract file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import yaml

from harness.contracts import Contract
from harness.contracts.promises import (
    ACCEPTS_ANSWERS,
    COUNTS,
    ENDS_ATTEMPTS,
    OF_BREAKERS,
    PROMISES,
    REPEATS,
)
from harness.measure.downs import OF_GATEWAYS, REFUSALS
from harness.measure.findings import RESOLUTION_S, Breaker, Findings, Span
from harness.measure.kept import COUNTING
from harness.measure.measuring import Measured
from harness.measure.report import round_percent, rule_text
from harness.measure.routes import Called
from harness.units import format_duration

_USUALLY = {"404": "success", "429": "neutral"}
"""What a kind of failure is to a breaker of which nothing is said; all others are failures."""
_COUNTED = {"404": "4xx"}
_KNOWN_S = 0.12
"""Who is held to a figure should know it as well as this, or be allowed an interval."""


def target_sections(measured: Measured, held_to: Contract) -> dict[str, Any]:
    """`breakers:` and `without:` of a target file that is held to a contract."""
    breakers = {name: _breaker(found) for name, found in measured.upstreams.items()}
    sections: dict[str, Any] = {"breakers": {k: own for k, own in breakers.items() if own}}
    broken = {promise for promise, _ in unpromised(measured)}
    if broken:
        in_order = (promise for promise in PROMISES if promise in broken)
        sections["without"] = list(held_to.claims_of(*in_order))
    return {key: value for key, value in sections.items() if value}


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
        if found.breaker.rule == "none":
            continue
        lines += [f"# {name} {key}: {why}".replace(" :", ":") for key, why in found.unknown.items()]
        if found.breaker.rule == "rate" or found.breaker.window_s is not None:
            lines.append(f"# {name}: {rule_text(found)}")
    reasons: dict[str, list[str]] = {}
    for promise, why in unpromised(measured):
        reasons.setdefault(why, []).append(promise)
    return lines + [
        f"# without {', '.join(held_to.claims_of(*promises))}: {why}"
        for why, promises in reasons.items()
    ]


def unpromised(measured: Measured) -> Iterator[tuple[str, str]]:
    """Promises that nobody can hold it to, and why."""
    for name, found in measured.upstreams.items():
        own = found.breaker
        if own.rule == "none" or not _known(own) or (found.slow and not found.slow_is):
            why = "has no breaker" if own.rule == "none" else "has one that isn't known well enough"
            yield from ((promise, f"{name} {why}") for promise in OF_BREAKERS)
        elif found.by is None and found.attempts != 1:
            why = f"whether attempts or calls count at {name} is not known"
            yield from ((promise, why) for promise in OF_BREAKERS)
        untold = [kind for kind, word in found.counts.items() if word is None]
        if untold and own.rule != "none":
            yield COUNTS, f"whether {', '.join(untold)} counts at {name} is not known"
        if found.repeats:
            said = " and ".join(found.repeats)
            yield ACCEPTS_ANSWERS, f"what {name} answers with {said} is asked again"
        if found.timeout is None:
            yield ENDS_ATTEMPTS, f"the timeout at {name} is not known"
        elif found.timeout.error_s > _KNOWN_S:
            error = f"{found.timeout.error_s:.2f} s"
            yield ENDS_ATTEMPTS, f"the timeout at {name} is known to within {error} only"
        if found.attempts is None or found.backoffs is None:
            yield REPEATS, f"attempts and backoffs at {name} are not known"
        elif found.resends:
            yield REPEATS, f"what is cut at {name} its client sends again, beyond its attempts"


def _known(own: Breaker) -> bool:
    """Whether it is known when it opens, for how long, and what closes it.

    How many trials there may be is no more than a bound, where it isn't known.
    """
    opens = (own.threshold if own.rule in COUNTING else _rate(own)) is not None
    several = own.trials is not None and own.trials > 1
    closes = not several or own.successes is not None or own.trials_share is not None
    grows = bool(own.later_waits)  # and nobody looked how far
    exact = all(one is None or one.low_s == one.high_s for one in (own.least, own.window_calls))
    return opens and exact and own.wait is not None and not grows and closes


def _breaker(found: Findings) -> dict[str, Any]:
    own = found.breaker
    said = dict(_call(found))
    if own.rule == "in a row" and own.window_s is None and own.threshold is not None:
        said["threshold"] = own.threshold
    elif own.rule == "rate" and (rate := _rate(own)) is not None:
        said["rate"] = rate
    if found.by is not None:
        said["by"] = found.by
    elif found.attempts == 1:
        said["by"] = "call"
    if counts := _counts(found):
        said["counts"] = counts
    if own.rule in COUNTING and "threshold" not in said and (whole := _whole_breaker(own)):
        return said | {"breaker": whole}  # no shorter word tells such a rule
    said |= _trials(own)
    if own.wait is not None:
        said["wait"] = _wait(own.wait)
    return said


def _wait(span: Span) -> object:
    """One duration, or up to how much longer than another it may be."""
    if span.error_s <= _KNOWN_S:
        return plain(span)
    first_s = math.floor(span.low_s * 10) / 10
    tick_s = math.ceil((span.high_s - first_s) * 10) / 10
    return {"first": format_duration(first_s), "tick": format_duration(tick_s)}


def _counts(found: Findings) -> dict[str, str]:
    """What the breaker counts otherwise than if nothing is said; 404 stands for all of 4xx."""
    if found.breaker.rule == "none":
        return {}
    other = {
        _COUNTED.get(kind, kind): word
        for kind, word in found.counts.items()
        if word not in (None, _USUALLY.get(kind, "failure"))
    }
    # What is said of all of 4xx holds for 429, too, unless that is said by itself.
    limit = found.counts.get("429")
    return other | ({"429": limit} if "4xx" in other and limit is not None else {})


def _trials(own: Breaker) -> dict[str, Any]:
    """Who may pass while it is half open, and what closes it, where that isn't one alone."""
    if own.everybody:
        return {"trials": "none" if own.begins_anew else "everybody"}
    if own.slow_trial_opens:
        return {"trials": {"count": 1, "share": "100%", "slow_share": "100%"}}
    if own.trials is not None and own.trials_share is not None:
        share = round_percent(own.trials_share)  # what lies between is the same for all of them
        return {"trials": {"count": own.trials, "share": f"{share}%"}}
    said = {"trials": own.trials, "successes": own.successes}
    return {key: number for key, number in said.items() if number is not None and number > 1}


def _call(found: Findings) -> Iterator[tuple[str, Any]]:
    attempts = found.attempts or found.most_attempts
    if attempts is not None:
        yield "attempts", attempts
    if found.timeout is not None:
        yield "timeout", plain(_upper(found.timeout))
    if found.slow is not None and found.slow_is is not None:
        yield "slow", plain(found.slow)
    if found.backoffs:
        yield "backoff", _backoff(found.backoffs)
    if found.retry_after == "honoured":
        yield "retry_after", True


def _upper(span: Span) -> Span:
    """Of a deadline's bounds those that accuse nobody who keeps to what it has."""
    return Span(low_s=max(span.low_s, span.middle_s - RESOLUTION_S), high_s=span.high_s)


def _backoff(spans: Sequence[Span]) -> object:
    """One after another; where chance has a say in them, an interval that holds all of them."""
    if all(span.error_s <= _KNOWN_S for span in spans):
        return [plain(span) for span in spans]
    highs = [_round_up(span.high_s) for span in spans]
    grows = [later / max(before, 0.001) for before, later in pairwise(highs)]
    factor = _round_up(max([1.0, *grows]))
    nominal = [min(highs[0] * factor**number, max(highs)) for number in range(len(highs))]
    shares = [1 - one.low_s / most for one, most in zip(spans, nominal, strict=True)]
    return {
        "first": format_duration(highs[0]),
        "factor": factor,
        "most": format_duration(max(highs)),
        "shorter": f"{min(100, math.ceil(100 * max(shares)))}%",
    }


def _round_up(value: float) -> float:
    return math.ceil(value * 100 - 1e-6) / 100


def _rate(own: Breaker) -> dict[str, Any] | None:
    """A share with its window, where both are known."""
    if own.rule != "rate" or own.share is None:
        return None
    said: dict[str, Any] = {"share": f"{round_percent(own.share)}%"}
    if own.slow_share is not None:
        said["slow_share"] = f"{round_percent(own.slow_share)}%"
    if own.window_calls is not None:
        said["calls"] = int(own.window_calls.middle_s)
    elif own.window_s is not None:
        said["within"] = plain(own.window_s)
    else:
        return None
    if own.least is not None:
        said["least"] = int(own.least.middle_s)
    return said


def contract(measured: Measured, variables: Mapping[str, str]) -> dict[str, Any]:
    """A contract as its file says it; `variables`: upstream by the variable of its address."""
    by_upstream = {upstream: variable for variable, upstream in variables.items()}
    upstreams = {}
    for name, found in measured.upstreams.items():
        said = {"variable": by_upstream[name], **dict(_call(found))}
        own = found.breaker
        if found.by is not None or found.attempts == 1:
            said["by"] = found.by or "call"
        if counts := _counts(found):
            said["counts"] = counts
        if (breaker := _whole_breaker(own)) is not None:
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


def _whole_breaker(own: Breaker) -> dict[str, Any] | None:
    """A contract's `breaker:`; None where too little is known of it."""
    if own.rule == "none":
        return {"rule": "none"}
    if not _known(own) or own.wait is None:
        return None
    rate = _rate(own)
    opens = _counted(own) if rate is None else {"rule": "rate", **rate}
    return {**opens, "wait": _wait(own.wait), **_trials(own)}


def _counted(own: Breaker) -> dict[str, Any]:
    """A rule by a number of failures, with its window."""
    said: dict[str, Any] = {} if own.rule == "in a row" else {"rule": own.rule}
    said["threshold"] = own.threshold
    if own.window_calls is not None:
        said["calls"] = int(own.window_calls.middle_s)
    if own.window_s is not None:
        said["within"] = plain(own.window_s)
    return said


def _calls(measured: Measured, route: Called) -> list[dict[str, Any]] | None:
    """Its calls, each with what the route answers if it fails; None where that isn't known."""
    downs = measured.downs.statuses.get(route.request, {})
    calls = []
    for upstream, called in route.calls:
        status = downs.get(upstream)
        if status is None:
            return None
        instead = "go on" if status == route.status else refusal(status)
        said: dict[str, Any] = {"call": f"{upstream} {called}", "else": instead}
        if (refused := _refused(measured, route, upstream, instead)) is not None:
            said["refused"] = refused
        calls.append(said)
    return calls


def _refused(
    measured: Measured, route: Called, upstream: str, instead: object
) -> int | dict[str, int] | None:
    """What the route answers to refusals of the upstream's, where that is another word; one status
    where it is the same to all of them but 429.
    """
    told = measured.downs.refusals.get(route.request, {}).get(upstream, {})
    words = instead if isinstance(instead, list) else [instead]
    others = {
        refusal: status
        for refusal, status in told.items()
        if status not in (*words, route.status) and (status < 500 or status in OF_GATEWAYS)
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


def as_contract(measured: Measured, variables: Mapping[str, str]) -> str:
    """The same as text, a line for what is small."""
    lines = [f"# What {measured.target} was seen to do: an `outage measure` made this."]
    for key, value in contract(measured, variables).items():
        if not isinstance(value, dict):
            lines.append(f"{key}: {flow(value)}")
            continue
        lines.append(f"{key}:" if value else f"{key}: {{}}")
        for name, own in value.items():
            lines += _entry(name, own)
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


def plain(span: Span) -> str:
    """The roundest duration within its bounds, as files spell it."""
    for digits in range(-1, 4):
        value = round(span.middle_s, digits)
        if value > 0 and span.low_s <= value <= span.high_s:
            return format_duration(value)
    return format_duration(round(span.middle_s, 3))
