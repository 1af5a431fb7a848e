"""A forecast as expectations, ready to be pasted into a scenario file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.contract.forecast import NO_ANSWER, Answers, Forecast, Moment, Prediction
from harness.contracts.routes import written
from harness.frozen import Frozen
from harness.scenario.model import Scenario
from harness.units import Range, Window, format_duration

_TOLERANCE_S = 1.0
"""What is added on either side of what the contract allows."""


def expectations(scenario: Scenario, forecast: Forecast) -> str:
    """YAML of an `expect:` block: breakers with their instants, then what is answered when.

    What no run could judge is left out: attempts into a port that refuses leave no trace, and
    where a call makes only one, a rejection looks like a refusal.
    """
    scenario = forecast.placed(scenario)
    lines = ["expect:"]
    for prediction in forecast.upstreams.values():
        if prediction.untold:
            lines.append(f"  # {prediction.upstream}: {prediction.untold}")
        elif prediction.open_spells:
            lines += _breaker(prediction, _Dark.of(scenario, prediction))
    for stream, parts in forecast.answers.items():
        for part in parts:
            lines += _answers(stream, part, scenario.duration)
    return "\n".join(lines) + "\n"


class _Dark(Frozen):
    """When attempts at an upstream leave no trace, and whether retries give them away."""

    windows: tuple[Window, ...]
    retried: bool

    @classmethod
    def of(cls, scenario: Scenario, prediction: Prediction) -> _Dark:
        """Of a prediction's upstream."""
        windows = (
            Window(fault.from_, scenario.fault_end_s(index))
            for index, fault in enumerate(scenario.faults)
            if prediction.upstream in fault.upstreams
            and fault.where != "stub"
            and fault.KIND.invisible
        )
        return cls(tuple(windows), prediction.settings.attempts > 1)

    def touches(self, start_s: float, end_s: float) -> bool:
        """Whether any attempt between these instants may leave no trace."""
        return any(w.start_s <= end_s and start_s < w.end_s for w in self.windows)


def _breaker(found: Prediction, dark: _Dark) -> Iterator[str]:
    begin = [f"  - breaker: {found.upstream}"]
    said: list[str] = []
    opens, closes = found.opening_moments, found.closing_moments
    if found.opened.sure:
        said.append(f"    opens: {_all(opens)}")
    before_s = found.opened.latest_s if found.opened else 0.0
    unseen = dark.touches(0.0, before_s)
    if len(found.first_rejection) == 1 and (dark.retried or not unseen):
        ((stream, (numbers,)),) = found.first_rejection.items()
        said.append(f"    traffic: {stream}")
        said.append(f"    first_rejection: {_count(numbers)}")
    if found.attempts is not None and not unseen:
        said.append(f"    attempts: {_count(found.attempts)}")
    probes = found.probe_moments
    told = probes and all(moment.sure for moment in probes)
    if told and not any(dark.touches(m.earliest_s, m.latest_s) for m in probes):
        said.append(f"    probes: [{', '.join(map(_around, probes))}]")
    if found.closed_for_good.sure:
        several = len(closes) > 1 and all(moment.sure for moment in closes)
        said.append(f"    closes: {_all(closes) if several else _around(found.closed_for_good)}")
    if said:
        yield from begin + said


def _all(moments: Sequence[Moment]) -> str:
    """The first, or each of them where all are sure to happen."""
    if len(moments) < 2 or not all(moment.sure for moment in moments):
        return _around(moments[0])
    return f"[{', '.join(map(_around, moments))}]"


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
    if NO_ANSWER in part.statuses:
        return  # what nobody waited for can't be expected
    yield f"  - traffic: {stream}"
    numbers = f"{part.first}..{'' if whole else part.last}"
    yield f"    requests: {part.first if part.first == part.last and not whole else numbers}"
    yield f"    status: {written(part.statuses)}"
    yield f'    latency: "< {format_duration(part.latency.high + 0.5)}"'
