"""How findings say things in few words: numbers of requests, durations, windows, JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from harness.history.requests import Request
from harness.units import Range, Window, format_duration

_MOST_RUNS = 5
_MOST_EXAMPLES = 3
_MOST_INSTANTS = 3
_LONGEST_VALUE = 60


def seconds(value_s: float) -> str:
    """A duration or instant, rounded to what a reader wants: `48ms`, `9.01s`, `-3s`."""
    if math.isinf(value_s):
        return "for ever"
    return format_duration(round(value_s, 3 if abs(value_s) < 1 else 2))


def took(latency_s: float) -> str:
    """How long an answer took: as `seconds`, but never nothing at all."""
    return "under 1ms" if latency_s < 0.001 else seconds(latency_s)


def window(span: Window) -> str:
    """`10s..68s`, instants rounded to hundredths."""
    end = "the end" if math.isinf(span.end_s) else seconds(span.end_s)
    return f"{seconds(span.start_s)}..{end}"


def bound(limits: Range) -> str:
    """Bounds of a latency: `within 100ms`, `after 1s or more`, `in 1s..3s`."""
    if math.isinf(limits.high):
        return f"after {seconds(limits.low)} or more"
    if limits.low <= 0:
        return f"within {seconds(limits.high)}"
    return f"in {seconds(limits.low)}..{seconds(limits.high)}"


def numbered(wanted: Range) -> str:
    """Wanted numbers of requests: `#1`, `#1-#5`, `from #6 on`."""
    if math.isinf(wanted.high):
        return f"from #{wanted.low:g} on"
    low = f"#{max(1, wanted.low):g}"
    return low if wanted.low == wanted.high else f"{low}-#{wanted.high:g}"


def with_instants(words: str, instants_s: Sequence[float]) -> str:
    """`4 calls, at 3s, 3.5s, 4s, ...`: words, and the first few instants of what they count."""
    if not instants_s:
        return words
    shown = ", ".join(map(seconds, instants_s[:_MOST_INSTANTS]))
    return f"{words}, at {shown}{', ...' if len(instants_s) > _MOST_INSTANTS else ''}"


def numbers(requests: Sequence[Request]) -> str:
    """Which requests, by number and with runs drawn together: `#1, #11-#68`.

    Requests of several streams are told apart by their stream's name.
    """
    streams = tuple(dict.fromkeys(request.stream for request in requests))
    if len(streams) > 1:
        parts = [f"{name} {numbers([r for r in requests if r.stream == name])}" for name in streams]
        return ", ".join(parts)
    runs: list[list[int]] = []
    for number in sorted({request.number for request in requests}):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = [f"#{low}" if low == high else f"#{low}-#{high}" for low, high in runs[:_MOST_RUNS]]
    if len(runs) > _MOST_RUNS:
        words.append(f"... #{runs[-1][1]}")
    return ", ".join(words)


def label(request: Request, *, several: bool) -> str:
    """`#11`, or `chat #11` where several streams are spoken of."""
    number = f"#{request.number}{_again(request)}"
    return f"{request.stream} {number}" if several else number


def _again(request: Request) -> str:
    return "" if request.tried == 1 else f" try {request.tried}"


def several_streams(requests: Iterable[Request]) -> bool:
    """Whether requests belong to more than one stream."""
    return len({request.stream for request in requests}) > 1


def examples(requests: Sequence[Request]) -> str:
    """The first few requests: `#11 at 10s, #12, #13 and 4 more`."""
    several = several_streams(requests)
    shown = [label(request, several=several) for request in requests[:_MOST_EXAMPLES]]
    shown[0] += f" at {seconds(requests[0].planned_s)}"
    more = len(requests) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def value(anything: Any) -> str:
    """A JSON value on one line, cut where it gets long."""
    text = json.dumps(anything, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def fields(wanted: dict[str, Any]) -> str:
    """Fields of a JSON answer as an author writes them: `degraded: true, charged: false`; of none,
    that it is one.
    """
    return ", ".join(f"{name}: {value(item)}" for name, item in wanted.items()) or "a JSON object"


def counted(limits: Range, word: str) -> str:
    """`0 calls`, `12..14 calls`, `1 call`."""
    return f"{limits} {word}" if limits.low == limits.high == 1 else f"{limits} {word}s"


def stream_request(request: Request) -> str:
    """`chat #3 (POST /orders, sent at 2.00 s)`."""
    which = f"{request.stream} #{request.number}{_again(request)}"
    return f"{which} ({request.method} {request.path}, sent at {request.at_s:.2f} s)"
