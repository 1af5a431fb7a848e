"""Answers of Prometheus' `query_range`: a matrix of series, each a list of samples.

Also what VictoriaMetrics exports: a series on each line, values and their milliseconds apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from harness.incident.evidence import Observation
from harness.incident.json_text import JsonText, Steps
from harness.incident.reading import Wanted
from harness.incident.series import Measured, observed

_YEAR_9999_S = 253e9


def read(file: str, wanted: Wanted) -> Observation:
    """What the answer to a range query says.

    Raises: InvalidFile when it isn't one, or nothing bad is in it.
    """
    return observed(file, list(_matrix(JsonText(file))), wanted)


def _matrix(text: JsonText) -> Iterator[Measured]:
    root: Any = text.value
    at: list[str | int] = []
    if isinstance(root, dict) and {"metric", "values"} <= root.keys():
        root = [root]
    if isinstance(root, dict) and root.get("status") == "error":
        text.refuse(["error"], f"is an error that Prometheus answered: {root.get('error')}")
    for step in ("data", "result"):
        if isinstance(root, dict) and step in root:
            if root.get("resultType", "matrix") != "matrix":
                kind = root["resultType"]
                hint = "write its lines into a log" if kind == "streams" else ""
                message = f"is no matrix but {kind}; {hint or 'ask /api/v1/query_range'}"
                text.refuse([*at, "resultType"], message)
            root, at = root[step], [*at, step]
    if not isinstance(root, list):
        text.refuse(at, "expected a matrix: {data: {resultType: matrix, result: [...]}}")
    if not root:
        text.refuse(at, "has no series: the query found nothing in that time")
    for number, series in enumerate(root):
        here = [*at, number]
        if not isinstance(series, dict) or not isinstance(series.get("values"), list):
            text.refuse(here, "expected a series: {metric: {...}, values: [[time, value], ...]}")
        values = series["values"]
        stamps = series.get("timestamps")
        if isinstance(stamps, list) and len(stamps) == len(values):
            values = [
                list(each) for each in zip(map(_of_milliseconds, stamps), values, strict=True)
            ]
        labels = series.get("metric", {})
        if not isinstance(labels, dict):
            text.refuse([*here, "metric"], "expected labels")
        yield Measured(
            {str(k): str(v) for k, v in labels.items()},
            dict(sorted(_samples(text, [*here, "values"], values))),
        )


def _of_milliseconds(stamp: object) -> object:
    return stamp / 1000 if isinstance(stamp, int | float) else stamp


def _samples(text: JsonText, at: Steps, values: list[Any]) -> Iterator[tuple[float, float]]:
    """In the file's order, which need not be that of time where several files were put together."""
    for number, sample in enumerate(values):
        try:
            instant, value = sample
            at_s, measured = float(instant), float(value)
        except (TypeError, ValueError):
            text.refuse([*at, number], f'expected [time, "value"], not {str(sample)[:60]}')
        if not 0 <= at_s < _YEAR_9999_S:
            text.refuse([*at, number], f"expected a time in seconds since 1970, not {instant}")
        # NaN: nothing was there to divide by, so nothing is known. +Inf: beyond any bucket.
        if measured > -math.inf:
            yield at_s, measured
