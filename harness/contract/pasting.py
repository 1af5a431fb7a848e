"""A forecast as expectations, ready to be pasted into a scenario file."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.forecast import Answers, Forecast, Moment, Prediction
from harness.units import Range, format_duration

_TOLERANCE_S = 1.0
"""What is added on either side of what the contract allows."""


def expectations(forecast: Forecast, *, end_s: float) -> str:
    """YAML of an `expect:` block: breakers with their instants, then what is answered when."""
    lines = ["expect:"]
    for prediction in forecast.upstreams.values():
        if prediction.open_spells:
            lines += _breaker(prediction)
    for stream, parts in forecast.answers.items():
        for part in parts:
            lines += _answers(stream, part, end_s)
    return "\n".join(lines) + "\n"


def _breaker(found: Prediction) -> Iterator[str]:
    yield f"  - breaker: {found.upstream}"
    if found.opened.sure:
        yield f"    opens: {_around(found.opened)}"
    if len(found.first_rejection) == 1:
        ((stream, (numbers,)),) = found.first_rejection.items()
        yield f"    traffic: {stream}"
        yield f"    first_rejection: {_count(numbers)}"
    if found.attempts is not None:
        yield f"    attempts: {_count(found.attempts)}"
    sure = [moment for moment in found.probe_moments if moment.sure]
    if sure and len(sure) == len(found.probe_moments):
        yield f"    probes: [{', '.join(_around(moment) for moment in sure)}]"
    if found.closed_for_good.sure:
        yield f"    closes: {_around(found.closed_for_good)}"


def _around(moment: Moment) -> str:
    middle_s = round(moment.earliest_s + moment.latest_s) / 2
    half_s = max(moment.latest_s - middle_s, middle_s - moment.earliest_s)
    tolerance_s = round((half_s + _TOLERANCE_S) * 2) / 2
    return f"{format_duration(middle_s)} ± {format_duration(tolerance_s)}"


def _count(found: Range) -> str:
    return f"{found.low:g}" if found.low == found.high else f"{found.low:g}..{found.high:g}"


def _answers(stream: str, part: Answers, end_s: float) -> Iterator[str]:
    """Selected by number, which has no edge that a late request could fall over."""
    whole = part.to_s >= end_s - 1e-9
    statuses = ", ".join(str(status) for status in part.statuses)
    yield f"  - traffic: {stream}"
    yield f"    requests: {part.first}..{'' if whole else part.last}"
    yield f"    status: {statuses if len(part.statuses) == 1 else f'[{statuses}]'}"
    yield f'    latency: "< {format_duration(part.latency.high + 0.5)}"'
