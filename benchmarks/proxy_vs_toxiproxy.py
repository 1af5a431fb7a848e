"""The embedded proxy beside real Toxiproxy in one run: figures, their ratios, and how these spread.

    python benchmarks/proxy_vs_toxiproxy.py [--rounds N] [--toxiproxy PATH] [--bare] [--one-cpu]

Both carry toxics that let everything pass: a latency of 0 in each direction. Loopback only; about
15 s a round. Within a round each figure is taken of all within seconds, and the ratio is that of
the round, so that a machine that gets busier meanwhile disturbs it little.

It still does: a busy machine gives more of its time to a program with several threads, as the real
one is. So the processor time that each server used is shown too, which depends less on the rest.
With --one-cpu everything runs on one processor, where several threads are of no use.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import proxy_load as load

from harness.toxiproxy.client import ToxicSpec
from harness.toxiproxy.locate import find_toxiproxy
from harness.toxiproxy.server import ProxyServer

_LATENCY_MS = 100
_FOR_S = 1.2
_MEGABYTES = 400
PASSING = tuple(
    ToxicSpec(type="latency", stream=stream, attributes={"latency": 0})
    for stream in ("upstream", "downstream")
)
_LATE = (ToxicSpec(type="latency", attributes={"latency": _LATENCY_MS}),)


@dataclass(frozen=True)
class Subject:
    """What is measured: a proxy, or the upstream without one."""

    name: str
    port: int
    late_port: int = 0
    """The port of its proxy with a latency toxic; 0 where there is none."""
    pid: int = 0


@dataclass(frozen=True)
class Load:
    """One kind of load."""

    figure: str
    unit: str
    rate: Callable[[int], float]
    """Loads a port; returns units a second."""
    units: Callable[[float], float]
    """How many units that were, by their rate."""


_LOADS = (
    Load(
        "requests/s",
        "request",
        lambda port: load.requests_per_s(port, for_s=_FOR_S),
        lambda rate: rate * _FOR_S,
    ),
    Load(
        "MB/s",
        "MB",
        lambda port: load.megabytes_per_s(port, megabytes=_MEGABYTES),
        lambda rate: _MEGABYTES,
    ),
    Load(
        "connections/s",
        "connection",
        lambda port: load.connections_per_s(port, for_s=_FOR_S),
        lambda rate: rate * _FOR_S,
    ),
)
_AT_LEAST = {"requests/s": 1.0, "MB/s": 1.5, "connections/s": 1.0}
_AT_MOST = {"added p50 ms": 1.0}
"""Goals for ratios."""
_QUIET = 1.25
"""On a quiet machine the upstream alone is within this factor of itself in every round."""

Round = dict[str, dict[str, float]]
"""Figures by their names, then by subject."""


@contextmanager
def upstream() -> Iterator[int]:
    """The echo server's port."""
    command = [sys.executable, str(Path(load.__file__))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def cpu_s(pid: int) -> float:
    """The processor time that a process has used so far; 0 where the system has no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(subjects: list[Subject]) -> Round:
    """One round of everything but delays, figure by figure."""
    found: Round = {}
    trips = {s.name: statistics.median(load.round_trips_ms(s.port, count=2000)) for s in subjects}
    found["p50 ms"] = trips
    found["added p50 ms"] = {name: ms - trips["direct"] for name, ms in trips.items()}
    for kind in _LOADS:
        rates, cpu_us = found.setdefault(kind.figure, {}), {}
        for subject in subjects:
            before_s = cpu_s(subject.pid)
            rates[subject.name] = rate = kind.rate(subject.port)
            cpu_us[subject.name] = (cpu_s(subject.pid) - before_s) * 1e6 / kind.units(rate)
        found[f"CPU us/{kind.unit}"] = cpu_us
    return found


def main() -> int:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--toxiproxy", default="", help="path of a Toxiproxy server")
    options.add_argument("--bare", action="store_true", help="without the passing toxics")
    options.add_argument("--one-cpu", action="store_true", help="all on the first processor")
    arguments = options.parse_args()
    if arguments.one_cpu:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # inherited by all it starts
    real = find_toxiproxy(arguments.toxiproxy)
    if real is None or real.binary is None:
        print("No Toxiproxy found: put toxiproxy-server on the PATH, or give --toxiproxy PATH")
        return 3
    servers = {
        "embedded": ProxyServer.embedded(journal=False),
        "toxiproxy": ProxyServer.real(real.binary),
    }
    rounds: list[Round] = []
    excess: dict[str, list[float]] = {name: [] for name in servers}
    with ExitStack() as stack:
        port = stack.enter_context(upstream())
        subjects = [Subject("direct", port)]
        for name, server in servers.items():
            client = stack.enter_context(server)
            ports = [
                client.create(which, f"127.0.0.1:{port}", toxics=toxics).port
                for which, toxics in (("p", () if arguments.bare else PASSING), ("late", _LATE))
            ]
            subjects.append(Subject(name, ports[0], ports[1], server.pid))
        for turn in range(arguments.rounds):
            # In turns: whoever comes second finds other caches, and another clock rate.
            order = subjects if turn % 2 == 0 else [subjects[0], *reversed(subjects[1:])]
            rounds.append(measure(order))
            for subject in order[1:]:
                times = load.round_trips_ms(subject.late_port, count=20, pause_s=0.001)
                excess[subject.name] += [ms - _LATENCY_MS for ms in times]
    report_rates(rounds)
    report_excess(excess)
    report_disturbance(rounds)
    return 0


def report_rates(rounds: list[Round]) -> None:
    """Medians over the rounds; the ratios of the rounds, their spread, and what the goal is."""
    load_average = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    print(f"{len(rounds)} rounds, medians; load average {load_average} (this run alone: about 2)")
    print(f"{'':18}{'direct':>9}{'embedded':>10}{'toxiproxy':>10}{'ratio':>7}  least..most")
    for figure in rounds[0]:
        values = {
            name: statistics.median(each[figure][name] for each in rounds)
            for name in ("direct", "embedded", "toxiproxy")
        }
        digits = 3 if "ms" in figure else 0
        shown = "".join(
            f"{value:{width}.{digits}f}"
            for value, width in zip(values.values(), (9, 10, 10), strict=True)
        )
        if figure == "p50 ms" or not values["toxiproxy"]:
            print(f"{figure:18}{shown}")
            continue
        ratios = [each[figure]["embedded"] / each[figure]["toxiproxy"] for each in rounds]
        spread = f"{min(ratios):.2f}..{max(ratios):.2f}"
        print(
            f"{figure:18}{shown}{statistics.median(ratios):6.2f}x  {spread}{goal(figure, ratios)}"
        )


def goal(figure: str, ratios: list[float]) -> str:
    """The goal for a ratio and how many rounds met it; nothing where there is none."""
    if figure in _AT_LEAST:
        least = _AT_LEAST[figure]
        met = sum(ratio >= least for ratio in ratios)
        return f"  goal {least:.1f}x or more: {met} of {len(ratios)} rounds"
    if figure in _AT_MOST:
        most = _AT_MOST[figure]
        met = sum(ratio <= most for ratio in ratios)
        return f"  goal {most:.1f}x or less: {met} of {len(ratios)} rounds"
    return ""


def report_excess(excess: dict[str, list[float]]) -> None:
    """How much later than asked for a latency toxic delivers, over all rounds together."""
    count = len(excess["embedded"])
    print(f"\nlatency toxic of {_LATENCY_MS} ms, excess of {count} round trips, ms")
    print(f"{'':18}{'embedded':>10}{'toxiproxy':>10}{'ratio':>7}")
    for name, share, bound in (
        ("least", 0.0, "0 or more: never early"),
        ("p50", 0.5, "1 or less"),
        ("p99", 0.99, "5 or less"),
        ("most", 1.0, ""),
    ):
        place = max(math.ceil(count * share) - 1, 0)
        ours, real = (sorted(excess[server])[place] for server in ("embedded", "toxiproxy"))
        wanted = f"  goal {bound}" if bound else ""
        print(f"{name:18}{ours:10.2f}{real:10.2f}{ours / real:6.2f}x{wanted}")


def report_disturbance(rounds: list[Round]) -> None:
    """Says so when the machine had other things to do; the upstream alone shows it."""
    alone = [each["requests/s"]["direct"] for each in rounds]
    if max(alone) > _QUIET * min(alone) or os.getloadavg()[0] > (os.cpu_count() or 1) + 2:
        print(
            f"\nThis machine was busy: without a proxy, requests/s went from {min(alone):.0f} to "
            f"{max(alone):.0f}.\nRepeat this on a quiet one; here the CPU rows are the best guide."
        )


if __name__ == "__main__":
    sys.exit(main())
