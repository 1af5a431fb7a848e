"""What was measured, for a person."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.measure.downs import Answer
from harness.measure.findings import Breaker, Findings, Span
from harness.measure.kept import COUNTING
from harness.measure.measuring import Measured

_WIDTH = 18


def as_text(measured: Measured) -> str:
    """A paragraph for each upstream and route, then what could not be told and why."""
    return "".join(f"{line}\n" for line in _lines(measured))


def _lines(measured: Measured) -> Iterator[str]:
    for name, found in measured.upstreams.items():
        yield name
        for label, value in _facts(found):
            yield f"  {label:<{_WIDTH}}{value}"
        for key, why in found.unknown.items():
            yield f"  {'unknown: ' + key if key else 'unknown'}: {why}"
        yield f"  {'seen':<{_WIDTH}}{'; '.join(found.evidence) or 'nothing'}"
        yield ""
    for route in measured.known.routes:
        calls = ", ".join(f"{upstream} {call}" for upstream, call in route.calls) or "nobody"
        yield f"{route.request} calls {calls}"
        downs = measured.downs.statuses.get(route.request, {})
        told = [f"{name} down: {_answer(status)}" for name, status in downs.items()]
        for name, own in measured.downs.refusals.get(route.request, {}).items():
            told += [f"{name} answers {kind}: {status}" for kind, status in own.items()]
        if told:
            yield f"  {', '.join(told)}"
    for key, why in measured.downs.unknown.items():
        yield f"unknown: {key}: {why}"
    for request, why in measured.known.missing.items():
        yield f"left out: {request}: {why}"


def _answer(status: Answer) -> str:
    return " or ".join(map(str, status)) if isinstance(status, tuple) else str(status or "unknown")


def _facts(found: Findings) -> Iterator[tuple[str, str]]:
    own = found.breaker
    if found.attempts is not None:
        yield "attempts", str(found.attempts)
    if found.timeout is not None:
        covers = {"attempt": " for the whole attempt", "silence": " for each silence"}
        yield "timeout", _seconds(found.timeout) + covers.get(found.covers or "", "")
    if found.connect_timeout is not None:
        yield "connect timeout", _seconds(found.connect_timeout)
    if found.backoffs:
        yield "backoffs", ", ".join(map(_seconds, found.backoffs))
    if found.slow is not None:
        yield "slow from", _seconds(found.slow)
    if found.retry_after is not None:
        yield "Retry-After", found.retry_after
    if found.counts:
        by_word: dict[str, list[str]] = {}
        for kind, word in found.counts.items():
            by_word.setdefault(word or "unknown", []).append(kind)
        yield "counts", "; ".join(f"{word}: {', '.join(k)}" for word, k in by_word.items())
    if found.by is not None:
        yield "counted by", found.by
    if own.rule is not None:
        yield "breaker", rule_text(found)
    if own.per == "route":
        yield "one for", "each of its routes"
    if own.wait is not None:
        later = "".join(f", then {wait.middle_s:.3g} s" for wait in own.later_waits)
        yield "stays open", _seconds(own.wait) + later
    if own.trials is not None:
        yield "trials", f"{own.trials}{_closing(own)}"


def rule_text(found: Findings) -> str:
    """What opens a breaker, for a person."""
    own = found.breaker
    if own.rule == "none":
        return "none"
    if own.rule in COUNTING:
        return f"opens after {_counted(own)}"
    share = "an unknown share" if own.share is None else f"{round_percent(own.share)}%"
    window = "calls"
    if own.window_s is not None:
        window = f"the last {_seconds(own.window_s)}"
    elif own.window_calls is not None:
        window = f"the last {own.window_calls.middle_s:.0f} calls"
    elif own.counts_all:
        window = "all calls since it closed"
    least = "" if own.least is None else f", from {own.least.middle_s:.0f} on"
    slow = "" if own.slow_share is None else f", or at {round_percent(own.slow_share)}% slow ones"
    return f"opens at {share} failures of {window}{least}{slow}"


def _counted(own: Breaker) -> str:
    """So many failures, and in which window."""
    failures = f"{own.threshold or 'an unknown number of'} failures"
    within = "" if own.window_s is None else f" within {_seconds(own.window_s)}"
    if own.rule == "in all" and own.window_s is not None:
        return f"{failures} in all without a success {_seconds(own.window_s)} after the last"
    if own.rule != "among":
        return f"{failures} {own.rule}{within}"
    if own.window_calls is not None:
        return f"{failures} among the last {own.window_calls.middle_s:.0f} results{within}"
    return f"{failures}{within}, whatever succeeds"


def round_percent(share: Span) -> float:
    """The roundest share that explains what was seen: over the lower bound, up to the other.

    People write 40 %, not 37: with one in between, a sound breaker might be told from its own.
    """
    for step in (10.0, 5.0, 1.0, 0.1):
        value = round(math.floor(share.high_s * 100 / step + 1e-6) * step, 1)
        if value > share.low_s * 100:
            return value if value % 1 else int(value)
    return round(share.middle_s * 100, 3)


def _closing(own: Breaker) -> str:
    if own.trials_share is not None:
        low, high = own.trials_share.low_s, own.trials_share.high_s
        return f", judged together: more than {low:.0%} failures, {high:.0%} at most, open it again"
    return f", {own.successes} successes" if (own.successes or 1) > 1 else ""


def _seconds(span: Span) -> str:
    return f"{span.middle_s:.3f} s ± {span.error_s:.3f}"
