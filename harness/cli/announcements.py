"""What a run says of itself: what it is about to play, how to see a failure again, what was cut."""

from __future__ import annotations

import platform
import signal
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.engines.base import Engine
from harness.history.events import Run
from harness.report.totals import span
from harness.runs.runner import Played, in_all_s, plays_at_once, starts_s
from harness.scenario.model import Scenario
from harness.target import Target
from harness.verdict import Verdict

if TYPE_CHECKING:
    from harness.runs.shards import Shard


def introduction(
    scenarios: Sequence[Scenario],
    *,
    engine: Engine,
    target: Target,
    jobs: int | None,
    repeat: int,
    shard: Shard | None,
) -> str:
    """What is about to be played, on what, and how long that takes."""
    at_once = plays_at_once(scenarios, engine=engine, target=target, jobs=jobs)
    longest_s = max(scenario.duration for scenario in scenarios)
    lasts_s = in_all_s(scenarios, at_once) * repeat
    many = f"{len(scenarios)} scenarios" if len(scenarios) > 1 else scenarios[0].name
    time_needed = "" if engine.name == "sim" else f"; the longest takes {span(longest_s)}"
    if time_needed and lasts_s > longest_s:
        most_s = lasts_s + starts_s(engine, len(scenarios) * repeat)
        time_needed += (
            f", all of them {span(lasts_s)} to {span(most_s)} on a quiet machine, "
            f"{at_once} at a time"
        )
    excused = target.without
    without = f"; {target.name} does without {', '.join(excused)}" if excused else ""
    often = f", {repeat} times each" if repeat > 1 else ""
    if shard is not None:
        often += f" (part {shard})"
    return (
        f"{many}{often} against {target.name} on {engine.name}, "
        f"proxy: {engine.proxy}{time_needed}{without}"
    )


def replays(
    played: Sequence[Played], *, target: Target, seed: int, by_lines: bool
) -> Iterator[str]:
    """The command that shows a failure of the simulation again, versions included."""
    switch = " --switch lines" if by_lines else ""
    for item in played:
        if item.judgement.verdict is Verdict.FAILED:
            runs = (event.seed for event in item.events if isinstance(event, Run))
            combination = item.scenario.combination
            only = f" --only {combination}" if combination else ""
            yield (
                f"replay: outage run {item.scenario.file}{only} --engine sim"
                f" --seed {next(runs, seed)}"
                f"{switch} --target {target.file or target.name}"
                f"   (Python {platform.python_version()})"
            )


def interruption(number: int, played: Collection[Played], planned: int) -> str:
    """Which signal ended a run of `planned` scenarios, and what it cut at which second."""
    cut = [
        f"{item.scenario.name} at {max(0.0, item.events[-1].at_s):.0f} s"
        for item in played
        if item.events and getattr(item.events[-1], "what", "") == "interrupted"
    ]
    begun = f"; cut off: {', '.join(cut)}" if cut else ""
    left = planned - len(played)
    unplayed = f"; {left} not begun" if left else ""
    return f"{signal.Signals(number).name}: everything was taken down{begun}{unplayed}"
