"""A measured policy as files say it: what a target file changes, and a contract's breaker."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from harness.measure.findings import RESOLUTION_S, Breaker, Findings, Span
from harness.measure.growth import grown
from harness.measure.kept import COUNTING
from harness.measure.report import round_percent
from harness.units import format_duration

_USUALLY = {"400": "success", "404": "success", "429": "neutral", "malformed": "success"}
"""What a kind of failure is to a breaker of which nothing is said; all others are failures."""
_OF_ALL, _BY_ITSELF = "400", "404"
"""The first tells what all of 4xx is, the other often has a meaning of its own."""
BUCKETED = ("in a row", "among")
"""Rules by a number of failures that may leave a window by buckets."""
_ALL = Span(low_s=0.9, high_s=1.0)
KNOWN_S = 0.12
"""Who is held to a figure should know it as well as this, or be allowed an interval."""


def unsure_of(own: Breaker) -> str | None:
    """What is not known of when it opens, for how long, or what closes it; None where all is.

    How many trials there may be is no more than a bound, where it isn't known.
    """
    several = own.trials is not None and own.trials > 1
    if (own.threshold if own.rule in COUNTING else _rate(own)) is None:
        return "when it opens is not known"
    if any(one is not None and one.low_s < one.high_s for one in (own.least, own.window_calls)):
        return "how many results it looks at is known within bounds only"
    if own.rule == "rate" and own.begun_count is None:
        return (
            "whether calls count in it while they are under way, the machine was too late to tell"
        )
    if own.per == "unknown":
        return "whose calls it counts no file can say"
    if own.wait is None:
        return "how long it stays open is not known"
    if own.later_waits and grown(own.wait, own.later_waits) is None:
        return "its wait isn't the same after a failed trial, and how it goes on is not known"
    if several and own.successes is None and own.trials_share is None:
        return "what closes it is not known"
    return None


def policy_of(found: Findings) -> dict[str, Any]:
    """What a target's `breakers:` says of an upstream; what isn't known is left out."""
    own = found.breaker
    said = dict(call_of(found))
    if own.rule == "none":
        return said | {"rule": "none"}
    if own.rule == "in a row" and own.window_s is None and own.threshold is not None:
        said["threshold"] = own.threshold
    elif own.rule == "rate" and (rate := _rate(own)) is not None:
        said["rate"] = rate
    if found.by is not None:
        said["by"] = found.by
    elif found.attempts == 1:
        said["by"] = "call"
    if counts := counts_of(found):
        said["counts"] = counts
    untold = own.late or (own.rule in COUNTING and "threshold" not in said)
    if untold and (whole := breaker_of(own)):
        said = {key: value for key, value in said.items() if key not in ("threshold", "rate")}
        return said | {"breaker": whole}  # no shorter word tells such a rule
    said |= _trials(own)
    if own.wait is not None:
        said["wait"] = _wait(own.wait, own.later_waits)
    return said


def _wait(span: Span, later: Sequence[Span]) -> object:
    """One duration, or up to how much longer than another it may be, or how it grows."""
    if (grows := grown(span, later)) is not None:
        return grows
    if span.error_s <= KNOWN_S:
        return plain(span)
    first_s = math.floor(span.low_s * 10) / 10
    tick_s = math.ceil((span.high_s - first_s) * 10) / 10
    return {"first": format_duration(first_s), "tick": format_duration(tick_s)}


def counts_of(found: Findings) -> dict[str, str]:
    """What the breaker counts otherwise than if nothing is said; 400 stands for all of 4xx."""
    kinds = (*found.repeats, *(("cut",) if found.resends else ()))
    told: dict[str, str | None] = {_OF_ALL: _USUALLY[_OF_ALL]}
    if found.breaker.rule == "none":
        told |= dict.fromkeys(kinds, "unknown")
    else:
        told = {kind: _word(found, kind) for kind in (*found.counts, *kinds)}
    others = {
        kind: word
        for kind, word in told.items()
        if kind not in (_OF_ALL, _BY_ITSELF) and word != _USUALLY.get(kind, "failure")
    }
    known = _refusals(told) | others
    # What is said of all of 4xx holds for 429, too, unless that is said by itself.
    limit = {"429": told.get("429")} if "4xx" in known else {}
    return {kind: word for kind, word in (known | limit).items() if word is not None}


def _refusals(told: Mapping[str, str | None]) -> dict[str, str | None]:
    """What is said of all of 4xx, and of 404 where that is another word."""
    usual = _USUALLY[_BY_ITSELF]
    one = told.get(_BY_ITSELF, usual)
    every = told.get(_OF_ALL, one)
    said: dict[str, str | None] = {} if every in (usual, None) else {"4xx": every}
    return said if one == (every or usual) else said | {_BY_ITSELF: one}


def _word(found: Findings, kind: str) -> str | None:
    """What a file says of a kind: nothing that is known holds where an answer is asked again. An
    answer that doesn't parse was tried; others that aren't what was agreed were not.
    """
    word = found.counts.get(kind)
    odd = kind == "malformed" and word != "success"
    odd = odd or (kind == "cut" and found.resends)  # and counts once for twice, or not at all
    return "unknown" if odd or kind in found.repeats else word


def _trials(own: Breaker) -> dict[str, Any]:
    """Who may pass while it is half open, and what closes it, where that isn't one alone."""
    if own.everybody:
        return {"trials": "none" if own.begins_anew else "everybody"}
    together = own.trials_share if own.trials_slow_share is None else own.trials_share or _ALL
    if own.trials is not None and together is not None:
        # What lies between is the same for all of them.
        said = {"count": own.trials, "share": f"{round_percent(together)}%"}
        if own.trials_slow_share is not None:
            said["slow_share"] = f"{round_percent(own.trials_slow_share)}%"
        return {"trials": said}
    alone = {"trials": own.trials, "successes": own.successes}
    return {key: number for key, number in alone.items() if number is not None and number > 1}


def call_of(found: Findings) -> Iterator[tuple[str, Any]]:
    """How a call is made, as both files say it: attempts, deadline, backoff."""
    attempts = found.attempts or found.most_attempts
    if attempts is not None:
        yield "attempts", attempts
    timeout = found.timeout or found.longest_timeout
    if timeout is not None:
        yield "timeout", plain(_upper(timeout))
    if found.slow is not None and found.slow_is is not None:
        yield "slow", plain(found.slow)
    if found.backoffs:
        yield "backoff", _backoff(found.backoffs)
    if found.retry_after == "honoured":
        yield "retry_after", True
    if found.breaker.per == "route":
        yield "per", "route"
    if found.by == "call" and attempts != 1:
        yield "retries", "inside"  # what is told of a whole call guards it, and is asked once


def _upper(span: Span) -> Span:
    """Of a deadline's bounds those that accuse nobody who keeps to what it has."""
    return Span(low_s=max(span.low_s, span.middle_s - RESOLUTION_S), high_s=span.high_s)


def _backoff(spans: Sequence[Span]) -> object:
    """One after another; where chance has a say in them, an interval that holds all of them."""
    if all(span.error_s <= KNOWN_S for span in spans):
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
        said |= _within(own.window_s)
    elif own.counts_all:
        said["calls"] = "all"
    else:
        return None
    if own.least is not None:
        said["least"] = int(own.least.middle_s)
    return said | ({"under_way": True} if own.begun_count else {})


def breaker_of(own: Breaker) -> dict[str, Any] | None:
    """A contract's `breaker:`; None where too little is known of it."""
    if own.rule == "none":
        return {"rule": "none"}
    if own.wait is None or unsure_of(own) is not None:
        return None
    rate = _rate(own)
    opens = _counted(own) if rate is None else {"rule": "rate", **rate}
    late = {"late": "restarts"} if own.late else {}
    return {**opens, "wait": _wait(own.wait, own.later_waits), **_trials(own), **late}


def _counted(own: Breaker) -> dict[str, Any]:
    """A rule by a number of failures, with its window."""
    said: dict[str, Any] = {} if own.rule == "in a row" else {"rule": own.rule}
    said["threshold"] = own.threshold
    if own.window_calls is not None:
        said["calls"] = int(own.window_calls.middle_s)
    if own.window_s is not None:
        said |= _within(own.window_s) if own.rule in BUCKETED else {"within": plain(own.window_s)}
    return said


def _within(span: Span) -> dict[str, Any]:
    """How old a result may be, with buckets so wide that either is right where it isn't known."""
    if span.error_s <= KNOWN_S:
        return {"within": plain(span)}
    within_s = round(span.middle_s, 1)
    vague_s = max(span.high_s - within_s, within_s - span.low_s)
    return {"within": format_duration(within_s), "buckets": max(1, int(within_s / vague_s))}


def plain(span: Span) -> str:
    """The roundest duration within its bounds, as files spell it."""
    for digits in range(-1, 4):
        value = round(span.middle_s, digits)
        if value > 0 and span.low_s <= value <= span.high_s:
            return format_duration(value)
    return format_duration(round(span.middle_s, 3))
