"""The embedded proxy beside real Toxiproxy in one run: prints figures and their ratios.

    python benchmarks/proxy_vs_toxiproxy.py [--rounds N] [--toxiproxy PATH]

Both carry toxics that let everything pass: a latency of 0 in each direction.
Loopback only; about half a minute. Goals: added p50 at most 1.0x, requests/s and connections/s at
least 1.0x, MB/s at least 1.5x; the latency toxic's excess at most 1 ms (p50) and 5 ms (p99).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import proxy_load as load

from harness.toxiproxy.client import ToxicSpec, ToxiproxyClient
from harness.toxiproxy.locate import find_toxiproxy
from harness.toxiproxy.server import ProxyServer

_LATENCY_MS = 100
_PASSING = tuple(
    ToxicSpec(type="latency", stream=stream, attributes={"latency": 0})
    for stream in ("upstream", "downstream")
)


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


def measure(ports: dict[str, int], late_ports: dict[str, int]) -> dict[str, dict[str, float]]:
    """One round over all proxies, in turns."""
    found: dict[str, dict[str, float]] = {name: {} for name in ports}
    for name, port in ports.items():
        figures = found[name]
        figures["p50 ms"] = statistics.median(load.round_trips_ms(port, count=1500))
        figures["requests/s"] = load.requests_per_s(port)
        figures["MB/s"] = load.megabytes_per_s(port)
        figures["connections/s"] = load.connections_per_s(port)
    for name, port in late_ports.items():
        times = load.round_trips_ms(port, count=25, pause_s=0.001)
        found[name]["least excess ms"] = times[0] - _LATENCY_MS
        found[name]["excess p50 ms"] = statistics.median(times) - _LATENCY_MS
        found[name]["excess p99 ms"] = times[-1] - _LATENCY_MS
    return found


def create(client: ToxiproxyClient, port: int, name: str, toxics: tuple[ToxicSpec, ...]) -> int:
    """A proxy's port."""
    return client.create(name, f"127.0.0.1:{port}", toxics=toxics).port


def main() -> int:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--toxiproxy", default="", help="path of a Toxiproxy server")
    options.add_argument("--bare", action="store_true", help="without the passing toxics")
    arguments = options.parse_args()
    real = find_toxiproxy(arguments.toxiproxy)
    if real is None or real.binary is None:
        print("No Toxiproxy found: put toxiproxy-server on the PATH, or give --toxiproxy PATH")
        return 3
    passing = () if arguments.bare else _PASSING
    late = ToxicSpec(type="latency", attributes={"latency": _LATENCY_MS})
    rounds = []
    with ExitStack() as stack:
        port = stack.enter_context(upstream())
        servers = {
            "embedded": ProxyServer.embedded(journal=False),
            "toxiproxy": ProxyServer.real(real.binary),
        }
        clients = {name: stack.enter_context(server) for name, server in servers.items()}
        ports = {"direct": port}
        late_ports = {}
        for name, client in clients.items():
            ports[name] = create(client, port, "passing", passing)
            late_ports[name] = create(client, port, "late", (late,))
        for _ in range(arguments.rounds):
            rounds.append(measure(ports, late_ports))
    report(rounds)
    return 0


def report(rounds: list[dict[str, dict[str, float]]]) -> None:
    """Medians over the rounds, and the ratios that the goals are about."""
    medians = {
        name: {key: statistics.median(r[name][key] for r in rounds) for key in rounds[0][name]}
        for name in rounds[0]
    }
    ours, real, direct = medians["embedded"], medians["toxiproxy"], medians["direct"]
    print(f"{'':16}{'direct':>12}{'embedded':>12}{'toxiproxy':>12}{'ratio':>8}")
    for key in ("requests/s", "MB/s", "connections/s"):
        ratio = ours[key] / real[key]
        print(f"{key:16}{direct[key]:12.0f}{ours[key]:12.0f}{real[key]:12.0f}{ratio:8.2f}")
    added = {name: medians[name]["p50 ms"] - direct["p50 ms"] for name in ("embedded", "toxiproxy")}
    ratio = added["embedded"] / added["toxiproxy"]
    shown = f"{added['embedded']:12.3f}{added['toxiproxy']:12.3f}{ratio:8.2f}"
    print(f"{'added p50 ms':16}{direct['p50 ms']:12.3f}{shown}")
    for key in ("least excess ms", "excess p50 ms", "excess p99 ms"):
        print(f"{key:16}{'':12}{ours[key]:12.2f}{real[key]:12.2f}")


if __name__ == "__main__":
    sys.exit(main())
