"""Answers of Prometheus' `query_range`: a matrix of series, each a list of samples.

What the values mean is read from the metric's name and labels, else from the values themselves:

    up, probe_success           1 is good; several instances: the share that is down
    a label with status codes   5xx of all, at each instant; counters are taken by their increase
    quantiles, ..._seconds      a latency: several times as long as usual is slow
    ..._percent                 a share of 100
    between 0 and 1             a share of errors, or of successes where the first are near 1
    anything else               a count of errors: more than before is bad, of how many is unknown
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from harness.incident import symptoms
from harness.incident.changes import Stretch
from harness.incident.evidence import Episode, Observation, Symptom, refuse
from harness.incident.json_text import JsonText, Steps
from harness.incident.reading import Wanted
from harness.incident.samples import (
    LEAST_SHARE,
    Series,
    episodes,
    high_is_good,
    late_episodes,
    worst,
)
from harness.units import format_duration

_CODES = (
    "code", "status", "status_code", "http_status", "http_status_code", "response_code",
    "envoy_response_code", "http_response_status_code",
)  # fmt: skip
_CODE = re.compile(r"[1-5]([0-9]{2}|xx|XX)")
_LATENCY = re.compile(r"latency|duration|seconds|quantile|response_time|_ms\b|milli", re.IGNORECASE)
_MILLI = re.compile(r"_ms\b|milli", re.IGNORECASE)
_PERCENT = re.compile(r"percent|pct", re.IGNORECASE)
_COUNTER = re.compile(r"_(total|count)$")


@dataclass(frozen=True, slots=True)
class _One:
    labels: Mapping[str, str]
    values: Mapping[float, float]

    @property
    def name(self) -> str:
        return self.labels.get("__name__", "")

    @property
    def code(self) -> str | None:
        """The status that it counts, where a label says one."""
        said = (self.labels.get(label, "") for label in _CODES)
        return next((code for code in said if _CODE.fullmatch(code)), None)

    def __str__(self) -> str:
        inner = ", ".join(f'{k}="{v}"' for k, v in sorted(self.labels.items()) if k != "__name__")
        return f"{self.name}{{{inner}}}" if inner else self.name or "the series without a name"


def read(file: str, wanted: Wanted) -> Observation:
    """What the answer to a range query says.

    Raises: InvalidFile when it isn't one, or nothing bad is in it.
    """
    text = JsonText(file)
    matrix = list(_matrix(text))
    chosen = list(wanted.chosen(matrix, lambda one: one.labels.values()))
    notes = wanted.remarks(file, "series", matrix, lambda one: one.labels.values())
    instants = sorted({at_s for one in chosen for at_s in one.values})
    step_s = Series.of_shares(dict.fromkeys(instants, 0.0)).step_s
    if gaps := [a for a, b in pairwise(instants) if b - a > 1.5 * step_s]:
        when = wanted.written(gaps[0])
        often = "once" if len(gaps) == 1 else f"{len(gaps)} times"
        notes.append(f"{file}: no samples for a while {often}, first after {when}")
    found, how = _episodes(file, chosen, wanted, step_s)
    source_of = chosen[0] if len(chosen) == 1 else f"{len(chosen)} series"
    notes.append(f"{file}: {source_of}: {how}")
    return Observation(
        episodes=found,
        step_s=step_s or 1.0,
        step_from=f"samples of {file} are {format_duration(step_s)} apart",
        notes=tuple(notes),
    )


def _matrix(text: JsonText) -> Iterator[_One]:
    root: Any = text.value
    at: list[str | int] = []
    if isinstance(root, dict) and root.get("status") == "error":
        text.refuse(["error"], f"is an error that Prometheus answered: {root.get('error')}")
    for step in ("data", "result"):
        if isinstance(root, dict) and step in root:
            if root.get("resultType", "matrix") != "matrix":
                kind = root["resultType"]
                text.refuse([*at, "resultType"], f"is a {kind}; ask /api/v1/query_range")
            root, at = root[step], [*at, step]
    if not isinstance(root, list):
        text.refuse(at, "expected a matrix: {data: {resultType: matrix, result: [...]}}")
    if not root:
        text.refuse(at, "has no series: the query found nothing in that time")
    for number, series in enumerate(root):
        here = [*at, number]
        if not isinstance(series, dict) or not isinstance(series.get("values"), list):
            text.refuse(here, "expected a series: {metric: {...}, values: [[time, value], ...]}")
        labels = series.get("metric", {})
        if not isinstance(labels, dict):
            text.refuse([*here, "metric"], "expected labels")
        yield _One(
            {str(k): str(v) for k, v in labels.items()},
            dict(_samples(text, [*here, "values"], series["values"])),
        )


def _samples(text: JsonText, at: Steps, values: list[Any]) -> Iterator[tuple[float, float]]:
    before = -math.inf
    for number, sample in enumerate(values):
        try:
            instant, value = sample
            at_s, measured = float(instant), float(value)
        except (TypeError, ValueError):
            text.refuse([*at, number], f'expected [time, "value"], not {str(sample)[:60]}')
        if not math.isfinite(at_s) or at_s <= before:
            text.refuse([*at, number], "its time is not after that of the sample before")
        before = at_s
        # NaN: nothing was there to divide by, so nothing is known. +Inf: beyond any bucket.
        if measured > -math.inf:
            yield at_s, measured


def _episodes(
    file: str, chosen: list[_One], wanted: Wanted, step_s: float
) -> tuple[tuple[Episode, ...], str]:
    """The episodes of some series, and how their values were read."""
    chosen = [one for one in chosen if one.values]
    if not chosen:
        refuse(file, 0, "has no sample that is a number")
    first = chosen[0]
    words = " ".join((first.name, *first.labels))
    if any(one.code for one in chosen):
        return _by_code(file, chosen, wanted)
    merged = _mean(chosen)
    if wanted.bad is not None:
        shares = {at_s: float(wanted.bad(value)) for at_s, value in merged.items()}
        return _of_shares(file, str(first), shares, wanted, f"bad is {wanted.bad_text}")
    values = [value for value in merged.values() if math.isfinite(value)] or [1.0]
    if _LATENCY.search(words) and not _COUNTER.search(first.name):
        unit = 0.001 if _MILLI.search(words) else 1.0
        late, how = late_episodes({at_s: v * unit for at_s, v in merged.items()}, str(first))
        if not late:
            refuse(file, 0, f"nothing slow is in it ({how}); say --bad '> 500ms' if something is")
        return late, how
    if _PERCENT.search(words) and max(values) > 1:
        merged, values = {k: v / 100 for k, v in merged.items()}, [v / 100 for v in values]
    if max(values) > 1 or min(values) < 0 or _COUNTER.search(first.name):
        return _of_counts(file, chosen, wanted)
    healthy_is_high = high_is_good(first.name, words, values)
    shares = {at_s: 1 - v if healthy_is_high else v for at_s, v in merged.items()}
    how = "1 is good, 0 is bad" if healthy_is_high else "a share of errors"
    return _of_shares(file, str(first), shares, wanted, how)


def _mean(chosen: list[_One]) -> dict[float, float]:
    """Of several series the mean at each instant, of those that have a sample there."""
    at: dict[float, list[float]] = {}
    for one in chosen:
        for at_s, value in one.values.items():
            at.setdefault(at_s, []).append(value)
    return {at_s: math.fsum(at[at_s]) / len(at[at_s]) for at_s in sorted(at)}


def _of_shares(
    file: str, source: str, shares: dict[float, float], wanted: Wanted, how: str
) -> tuple[tuple[Episode, ...], str]:
    series = Series.of_shares(shares)
    down = how.startswith("1 is good")

    def describe(stretch: Stretch) -> tuple[Symptom, str]:
        why = f"{stretch.share:.3g} of 1 bad in {stretch.stop - stretch.first} samples"
        whole = down and stretch.share > 0.995
        return (symptoms.of_kind("refused", why) if whole else symptoms.plainest(why)), source

    found = episodes(series, describe)
    if not found:
        refuse(file, 0, f"nothing bad is in it: at most {worst(series)} ({how}, "
               f"bad from {LEAST_SHARE:.0%} on); say --bad '> 0.01' to be stricter")  # fmt: skip
    return found, how


def _by_code(file: str, chosen: list[_One], wanted: Wanted) -> tuple[tuple[Episode, ...], str]:
    """Series that count answers by status: the share of 5xx of all, at each instant."""
    counts: dict[str, dict[float, float]] = {}
    for one in chosen:
        own = counts.setdefault(one.code or "?", {})
        for at_s, value in _increases(one).items():
            own[at_s] = own.get(at_s, 0.0) + max(0.0, value)
    bad_codes = [code for code in counts if code.startswith("5")]
    if bad_codes and len(bad_codes) == len(counts):
        return _of_counts(file, chosen, wanted)
    total: Counter[float] = Counter()
    bad: Counter[float] = Counter()
    for code, own in counts.items():
        total.update(own)
        if code in bad_codes:
            bad.update(own)
    instants = sorted(instant for instant in total if 0 < total[instant] < math.inf)
    # As rates are small numbers, they are weighed as shares, not as counts of calls.
    series = Series.of_shares({instant: bad[instant] / total[instant] for instant in instants})

    def describe(stretch: Stretch) -> tuple[Symptom, str]:
        inside = series.at_s[stretch.first : stretch.stop]
        many = {c: math.fsum(counts[c].get(i, 0.0) for i in inside) for c in bad_codes}
        code = max(many, key=lambda one: many[one])
        why = f"{stretch.share:.3g} of all answers are {', '.join(c for c in many if many[c])}"
        symptom = symptoms.of_status(int(code), why) if code.isdigit() else symptoms.plainest(why)
        return symptom, f"{len(chosen)} series by status"

    found = episodes(series, describe)
    if not found:
        refuse(file, 0, f"nothing bad is in it: at most {worst(series)} of the answers are 5xx")
    return found, "the share of 5xx in all answers"


def _increases(one: _One) -> dict[float, float]:
    """A counter's increase from sample to sample; anything else as it is."""
    if not _COUNTER.search(one.name):
        return dict(one.values)
    samples = list(one.values.items())
    pairs = pairwise(samples)
    return {
        at_s: value - before if value >= before else value for (_, before), (at_s, value) in pairs
    }


def _of_counts(file: str, chosen: list[_One], wanted: Wanted) -> tuple[tuple[Episode, ...], str]:
    """Counts of errors: of how many calls, nobody says."""
    sums: dict[float, float] = {}
    for one in chosen:
        for at_s, value in _increases(one).items():
            sums[at_s] = sums.get(at_s, 0.0) + value
    ordered = sorted(value for value in sums.values() if math.isfinite(value)) or [0.0]
    # A series of errors may be there only while there are some.
    usual = 0.0 if len(ordered) < 2 else median(ordered[: max(1, len(ordered) // 4)])
    if usual == ordered[-1]:
        usual = 0.0
    least = usual + (ordered[-1] - usual) * 0.1
    is_bad: Callable[[float], bool] = wanted.bad or (lambda value: value > least)
    shares = {at_s: float(is_bad(value)) for at_s, value in sums.items()}
    how = f"a count, of how many is unknown: bad above {least:.3g}"
    return _of_shares(file, str(chosen[0]), shares, wanted, how)
