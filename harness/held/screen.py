"""What a terminal shows of a world held open: the scenario with its clock, and what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace
from rich.text import Text

from harness.contract import Forecast
from harness.contract.picture import planned, predicted
from harness.held.playback import Playback
from harness.history.events import Event
from harness.lanes import Lane, Scale
from harness.report.lanes import columns_in, lane_line
from harness.report.scene.watched import watched
from harness.scenario.model import Scenario
from harness.units import format_duration

LAST_S = 120.0
"""How much of what was seen the moving picture shows."""
_HEADING = "scenario"


def lines(
    playback: Playback | None,
    scenario: Scenario,
    forecast: Forecast | None,
    seen: Sequence[Event],
    keys: Mapping[str, str],
    *,
    now_s: float,
    width: int,
) -> Iterator[Text]:
    """Everything, from the scenario's clock to what the keys do."""
    columns = columns_in(width - 1)
    forces = () if playback is None else playback.forces
    if playback is not None:
        yield _state(playback, now_s)
        for lane in _scenario(playback, scenario, forecast, columns, now_s):
            yield lane_line(lane)
        yield Text("")
    axis, *lanes = watched(seen, forces, until_s=now_s, columns=columns, last_s=LAST_S)
    yield lane_line(replace(axis, label="seen"))
    for lane in lanes:
        yield lane_line(lane)
    if not lanes:
        yield Text("nothing was called yet", style="dim")
    yield Text("")
    yield from _keys(keys, width)


def final(seen: Sequence[Event], playback: Playback, *, now_s: float, width: int) -> list[Text]:
    """What was seen from the beginning until now; nothing where nothing was."""
    lanes = watched(seen, playback.forces, until_s=now_s, columns=columns_in(width - 1))
    return [lane_line(lane) for lane in lanes] if len(lanes) > 1 else []


def _keys(keys: Mapping[str, str], width: int) -> Iterator[Text]:
    """What each key does, on as many lines as that takes."""
    line = Text("")
    for key, what in keys.items():
        told = Text.assemble((key, "bold"), f" {what}", "   ")
        if line and len(line) + len(told) > width:
            yield line
            line = Text("")
        line.append_text(told)
    yield line


def _state(playback: Playback, now_s: float) -> Text:
    head = playback.head
    runs = head.runs(now_s)
    place = f"{head.at(now_s):.1f} s of {format_duration(head.end_s)}"
    many = len(head.in_force)
    broken = (
        "nothing is broken" if not many else "1 fault is" if many == 1 else f"{many} faults are"
    )
    return Text.assemble(
        ("▶ playing " if runs else "‖ standing at ", "bold green" if runs else "bold yellow"),
        (place, "bold"),
        f" · {broken}{' in force' if many else ''}",
        f" · traffic {'on' if playback.traffic else 'off'}",
    )


def _scenario(
    playback: Playback,
    scenario: Scenario,
    forecast: Forecast | None,
    columns: int,
    now_s: float,
) -> Iterator[Lane]:
    """The scenario's faults, what the contract says of it, and where its clock stands."""
    scale = Scale(scenario.duration, columns)
    yield replace(scale.axis(), label=_HEADING)
    yield scale.head("", playback.head.at(now_s))
    yield from planned(scenario, scale)
    if forecast is not None and playback.traffic:
        for lane in predicted(forecast, scale):
            yield replace(lane, label=f"{lane.label} expected")
