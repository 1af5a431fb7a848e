"""All benchmarks beside their peers, in one run: `make bench`.

    python benchmarks/bench.py [--rounds N] [--only WORD ...] [--peers FOLDER] [--json FILE]
                               [--markdown FILE]

Peers (Chaos Toolkit, locust) live in an environment of their own, made from `peers.txt`; wrk and
toxiproxy-server are used where they are installed. What has no peer here is said, not left out.
About fifteen minutes with three rounds. Exit status: 0, or 1 when a goal was missed on a machine
that had nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import commands
import instants
import proxy_rows
import sender
import simulation
from measuring import Result, Row, machine, measured

from harness.engines.sim.birth import Nursery


def groups(
    folder: Path, peers: Path | None, nursery: Nursery
) -> dict[str, Callable[[], Iterator[Row]]]:
    """What is measured, by the word for --only."""
    return {
        "commands": lambda: commands.rows(folder, peers),
        "simulation": lambda: simulation.rows(nursery),
        "instants": lambda: instants.rows(folder, peers),
        "sender": lambda: sender.rows(folder, peers),
        "proxy": proxy_rows.rows,
    }


def main() -> int:
    """Measures, prints and writes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", nargs="+", default=(), metavar="WORD")
    options.add_argument("--peers", type=Path, help="the folder with `chaos` and `locust`")
    options.add_argument("--json", type=Path)
    options.add_argument("--markdown", type=Path, help="the table for docs/performance.md")
    arguments = options.parse_args()
    peers = None if arguments.peers is None else arguments.peers.absolute()
    if peers is not None and not (peers / "chaos").exists():
        options.error(f"{peers} has no `chaos`: make it by `make bench`")
    say(f"on {machine()}")
    if peers is None:
        say("without --peers there is nothing to measure Chaos Toolkit's and locust's rows beside")
    if shutil.which("wrk") is None:
        say("wrk is not installed: no row beside it")
    results: list[Result] = []
    nursery = Nursery()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for word, rows in groups(Path(folder), peers, nursery).items():
                if arguments.only and word not in arguments.only:
                    continue
                say(f"{word}:")
                for row in rows():
                    results.append(measured(row, arguments.rounds))
                    say(f"  {line(results[-1])}")
    finally:
        nursery.close()
    if any(result.busy for result in results):
        say("* the machine had other things to do: repeat these on a quiet one")
    if arguments.json is not None:
        document = {"machine": machine(), "rows": [result.as_json() for result in results]}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if arguments.markdown is not None:
        arguments.markdown.write_text(markdown(results, arguments.rounds), encoding="utf-8")
    return int(any(result.met is False and not result.busy for result in results))


def say(text: str) -> None:
    """At once, so that a long run shows where it is."""
    print(text, flush=True)


def line(result: Result) -> str:
    """A row for the terminal."""
    name, ours, peer, ratio, goal = cells(result)
    beside = f"{peer:>22} {ratio:>8}" if peer else " " * 31
    return f"{name:58} {ours:>18} {beside}  {goal}"


def cells(result: Result) -> tuple[str, str, str, str, str]:
    """Name, ours, the peer's, their ratio, the goal and whether it was met."""
    row = result.row
    name = row.name + (f" ({row.peer_name})" if row.peer_name and result.peers else "")
    peer = f"{_figure(statistics.median(result.peers))} {row.unit}" if result.peers else ""
    ratio = "" if result.ratio is None else f"{_figure(result.ratio)} x"
    goal = ""
    if row.goal is not None:
        which = "at least" if row.more_is_better else "at most"
        times = " x" if result.peers else ""
        goal = f"{which} {_figure(row.goal)}{times}: {'met' if result.met else 'missed'}"
    busy = " *" if result.busy else ""
    return name, f"{_figure(statistics.median(result.ours))} {row.unit}", peer, ratio, goal + busy


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def markdown(results: list[Result], rounds: int) -> str:
    """The table for the docs."""
    head = f"Medians of {rounds} rounds, on {machine()}:\n\n"
    table = "| what | ours | peer | ratio | goal |\n|---|---|---|---|---|\n"
    rows = "".join("| " + " | ".join(cells(result)) + " |\n" for result in results)
    busy = "\n\\* The machine had other things to do.\n" if any(r.busy for r in results) else ""
    return head + table + rows + busy


if __name__ == "__main__":
    sys.exit(main())
