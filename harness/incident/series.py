"""Series of samples, whoever wrote them down: what their values mean, and when they were bad.

What the values mean is read from the name and labels, else from the values themselves:

    up, probe_success           1 is good; several instances: the share that is down
    a label with status codes   5xx of all, at each instant; counters are taken by their increase
    errors beside a total       their share, at each instant, of the same kind
    quantiles, ..._seconds      a latency: several times as long as usual is slow; the highest one
    ..._percent                 a share of 100
    between 0 and 1             a share of errors, or of successes where the first are near 1
    anything else               a count of errors: more than before is bad, of how many is unknown

Series of several metrics that are none of these together are refused, as no mean of them means
anything.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from harness.frozen import Frozen
from harness.incident import symptoms
from harness.incident.changes import Stretch
from harness.incident.evidence import WHOLE, Episode, Observation, Symptom, refuse
from harness.incident.instants import CLOCK_FROM_S
from harness.incident.reading import Wanted, service
from harness.incident.samples import (
    BAD_SHARE,
    LEAST_SHARE,
    Series,
    episodes,
    high_is_good,
    is_state,
    late_episodes,
    worst,
)
from harness.units import format_duration, plural

_CODES = (
    "code", "status", "status_code", "http_status", "http_status_code", "response_code",
    "envoy_response_code", "http_response_status_code",
)  # fmt: skip
_CODE = re.compile(r"[1-5]([0-9]{2}|xx|XX)")
_LATENCY = re.compile(
    r"latency|duration|seconds|quantile|response.time|\bp[59][0-9]{0,2}\b|_ms\b|milli",
    re.IGNORECASE,
)
_MILLI = re.compile(r"_ms\b|milli", re.IGNORECASE)
_PERCENT = re.compile(r"percent|pct", re.IGNORECASE)
_COUNTER = re.compile(r"_(total|count)$")


_QUANTILE = re.compile(r"(?:\b|_)p([0-9]{2,3})(?:\b|_)", re.IGNORECASE)
_TOTAL = re.compile(r"total|count|requests?|hits|calls|all\b|success|\bok\b|2xx", re.IGNORECASE)
_WELL = re.compile(r"success|\bok\b|2xx", re.IGNORECASE)


class Measured(Frozen):
    """One thing that was measured over time."""

    labels: Mapping[str, str]
    """`__name__` is the metric's name."""
    values: Mapping[float, float]
    """By the instant, in seconds; +Inf is beyond any bucket."""
    unit: str = ""
    """What values are known to be: `s` a time, `%` a share of 1; else their name says it."""

    @property
    def name(self) -> str:
        """The metric's name, empty where there is none."""
        return self.labels.get("__name__", "")

    @property
    def code(self) -> str | None:
        """The status that it counts, where a label says one."""
        said = (self.labels.get(label, "") for label in _CODES)
        return next((code for code in said if _CODE.fullmatch(code)), None)

    @property
    def words(self) -> str:
        """What tells the kind of its values."""
        return " ".join((self.name, *self.labels))

    @property
    def quantile(self) -> float | None:
        """Which part of all is no slower, where a label or the name says it."""
        said = _QUANTILE.search(self.name)
        text = self.labels.get("quantile") or (f"0.{said[1]}" if said else "")
        try:
            return float(text)
        except ValueError:
            return None

    @property
    def is_late(self) -> bool:
        """Whether its values are how long something took."""
        if self.unit:
            return self.unit == "s"
        return bool(_LATENCY.search(self.words)) and not _COUNTER.search(self.name)

    def __str__(self) -> str:
        inner = ", ".join(f'{k}="{v}"' for k, v in sorted(self.labels.items()) if k != "__name__")
        return f"{self.name}{{{inner}}}" if inner else self.name or "the series without a name"


def observed(file: str, measured: Sequence[Measured], wanted: Wanted) -> Observation:
    """What the series of a file say of what is meant.

    Raises: InvalidFile when nothing bad is in them, or they are of several things.
    """
    wanted.one_of(
        file, "series", measured, lambda one: one.labels.values(), lambda one: service(one.labels)
    )
    chosen = list(wanted.chosen(measured, lambda one: one.labels.values()))
    notes = wanted.remarks(file, "series", measured, lambda one: one.labels.values())
    instants = sorted({at_s for one in chosen for at_s in one.values})
    step_s = Series.of_shares(dict.fromkeys(instants, 0.0)).step_s
    if gaps := [a for a, b in pairwise(instants) if b - a > 1.5 * step_s]:
        when = wanted.written(gaps[0])
        often = "once" if len(gaps) == 1 else f"{len(gaps)} times"
        notes.append(f"{file}: no samples for a while {often}, first after {when}")
    found, how = _episodes(file, chosen, wanted)
    source_of = chosen[0] if len(chosen) == 1 else f"{len(chosen)} series"
    notes.append(f"{file}: {source_of}: {how}")
    return Observation(
        episodes=found,
        step_s=step_s or 1.0,
        step_from=f"samples of {file} are {format_duration(step_s or 1.0)} apart",
        notes=tuple(notes),
        clock=instants[0] >= CLOCK_FROM_S if instants else True,
    )


def _episodes(
    file: str, chosen: Sequence[Measured], wanted: Wanted
) -> tuple[tuple[Episode, ...], str]:
    """The episodes of some series, and how their values were read."""
    chosen = _slowest([one for one in chosen if one.values])
    if not chosen:
        refuse(file, 0, "has no sample that is a number")
    if any(one.code for one in chosen) and wanted.bad is None:
        return _by_code(file, chosen, wanted)
    if (parts := _errors_and_total(chosen)) is not None and wanted.bad is None:
        return _of_total(file, *parts, wanted)
    _of_one_kind(file, chosen)
    first, merged = chosen[0], _mean(chosen)
    if wanted.bad is not None:
        shares = {at_s: float(wanted.bad(value)) for at_s, value in merged.items()}
        return _of_shares(file, str(first), shares, wanted, f"bad is {wanted.bad_text}")
    if first.is_late:
        unit = 0.001 if not first.unit and _MILLI.search(first.words) else 1.0
        late, how = late_episodes({at_s: v * unit for at_s, v in merged.items()}, str(first))
        if not late:
            refuse(file, 0, f"nothing slow is in it ({how}); say --bad '> 500ms' if something is")
        return late, how
    values = [value for value in merged.values() if math.isfinite(value)] or [1.0]
    if first.unit != "%" and _PERCENT.search(first.words) and max(values) > 1:
        merged, values = {k: v / 100 for k, v in merged.items()}, [v / 100 for v in values]
    if max(values) > 1 or min(values) < 0 or _COUNTER.search(first.name):
        return _of_counts(file, chosen, wanted)
    healthy_is_high = high_is_good(first.name, first.words, values)
    shares = {at_s: 1 - v if healthy_is_high else v for at_s, v in merged.items()}
    how = "1 is good, 0 is bad" if healthy_is_high else "a share of errors"
    return _of_shares(file, str(first), shares, wanted, how)


def _slowest(chosen: Sequence[Measured]) -> Sequence[Measured]:
    """Of several quantiles of one thing the highest; of anything else all."""
    ranks = [one.quantile for one in chosen]
    known = [rank for rank in ranks if rank is not None]
    if len(known) < len(ranks) or not known:
        return chosen
    return [one for one, rank in zip(chosen, ranks, strict=True) if rank == max(known)]


def _errors_and_total(
    chosen: Sequence[Measured],
) -> tuple[Sequence[Measured], Sequence[Measured]] | None:
    """Those that count errors and those that count all (or what went well), by their names."""
    bad = [one for one in chosen if BAD_SHARE.search(one.name)]
    rest = [one for one in chosen if not BAD_SHARE.search(one.name)]
    counted = not any(one.is_late or one.unit == "%" for one in chosen)
    return (
        (bad, rest)
        if bad and rest and counted and all(_TOTAL.search(r.name) for r in rest)
        else None
    )


def _of_total(
    file: str, bad: Sequence[Measured], rest: Sequence[Measured], wanted: Wanted
) -> tuple[tuple[Episode, ...], str]:
    """Errors beside a count of all: their share, at each instant at which both are known."""
    errors, others = _sums(bad), _sums(rest)
    if any(_WELL.search(one.name) for one in rest):
        others = {at_s: others[at_s] + errors.get(at_s, 0.0) for at_s in others}
    shares = {
        at_s: min(1.0, errors.get(at_s, 0.0) / total)
        for at_s, total in others.items()
        if 0 < total < math.inf
    }
    how = f"{bad[0].name} of {rest[0].name}, their share"
    return _of_shares(file, str(bad[0]), shares, wanted, how)


def _of_one_kind(file: str, chosen: Sequence[Measured]) -> None:
    """Refuse series of several metrics: no mean of them means anything."""
    names = dict.fromkeys(one.name for one in chosen)
    alike = all(one.is_late for one in chosen) or all(is_state(one.name) for one in chosen)
    if len(names) > 1 and not alike:
        refuse(
            file, 0,
            f"is of several things: {', '.join(names)[:160]}; keep one that is a share of errors, "
            "a state or a latency (or that --upstream names), or errors beside a total",
        )  # fmt: skip


def _mean(chosen: Sequence[Measured]) -> dict[float, float]:
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
    down = how.startswith("1 is good") and is_state(source)

    def describe(stretch: Stretch) -> tuple[Symptom, str]:
        part = "all" if stretch.share >= WHOLE else f"{stretch.share * 100:.3g}%"
        why = f"{part} bad in {plural(stretch.stop - stretch.first, 'sample')}"
        whole = down and stretch.share > 0.995
        return (symptoms.of_kind("refused", why) if whole else symptoms.plainest(why)), source

    found = episodes(series, describe)
    if not found:
        refuse(file, 0, f"nothing bad is in it: at most {worst(series)} ({how}, "
               f"bad from {LEAST_SHARE:.0%} on); say --bad '> 0.01' to be stricter")  # fmt: skip
    return found, how


def _by_code(
    file: str, chosen: Sequence[Measured], wanted: Wanted
) -> tuple[tuple[Episode, ...], str]:
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


def _increases(one: Measured) -> dict[float, float]:
    """A counter's increase from sample to sample; anything else as it is."""
    if not _COUNTER.search(one.name):
        return dict(one.values)
    samples = list(one.values.items())
    pairs = pairwise(samples)
    return {
        at_s: value - before if value >= before else value for (_, before), (at_s, value) in pairs
    }


def _of_counts(
    file: str, chosen: Sequence[Measured], wanted: Wanted
) -> tuple[tuple[Episode, ...], str]:
    """Counts of errors: of how many calls, nobody says."""
    told = any(BAD_SHARE.search(" ".join(one.labels.values())) for one in chosen)
    if wanted.bad is None and chosen[0].name and not told:
        refuse(
            file, 0,
            f"{chosen[0]}: nothing says which of its values are bad, between {_extremes(chosen)}; "
            "expected errors, a state, a latency or a share; else say it: --bad '> 500'",
        )  # fmt: skip
    sums = _sums(chosen)
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


def _sums(chosen: Sequence[Measured]) -> dict[float, float]:
    """What several series counted at each instant, together."""
    sums: dict[float, float] = {}
    for one in chosen:
        for at_s, value in _increases(one).items():
            sums[at_s] = sums.get(at_s, 0.0) + value
    return sums


def _extremes(chosen: Sequence[Measured]) -> str:
    values = [value for one in chosen for value in one.values.values()]
    return f"{min(values):.6g} and {max(values):.6g}"
