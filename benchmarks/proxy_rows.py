"""The embedded proxy beside real Toxiproxy, for the table of all benchmarks.

`proxy_vs_toxiproxy.py` shows the same with its spread, and the excess of latency toxics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from measuring import Row
from proxy_vs_toxiproxy import PASSING, Subject, measure, upstream

from harness.toxiproxy.locate import find_toxiproxy
from harness.toxiproxy.server import ProxyServer

_GOALS = {
    "added p50 ms": (0.7, False),
    "requests/s": (1.3, True),
    "MB/s": (2.0, True),
    "connections/s": (1.5, True),
}


def rows() -> Iterator[Row]:
    """Idle, and with toxics that let everything pass; nothing where no Toxiproxy is found."""
    real = find_toxiproxy("")
    if real is None or real.binary is None:
        print("  no Toxiproxy found: `outage doctor --install toxiproxy`")
        return
    with ExitStack() as stack:
        port = stack.enter_context(upstream())
        servers = {
            "embedded": ProxyServer.embedded(journal=False),
            "toxiproxy": ProxyServer.real(real.binary),
        }
        clients = {name: stack.enter_context(server) for name, server in servers.items()}
        for label, toxics in (("no toxics", ()), ("passing toxics", PASSING)):
            subjects = [Subject("direct", port)]
            for name, client in clients.items():
                proxy = client.create(label.replace(" ", "-"), f"127.0.0.1:{port}", toxics=toxics)
                subjects.append(Subject(name, proxy.port, pid=servers[name].pid))
            both = _Both(subjects)
            for figure, (goal, more) in _GOALS.items():
                yield Row(
                    f"proxy, {label}: {figure}", "",
                    both.figure(figure, "embedded"), both.figure(figure, "toxiproxy"),
                    "Toxiproxy", goal=goal, more_is_better=more,
                )  # fmt: skip


class _Both:
    """Rounds of all figures; a row that asks again gets the next round, made when it is needed."""

    def __init__(self, subjects: list[Subject]) -> None:
        self._subjects = subjects
        self._rounds: list[dict[str, dict[str, float]]] = []

    def figure(self, name: str, subject: str) -> Callable[[], float]:
        """One figure of one subject, of round after round."""
        asked = iter(range(1_000_000))

        def ask() -> float:
            turn = next(asked)
            while len(self._rounds) <= turn:
                self._rounds.append(measure(self._subjects))
            return self._rounds[turn][name][subject]

        return ask
