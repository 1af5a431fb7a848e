"""Cost against size: what is measured at several sizes, the exponent of its growth, and plots.

    python benchmarks/growth.py [--json FILE]
    .venv/peers/bin/python benchmarks/growth.py --plot FILE --to FOLDER

An exponent of 1 is a straight line. Histories are of real plays in the simulation: auth black-holed
for 50 of 90 s, with more and more requests a second, so that one window's attempts grow; and
longer and longer ones at ten a second (`histories.py`). Needs about five minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STRAIGHT = 1.15
"""The largest exponent that is called a straight line: caches and fixed costs bend it a little."""


@dataclass(frozen=True)
class Curve:
    """What was measured: processor seconds by size."""

    name: str
    of: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """Of the growth between the second half of the sizes, where fixed costs weigh little."""
        half = len(self.sizes) // 2
        sizes = [math.log(size) for size in self.sizes[half - 1 :]]
        costs = [math.log(max(cost, 1e-6)) for cost in self.seconds[half - 1 :]]
        mean_size, mean_cost = sum(sizes) / len(sizes), sum(costs) / len(costs)
        above = sum((x - mean_size) * (y - mean_cost) for x, y in zip(sizes, costs, strict=True))
        return above / sum((x - mean_size) ** 2 for x in sizes)

    @property
    def straight(self) -> bool:
        """Whether cost grows as the work does."""
        return self.exponent <= STRAIGHT

    @staticmethod
    def read(said: dict[str, Any]) -> Curve:
        """One that --json wrote."""
        sizes, seconds = tuple(said["sizes"]), tuple(said["seconds"])
        return Curve(name=said["name"], of=said["of"], sizes=sizes, seconds=seconds)


def picture_of(curve: Curve) -> str:
    """The name of its plot's file."""
    words = f"{curve.name.partition(' (')[0]} by {curve.of}".replace(",", "")
    return f"{words.replace(' ', '-')}.svg"


def curves(say: Callable[[str], None]) -> Iterator[Curve]:
    """Play and judge by requests a second, judge and report by length; listing by files."""
    yield from _by_requests(say)
    yield from _by_length(say)
    yield from _by_files(say)


def _cpu_s(work: Callable[[], object]) -> float:
    begun_s = time.process_time()
    work()
    return time.process_time() - begun_s


def _by_requests(say: Callable[[str], None]) -> Iterator[Curve]:
    from histories import OUTAGE

    from harness.engines.base import Job
    from harness.engines.sim.engine import SimEngine
    from harness.judge import judge
    from harness.scenario.loader import parse_scenario
    from harness.target.loading import bundled
    from harness.timeline import compile_timeline

    rates = (5, 10, 20, 40, 80, 160)
    target = bundled("reference")
    assert target is not None
    engine = SimEngine()
    sizes, plays, judged = [], [], []
    try:
        for rate in rates:
            scenario = parse_scenario(OUTAGE.format(rate=rate, duration=90), "outage.yaml")
            with tempfile.TemporaryDirectory() as folder:
                job = Job(
                    scenario=scenario,
                    timeline=compile_timeline(scenario),
                    target=target,
                    folder=Path(folder),
                )
                begun_s = time.perf_counter()
                history = engine.play_now(job)
                plays.append(time.perf_counter() - begun_s)
            judged.append(_cpu_s(lambda: judge(scenario, history)))  # noqa: B023 - used at once
            sizes.append(90 * rate)
            say(f"{90 * rate} requests: played in {plays[-1]:.1f} s, judged in {judged[-1]:.1f} s")
    finally:
        engine.close_now()
    yield Curve("played in the simulation (wall)", "requests", tuple(sizes), tuple(plays))
    yield Curve("judged, ever more at once", "requests", tuple(sizes), tuple(judged))


def _by_length(say: Callable[[str], None]) -> Iterator[Curve]:
    from histories import history_of

    from harness.history.events import Sent
    from harness.history.reading import read_history
    from harness.report.scene import judge_and_observe

    wanted = (6_000, 12_000, 25_000, 50_000, 100_000)
    sizes, read, judged = [], [], []
    for count in wanted:
        scenario, lines = history_of(count)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "outage.history.jsonl"
            with path.open("w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            read.append(_cpu_s(lambda: read_history(path)))  # noqa: B023 - used at once
            kept = read_history(path)
        judged.append(_cpu_s(lambda: judge_and_observe(scenario, kept)))  # noqa: B023
        sizes.append(sum(isinstance(event, Sent) and event.number > 0 for event in kept))
        say(f"{sizes[-1]} requests: read in {read[-1]:.1f} s, judged in {judged[-1]:.1f} s")
    yield Curve("read from its file", "requests", tuple(sizes), tuple(read))
    yield Curve("judged, ever longer", "requests", tuple(sizes), tuple(judged))


def _by_files(say: Callable[[str], None]) -> Iterator[Curve]:
    from histories import OUTAGE

    from harness.scenario.loader import load_scenarios

    counts = (125, 250, 500, 1000)
    seconds = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(count):
                (Path(folder) / f"outage_{number}.yaml").write_text(
                    OUTAGE.format(rate=1, duration=90)
                )
            seconds.append(_cpu_s(lambda: load_scenarios(sorted(Path(folder).glob("*.yaml")))))
        say(f"{count} files: read and validated in {seconds[-1]:.2f} s")
    yield Curve("read and validated", "files", counts, tuple(seconds))


def plot(found: Sequence[Curve], folder: Path) -> None:
    """One picture for each curve, with the straight line through its last point."""
    import matplotlib  # type: ignore[import-not-found]

    matplotlib.use("svg")
    from matplotlib import pyplot  # type: ignore[import-not-found]

    for curve in found:
        figure, axes = pyplot.subplots(figsize=(5, 3))
        line = [curve.seconds[-1] * size / curve.sizes[-1] for size in curve.sizes]
        axes.plot(curve.sizes, line, "--", color="0.7", label="a straight line")
        axes.plot(curve.sizes, curve.seconds, "o-", label=f"exponent {curve.exponent:.2f}")
        axes.set(xlabel=curve.of, ylabel="s", title=curve.name, xlim=(0, None), ylim=(0, None))
        axes.legend()
        figure.tight_layout()
        figure.savefig(folder / picture_of(curve), metadata={"Date": None})


def main() -> int:
    """1 when something does not grow as its work does."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path, help="write the curves there")
    options.add_argument("--plot", type=Path, help="draw what --json wrote, instead of measuring")
    options.add_argument("--to", type=Path, default=Path(), help="the folder for pictures")
    arguments = options.parse_args()
    if arguments.plot is not None:
        arguments.to.mkdir(parents=True, exist_ok=True)
        plot([Curve.read(each) for each in json.loads(arguments.plot.read_text())], arguments.to)
        return 0
    found = list(curves(lambda text: print(f"  {text}", file=sys.stderr, flush=True)))
    for curve in found:
        word = "a straight line" if curve.straight else "grows faster than its work"
        print(f"{curve.name}: exponent {curve.exponent:.2f}, {word}")
    most_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory: {most_mib:.0f} MiB")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([vars(curve) for curve in found], indent=1))
    return 0 if all(curve.straight for curve in found) else 1


if __name__ == "__main__":
    sys.exit(main())
