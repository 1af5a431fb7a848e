"""Quantities as authors write them, and back: `250ms`, `9s ± 1s`, `10s..68s`, `1/s`, `30%`.

Everything parsed here becomes plain numbers in base units: seconds, bytes, requests a second,
shares from 0 to 1. Each parser raises `ValueError` with what was expected.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

from harness.frozen import Frozen

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_BYTES = {"B": 1, "KB": 1000, "MB": 1_000_000}
# No more digits than a float holds, so that nothing parsed here is ever infinite.
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,15})?)"
_DURATION = re.compile(rf"{_NUMBER}\s*(ms|s|min|m|h)")
_RANGE_DOTS = re.compile(r"\s*\.\.\s*")


def parse_duration(text: object) -> float:
    """Seconds from `250ms`, `50s`, `1m 30s`, `2h`; a bare number is refused, except 0.

    Raises: ValueError when there is no number with a unit, or it is negative or not finite.
    """
    if text == 0 and not isinstance(text, bool):
        return 0.0
    if isinstance(text, str):
        stripped = text.strip()
        if stripped == "0":
            return 0.0
        parts = _DURATION.findall(stripped)
        units = [_SECONDS[unit] for _, unit in parts]
        # Each unit once, the largest first: `50s50s` is a slip, not 100 s.
        ordered = all(one > other for one, other in pairwise(units))
        if parts and ordered and not _DURATION.sub("", stripped).strip():
            return math.fsum(float(number) * _SECONDS[unit] for number, unit in parts)
    raise ValueError(f"expected a duration with its unit, such as 250ms, 50s or 2m{_hint(text)}")


_FARTHEST_STEP_H = 876_000


def parse_step(text: object) -> float:
    """Seconds back or forth from `-1h`, `+90s`, `90s`; a clock so stepped still shows a date.

    Raises: ValueError when there is no number with a unit, it is 0, or beyond 100 years.
    """
    written = str(text).strip()
    sign, size = (written[:1], written[1:].strip()) if written[:1] in "+-" else ("", written)
    try:
        step_s = parse_duration(size)
    except ValueError:
        hint = f"; write {written}s" if re.fullmatch(_NUMBER, size) else ""
        raise ValueError(f"expected a step with its unit, such as -1h or +90s{hint}") from None
    if step_s == 0:
        raise ValueError("expected a step back or forth, such as -1h or +90s, not none")
    if step_s > _FARTHEST_STEP_H * 3600:
        raise ValueError(f"expected a step of at most {_FARTHEST_STEP_H}h, which is 100 years")
    return -step_s if sign == "-" else step_s


def _hint(text: object) -> str:
    """What to write instead, where that can be told."""
    written = "" if isinstance(text, bool) else str(text).strip()
    if written.startswith("-"):
        return "; none is negative"
    if re.fullmatch(_NUMBER, written):
        return f"; write {written}s"
    return ""


def format_duration(seconds: float) -> str:
    """The shortest spelling that `parse_duration` reads back: `250ms`, `9s`, `1.5s`, `62.02s`."""
    if seconds != 0 and abs(seconds) < 1:
        return f"{round(seconds * 1000, 1):g}ms"
    return f"{round(seconds, 3):.10g}s"


class Window(Frozen):
    """From `start_s` up to but not including `end_s`, in seconds; the end may be infinite."""

    start_s: float
    end_s: float

    def __contains__(self, at_s: float) -> bool:
        """Whether an instant lies inside."""
        return self.start_s <= at_s < self.end_s

    def __str__(self) -> str:
        """As an author writes it."""
        end = "end" if math.isinf(self.end_s) else format_duration(self.end_s)
        return f"{format_duration(self.start_s)}..{end}"


def parse_window(text: object) -> Window:
    """`10s..68s`, `72s..end`, `..10s`.

    Raises: ValueError when it isn't two durations in order.
    """
    if isinstance(text, str) and ".." in text:
        left, right = _RANGE_DOTS.split(text.strip(), maxsplit=1)
        start_s = parse_duration(left) if left else 0.0
        end_s = math.inf if right in ("", "end") else parse_duration(right)
        if end_s > start_s:
            return Window(start_s, end_s)
        if end_s == start_s:
            raise ValueError(f"the window {text.strip()} is empty: its end is not part of it")
        raise ValueError(f"the window ends at {right}, before it begins at {left}")
    raise ValueError("expected a window such as 10s..68s or 72s..end")


class Around(Frozen):
    """An instant with its tolerance, both in seconds: `9s ± 1s`."""

    at_s: float
    tolerance_s: float

    def __str__(self) -> str:
        """As an author writes it."""
        return f"{format_duration(self.at_s)} ± {format_duration(self.tolerance_s)}"


_PLUS_MINUS = re.compile(r"\s*(?:±|\+/-|\+-)\s*")


def parse_around(text: object) -> Around:
    """`9s ± 1s` (or `9s +/- 1s`); the tolerance must be said.

    Raises: ValueError when either half is missing.
    """
    if isinstance(text, str):
        halves = _PLUS_MINUS.split(text.strip())
        if len(halves) == 2:
            return Around(parse_duration(halves[0]), parse_duration(halves[1]))
    raise ValueError("expected an instant with its tolerance, such as 9s ± 1s")


_RATE = re.compile(rf"{_NUMBER}\s*/\s*{_NUMBER}?\s*(ms|s|min|m|h)")


def parse_rate(text: object) -> float:
    """Requests a second from `1/s`, `200/s`, `5/min`, `1/10s`.

    Raises: ValueError when it isn't a count over a time.
    """
    if isinstance(text, str) and (match := _RATE.fullmatch(text.strip())):
        count, every, unit = match.groups()
        over_s = float(every or 1) * _SECONDS[unit]
        if over_s > 0 and float(count) > 0:
            return float(count) / over_s
    raise ValueError("expected a rate such as 1/s, 5/min or 1/10s")


def format_rate(per_second: float) -> str:
    """`1/s`, `0.5/s`."""
    return f"{per_second:g}/s"


class AtMost(Frozen):
    """No more than `count` of something within any `over_s` seconds."""

    count: int
    over_s: float

    def __str__(self) -> str:
        """As an author writes it."""
        over = format_duration(self.over_s)
        return f"<= {self.count}/{over.removeprefix('1') if over == '1s' else over}"


_AT_MOST = re.compile(rf"(<=|<)\s*([0-9]{{1,15}})\s*/\s*{_NUMBER}?\s*(ms|s|min|m|h)")


def parse_at_most(text: object) -> AtMost:
    """`<= 10/s`, `< 30/10s`, `<= 0/500ms`.

    Raises: ValueError when it isn't an upper bound over a time.
    """
    if isinstance(text, str) and (match := _AT_MOST.fullmatch(text.strip())):
        sign, count, every, unit = match.groups()
        most, over_s = int(count) - (sign == "<"), float(every or 1) * _SECONDS[unit]
        if most >= 0 and over_s > 0:
            return AtMost(most, over_s)
    raise ValueError("expected a bound over a time, such as <= 10/s or <= 30/10s")


_LOAD = re.compile(rf"([0-9]{{1,15}})\s*/\s*{_NUMBER}?\s*(ms|s|min|m|h)")


def parse_load(text: object) -> AtMost:
    """`10/s`, `30/10s`: so many within any such time.

    Raises: ValueError when it isn't a whole number over a time.
    """
    if isinstance(text, str) and (match := _LOAD.fullmatch(text.strip())):
        count, every, unit = match.groups()
        over_s = float(every or 1) * _SECONDS[unit]
        if over_s > 0:
            return AtMost(int(count), over_s)
    raise ValueError("expected calls over a time, such as 10/s or 30/10s")


_AT_ONCE = re.compile(r"([0-9]{1,6})(\s+at\s+once)?")


def parse_at_once(text: object) -> int:
    """`10 at once`, or `10`.

    Raises: ValueError when it is no whole number.
    """
    written = "" if isinstance(text, bool) else str(text).strip()
    if match := _AT_ONCE.fullmatch(written):
        return int(match[1])
    raise ValueError("expected a number of calls, such as 10 at once")


class Range(Frozen):
    """Numbers from `low` to `high`, both included; `high` may be infinite."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        """Whether a number lies inside."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        """As an author writes it."""
        if self.low == self.high:
            return f"{self.low:g}"
        if math.isinf(self.high):
            return f">= {self.low:g}"
        return f"<= {self.high:g}" if self.low <= 0 else f"{self.low:g}..{self.high:g}"


_COMPARED = re.compile(r"(<=|>=|<|>)\s*([0-9]{1,15})")
_FROM_TO = re.compile(r"#?([0-9]{1,15})\s*\.\.\s*#?([0-9]{1,15})?")


def parse_count(text: object) -> Range:
    """Whole numbers: `0`, `12..14`, `5..`, `<= 1`, `> 3`, `#10..#11`.

    Raises: ValueError when it is none of these, or the range is empty.
    """
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return Range(text, text)
    if isinstance(text, str):
        stripped = text.strip()
        if re.fullmatch(r"#?[0-9]{1,15}", stripped):
            number = int(stripped.lstrip("#"))
            return Range(number, number)
        if match := _COMPARED.fullmatch(stripped):
            sign, number = match[1], int(match[2])
            low = {">=": number, ">": number + 1}.get(sign, 0)
            high = {"<=": float(number), "<": number - 1.0}.get(sign, math.inf)
            if high >= low:
                return Range(low, high)
        elif match := _FROM_TO.fullmatch(stripped):
            low, high = int(match[1]), float(match[2]) if match[2] else math.inf
            if high >= low:
                return Range(low, high)
    raise ValueError("expected a count such as 0, 12..14, <= 1 or >= 5")


_RATIO = re.compile(rf"(<=|>=)\s*{_NUMBER}|{_NUMBER}\s*\.\.\s*{_NUMBER}")


def parse_ratio(text: object) -> Range:
    """Bounds of a ratio: `<= 1.5`, `>= 1`, `1..2`.

    Raises: ValueError when it is none of these, or the range is empty.
    """
    if isinstance(text, str) and (match := _RATIO.fullmatch(text.strip())):
        sign, bound, low, high = match.groups()
        if sign is not None:
            return Range(0.0, float(bound)) if sign == "<=" else Range(float(bound), math.inf)
        if float(low) <= float(high):
            return Range(float(low), float(high))
    raise ValueError("expected bounds of a ratio, such as <= 1.5 or 1..2")


_DURATION_COMPARED = re.compile(r"(<=|>=|<|>)\s*(.+)")


def parse_duration_range(text: object) -> Range:
    """Seconds: `< 100ms`, `>= 1s`, `2s..3s`. Both ends are taken as included.

    Raises: ValueError when it is neither a comparison nor a window.
    """
    if isinstance(text, str):
        if match := _DURATION_COMPARED.fullmatch(text.strip()):
            bound_s = parse_duration(match[2])
            if bound_s == 0 and match[1].startswith("<"):
                raise ValueError("no answer takes less than 0s; expected such as < 100ms")
            return Range(0.0, bound_s) if match[1].startswith("<") else Range(bound_s, math.inf)
        if ".." in text:
            window = parse_window(text)
            return Range(window.start_s, window.end_s)
    raise ValueError("expected a bound on a duration, such as < 100ms or 2s..3s")


def parse_share(text: object) -> float:
    """A share from 0 to 1: `30%` or `0.3`.

    Raises: ValueError outside 0..1.
    """
    if isinstance(text, str) and (match := re.fullmatch(rf"{_NUMBER}\s*%", text.strip())):
        text = float(match[1]) / 100
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text <= 1:
        return float(text)
    raise ValueError("expected a share such as 30% or 0.3")


_SIZE = re.compile(rf"{_NUMBER}\s*(B|KB|MB)(/s)?")


def parse_size(text: object) -> int:
    """Bytes from `100B`, `64KB`, `1MB` (KB = 1000 B, as in Toxiproxy).

    Raises: ValueError without a unit.
    """
    if isinstance(text, str) and (match := _SIZE.fullmatch(text.strip())) and not match[3]:
        return int(float(match[1]) * _BYTES[match[2]])
    raise ValueError("expected a size such as 100B or 64KB")


def parse_throughput(text: object) -> int:
    """Bytes a second from `10KB/s`.

    Raises: ValueError without a unit.
    """
    if isinstance(text, str) and (match := _SIZE.fullmatch(text.strip())) and match[3]:
        return int(float(match[1]) * _BYTES[match[2]])
    raise ValueError("expected a throughput such as 10KB/s")


def plural(count: int, word: str) -> str:
    """`1 request`, `2 requests`."""
    return f"{count} {word if count == 1 else word + 's'}"
