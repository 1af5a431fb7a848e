"""From a series of samples to episodes: where its share of bad, or its lateness, changed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from msgspec.structs import replace

from harness.frozen import Frozen
from harness.incident import symptoms
from harness.incident.changes import Stretch, stretches
from harness.incident.evidence import WHOLE, Episode, Symptom

LEAST_SHARE = 0.05
"""A stretch with a smaller share of bad calls is no outage, but an ordinary day."""
_CALLS = 100.0
"""What a sampled share counts for where nobody says of how many calls it is."""
_SLOWER = 3.0
"""So many times as long as usual is slow."""
_SLOWER_BY_S = 0.05

BAD_SHARE = re.compile(r"err|fail|5xx|down(?!stream)|bad", re.IGNORECASE)
"""Names of what is the worse the more there is of it."""
_GOOD_SHARE = re.compile(r"availab|success", re.IGNORECASE)
_STATE = re.compile(
    r"(^|[_ ])(up|success|healthy|alive|ready)$|^up\b|^probe_success", re.IGNORECASE
)


class Series(Frozen, kw_only=True):
    """Samples at increasing instants (seconds): of `calls`, `bad` went wrong."""

    at_s: Sequence[float]
    bad: Sequence[float]
    calls: Sequence[float]

    @classmethod
    def of_shares(cls, shares: Mapping[float, float]) -> Series:
        """Samples that say a share only."""
        at_s = sorted(shares)
        bad = [_CALLS * min(1.0, max(0.0, shares[instant])) for instant in at_s]
        return cls(at_s=at_s, bad=bad, calls=[_CALLS] * len(at_s))

    @property
    def step_s(self) -> float:
        """The usual time between two samples; 0 where there is only one."""
        gaps = [two - one for one, two in zip(self.at_s, self.at_s[1:], strict=False)]
        return median(gaps) if gaps else 0.0


Describe = Callable[[Stretch], tuple[Symptom, str]]
"""The symptom of a bad stretch, and where it was read."""


def episodes(
    series: Series, describe: Describe, *, least: float = LEAST_SHARE
) -> tuple[Episode, ...]:
    """The stretches of a series in which at least that share went wrong."""
    found: list[Episode] = []
    for whole in stretches(series.bad, series.calls):
        if whole.share < least:
            continue
        stretch = _trimmed(whole, series)
        goes_on = stretch.stop < len(series.at_s)
        first_s, last_s = series.at_s[stretch.first], series.at_s[stretch.stop - 1]
        before = stretch.first - 1
        symptom, source = describe(stretch)
        found.append(
            Episode(
                start_s=first_s,
                end_s=series.at_s[stretch.stop] if goes_on else last_s + (series.step_s or 1.0),
                share=1.0 if stretch.share >= WHOLE else stretch.share,
                symptom=symptom,
                source=source,
                open_end=not goes_on,
                begins_within_s=first_s - series.at_s[before] if before >= 0 else 0.0,
                ends_within_s=series.at_s[stretch.stop] - last_s if goes_on else 0.0,
            )
        )
    return tuple(found)


def _trimmed(stretch: Stretch, series: Series) -> Stretch:
    """From its first bad sample to its last one: few calls leave good ones at its edges."""
    bad = [n for n in range(stretch.first, stretch.stop) if series.bad[n] > 0]
    first, stop = bad[0], bad[-1] + 1
    calls = math.fsum(series.calls[first:stop])
    return Stretch(first, stop, math.fsum(series.bad[first:stop]), calls)


def late_episodes(
    seconds: Mapping[float, float], source: str, bad: Callable[[float], bool] | None = None
) -> tuple[tuple[Episode, ...], str]:
    """Episodes in which answers took several times as long as usual, and what usual is."""
    ordered = sorted(value for value in seconds.values() if math.isfinite(value)) or [0.0]
    usual_s = median(ordered[: max(1, len(ordered) // 2)])
    slow_s = max(usual_s * _SLOWER, usual_s + _SLOWER_BY_S)
    is_bad = bad or (lambda value: value >= slow_s)
    series = Series.of_shares({at_s: float(is_bad(value)) for at_s, value in seconds.items()})

    def describe(stretch: Stretch) -> tuple[Symptom, str]:
        inside = [seconds[series.at_s[i]] for i in range(stretch.first, stretch.stop)]
        took_s = median([one for one in inside if math.isfinite(one)] or [math.inf])
        if took_s == math.inf:
            unknown = symptoms.of_kind("blackhole", "slower than the data can tell")
            return replace(unknown, told=False), source
        why = f"{took_s:.3g} s instead of {usual_s:.3g} s"
        return symptoms.of_lateness(took_s - usual_s, why), source

    return episodes(series, describe), f"slow is {slow_s:.3g} s or more; usual are {usual_s:.3g} s"


def worst(series: Series) -> str:
    """The largest share of bad in any sample, for whoever finds no outage in it."""
    shares = [bad / calls for bad, calls in zip(series.bad, series.calls, strict=True)]
    return f"{max(shares, default=0.0):.1%}"


def is_state(name: str) -> bool:
    """Whether a metric's name says that 1 is healthy."""
    return bool(_STATE.search(name) or _GOOD_SHARE.search(name))


def high_is_good(name: str, words: str, values: list[float]) -> bool:
    """Whether 1 is healthy: by its name, else as it begins, before anything happened."""
    if is_state(name):
        return True
    return not BAD_SHARE.search(words) and values[0] > 0.5
