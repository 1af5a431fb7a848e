"""What the contract says will happen, for people and for programs: tables, a picture, JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.contract import Forecast, Prediction
from harness.contract.picture import picture
from harness.lanes import Lane
from harness.printable import in_line
from harness.report.lanes import columns_in, lane_line
from harness.scenario.model import Scenario
from harness.units import Range


def forecast_json(scenario: Scenario, forecast: Forecast) -> dict[str, Any]:
    """A forecast as `outage predict --json` gives it (design.md)."""
    return {
        "upstreams": {
            name: _prediction_json(found)
            for name, found in forecast.upstreams.items()
            if found.opens or found.untold
        },
        "answers": {
            stream: [
                {
                    "first": part.first,
                    "last": part.last,
                    "from_s": part.from_s,
                    "to_s": part.to_s,
                    "statuses": [status or None for status in part.statuses],
                    "latency_s": _pair(part.latency),
                }
                for part in parts
            ]
            for stream, parts in forecast.answers.items()
        },
        "charges": _pair(forecast.charges),
        "begins_s": {
            str(scenario.number_of(index)): [_pair(span) for span in moment.alternatives]
            for index, moment in forecast.begins.items()
        },
        "runs": forecast.runs,
    }


def _prediction_json(found: Prediction) -> dict[str, Any]:
    own = found.settings
    return {
        "settings": {
            "attempts": own.attempts,
            "timeout_s": own.timeout_s,
            "threshold": own.failures,
            "wait_s": own.wait_s,
            "per_call": own.counting.by_call,
            "backoffs_s": own.to_json()["backoffs_s"],
            "breaker": own.breaker.says,
        },
        "opens_s": [_pair(span) for span in found.opens],
        "openings_s": [[_pair(span) for span in m.alternatives] for m in found.opening_moments],
        "openings": [sum(m.sure for m in found.opening_moments), len(found.opening_moments)],
        "attempts": None if found.attempts is None else _pair(found.attempts),
        "first_rejection": {
            stream: [_pair(span) for span in spans]
            for stream, spans in found.first_rejection.items()
        },
        "probes_s": [[_pair(span) for span in m.alternatives] for m in found.probe_moments],
        "closes_s": [_pair(span) for span in found.closes],
        "untold": found.untold or None,
    }


def _pair(span: Range) -> list[float]:
    return [round(span.low, 2), round(span.high, 2)]


def print_forecasts(
    console: Console, scenario: Scenario, forecasts: Mapping[str, Forecast]
) -> None:
    """Print a scenario's forecasts, by reading: side by side in one table, below it their lanes."""
    head = f"[bold]{escape(in_line(scenario.name))}[/]  {escape(scenario.title)}"
    console.print(head, soft_wrap=True)
    console.print(_breakers(forecasts, scenario))
    if any(found.untold for each in forecasts.values() for found in each.upstreams.values()):
        console.print("(--calls STREAM=UPSTREAM,... says it)", style="dim")
    if len(forecasts) == 1:
        console.print(_answers(next(iter(forecasts.values()))))
    console.print()
    for lane in _lanes(scenario, forecasts, columns_in(console.width - 1)):
        console.print(lane_line(lane), soft_wrap=True)


def _lanes(scenario: Scenario, forecasts: Mapping[str, Forecast], width: int) -> Iterator[Lane]:
    """The picture; with several readings their lanes of one kind lie below each other."""
    pictures = {name: picture(scenario, found, columns=width) for name, found in forecasts.items()}
    first = next(iter(pictures.values()))
    yield from (lane for lane in first if lane.kind in ("axis", "fault"))
    for kind in ("breaker", "answers"):
        for name, lanes in pictures.items():
            for lane in lanes:
                if lane.kind == kind:
                    told = lane if len(pictures) == 1 else _of_reading(lane, name)
                    yield told


def _of_reading(lane: Lane, name: str) -> Lane:
    return replace(lane, label=f"{lane.label.removesuffix(' breaker')}, {name}")


def _breakers(forecasts: Mapping[str, Forecast], scenario: Scenario) -> Table:
    """What each breaker does, one column for each reading; when faults begin that wait for one."""
    faulted = scenario.faulted_upstreams
    table = _plain_table("breaker", "", *forecasts)
    concerned = {
        name: None
        for forecast in forecasts.values()
        for name, found in forecast.upstreams.items()
        if found.opens or (found.untold and name in faulted)
    }
    for upstream in concerned:
        found = [forecast.of(upstream) for forecast in forecasts.values()]
        told = any(not each.untold for each in found)
        for index, (label, of) in enumerate(_ROWS if told else _ROWS[:3]):
            table.add_row("" if index else upstream, label, *(of(each) for each in found))
    if not concerned:
        table.add_row("all", "opens", *("never" for _ in forecasts))
    for index in scenario.waiting:
        begins = (str(each.begins[index]) for each in forecasts.values())
        table.add_row(f"fault {scenario.number_of(index)}", "begins", *begins)
    table.add_row("", "charges", *(_numbers(each.charges) for each in forecasts.values()))
    return table


def _attempts_text(found: Prediction) -> str:
    return f"{found.settings.attempts} of {found.settings.timeout_s:g} s"


def _threshold_text(found: Prediction) -> str:
    own = found.settings
    return f"{own.breaker.opens.says} ({own.counts}), {own.breaker.wait.says}"


def _rejection_text(found: Prediction) -> str:
    said = [
        f"{stream} " + " or ".join(f"#{_numbers(span, ' or #')}" for span in spans)
        for stream, spans in found.first_rejection.items()
    ]
    return "\n".join(said) or "none"


def _can_be_told(found: Prediction) -> str:
    return f"can't be told: {found.untold}" if found.untold else ""


_ROWS = (
    ("n and T", _attempts_text),
    ("N and W", _threshold_text),
    ("opens", lambda found: _can_be_told(found) or str(found.opened)),
    ("attempts until then", lambda found: _numbers(found.attempts)),
    ("first rejection", _rejection_text),
    ("probes", lambda found: "\n".join(str(m) for m in found.probe_moments) or "none"),
    ("closes", lambda found: str(found.closed_for_good)),
)


def _numbers(span: Range | None, between: str | None = None) -> str:
    if span is None:
        return "none"
    if span.low == span.high:
        return f"{span.low:g}"
    if between is not None and span.high - span.low > 1:
        between = "..#"
    return f"{span.low:g}{between or '..'}{span.high:g}"


def _answers(forecast: Forecast) -> Table:
    table = _plain_table("traffic", "requests", "sent at", "status", "latency")
    for stream, parts in forecast.answers.items():
        for index, part in enumerate(parts):
            one = part.first == part.last
            table.add_row(
                "" if index else stream,
                f"#{part.first}" if one else f"#{part.first}..#{part.last}",
                f"{part.from_s:g} s" if one else f"{part.from_s:g}..{part.to_s:g} s",
                " or ".join(str(status) if status else "none" for status in part.statuses),
                _latency_text(part.latency),
            )
    return table


def _latency_text(latency: Range) -> str:
    if latency.high < 0.5:
        return "at once"
    low = "0" if latency.low < 0.5 else f"{latency.low:g}"
    high = f"{latency.high:g} s"
    return high if latency.low == latency.high else f"{low}..{high}"


def _plain_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
