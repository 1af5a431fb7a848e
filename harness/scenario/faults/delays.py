"""How late an answer is: by one duration, by more and more, or by what is drawn for each call.

3s                                   always
{from: 100ms, to: 2s, over: 30s}     a ramp, in steps
{mean: 500ms, jitter: 200ms}         from 300 to 700 ms, all alike
{mean: 500ms, deviation: 200ms}      normal, never below zero
{p50: 100ms, p95: 1s, p99: 3s}       so many calls are no later, in straight lines between
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from statistics import NormalDist
from typing import Annotated, Any

from pydantic import WithJsonSchema

from harness.frozen import Frozen
from harness.scenario.fields import TIME
from harness.scenario.parsed import Parsed
from harness.units import format_duration, parse_duration

_STEP_S = 1.0
_FEWEST_STEPS, _MOST_STEPS = 4, 60
_TAILS = (0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, *(k / 20 for k in range(2, 19)),
          0.95, 0.975, 0.99, 0.995, 0.999, 0.9999)  # fmt: skip
"""The shares by which a normal distribution is told."""
_PERCENTILE = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,3})?)")


class Drawn(Frozen):
    """A delay drawn for each call: (share of calls, seconds that these don't exceed), in order."""

    quantiles: tuple[tuple[float, float], ...]
    text: str

    def at(self, share: float) -> float:
        """Seconds that this share of calls doesn't exceed, in straight lines between what is told.

        As the stubs draw it (`stub_services/actions.py`).
        """
        index = bisect_right(self.quantiles, (share, math.inf))
        if index == 0:
            return self.quantiles[0][1]
        if index == len(self.quantiles):
            return self.quantiles[-1][1]
        (low, low_s), (high, high_s) = self.quantiles[index - 1], self.quantiles[index]
        return low_s + (high_s - low_s) * (share - low) / (high - low)

    @property
    def most_s(self) -> float:
        """The longest that it may be."""
        return self.quantiles[-1][1]

    def __str__(self) -> str:
        """As an author writes it."""
        return self.text


class Ramp(Frozen):
    """From one delay to another over a time, in steps; then it stays."""

    from_s: float
    to_s: float
    over_s: float

    def steps(self) -> Iterator[tuple[float, float]]:
        """When each step begins, in seconds after the ramp, and how long the delay is from then."""
        count = min(_MOST_STEPS, max(_FEWEST_STEPS, math.ceil(self.over_s / _STEP_S)))
        for k in range(count + 1):
            share = k / count
            yield self.over_s * share, self.from_s + (self.to_s - self.from_s) * share

    def __str__(self) -> str:
        """As an author writes it."""
        ends = f"from: {format_duration(self.from_s)}, to: {format_duration(self.to_s)}"
        return f"{{{ends}, over: {format_duration(self.over_s)}}}"


def parse_delay(value: object) -> float | Drawn | Ramp:
    """A delay in any of its forms.

    Raises: ValueError when it is none of them.
    """
    if isinstance(value, Drawn | Ramp) or type(value) is float:
        return value
    if not isinstance(value, Mapping):
        return parse_duration(value)
    keys = frozenset(map(str, value))
    told = {str(key): _told(str(key), one) for key, one in value.items()}
    for wanted, make in _FORMS.items():
        if keys == wanted:
            return make(told)
    if keys and all(_PERCENTILE.fullmatch(key) for key in keys):
        return _percentiles(told)
    raise ValueError(
        "expected a duration, {from, to, over}, {mean, jitter}, {mean, deviation}, or percentiles "
        "such as {p50: 100ms, p99: 2s}"
    )


def _told(key: str, value: object) -> float:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _ramp(told: Mapping[str, float]) -> Ramp:
    if told["over"] <= 0 or told["from"] == told["to"]:
        raise ValueError("expected a ramp from one delay to another, over some time")
    return Ramp(told["from"], told["to"], told["over"])


def _uniform(told: Mapping[str, float]) -> Drawn:
    mean_s, jitter_s = told["mean"], told["jitter"]
    if not 0 < jitter_s <= mean_s:
        raise ValueError("expected a jitter above 0s, and no longer than the mean")
    ends = ((0.0, mean_s - jitter_s), (1.0, mean_s + jitter_s))
    return Drawn(ends, _text(told))


def _normal(told: Mapping[str, float]) -> Drawn:
    mean_s, deviation_s = told["mean"], told["deviation"]
    if deviation_s <= 0:
        raise ValueError("expected a deviation above 0s")
    normal = NormalDist(mean_s, deviation_s)
    points = tuple((share, max(0.0, round(normal.inv_cdf(share), 6))) for share in _TAILS)
    return Drawn(points, _text(told))


def _percentiles(told: Mapping[str, float]) -> Drawn:
    points = sorted((float(key[1:]) / 100, value_s) for key, value_s in told.items())
    if any(later < earlier for (_, earlier), (_, later) in pairwise(points)):
        raise ValueError("expected a higher percentile to be no shorter than a lower one")
    if len({share for share, _ in points}) < len(points):
        raise ValueError("expected each percentile once")
    if points[-1][1] == 0:
        raise ValueError("expected some delay above 0s")
    return Drawn(tuple(points), _text(told))


def _text(told: Mapping[str, float]) -> str:
    words = ", ".join(f"{key}: {format_duration(value_s)}" for key, value_s in told.items())
    return f"{{{words}}}"


_FORMS: dict[frozenset[str], Callable[[Mapping[str, float]], Drawn | Ramp]] = {
    frozenset({"from", "to", "over"}): _ramp,
    frozenset({"mean", "jitter"}): _uniform,
    frozenset({"mean", "deviation"}): _normal,
}

_DURATION: dict[str, Any] = {
    "type": ["string", "number"],
    "pattern": rf"^\s*({TIME})\s*$",
    "minimum": 0,
    "maximum": 0,
    "description": "a duration with its unit",
    "examples": ["500ms"],
}


def _schema() -> dict[str, Any]:
    forms: list[dict[str, Any]] = [
        {
            "type": "object",
            "properties": dict.fromkeys(sorted(keys), _DURATION),
            "required": sorted(keys),
            "additionalProperties": False,
        }
        for keys in _FORMS
    ]
    percentiles = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "patternProperties": {f"^{_PERCENTILE.pattern}$": _DURATION},
    }
    return {
        "anyOf": [_DURATION, *forms, percentiles],
        "description": "a duration, a ramp, or what is drawn for each call",
        "examples": ["3s", {"from": "100ms", "to": "2s", "over": "30s"}],
    }


DelayField = Annotated[float | Drawn | Ramp, Parsed(parse_delay), WithJsonSchema(_schema())]
