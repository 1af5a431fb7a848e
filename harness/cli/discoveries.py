"""What `outage explore` says while it plays: each finding as it is found, and how far it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from harness.contracts import Contract
    from harness.explore.coverage import Coverage
    from harness.explore.crew import Outcome
    from harness.explore.finding import Result
    from harness.explore.memory import Memory

_HANGS = {True: "", False: ", on some interleavings only", None: ", seen once"}


class Discoveries:
    """Says what is found as it is found, and how far the exploration is on a terminal."""

    def __init__(
        self, console: Console, report: Path, memory: Memory, contract: Contract, *, quiet: bool
    ) -> None:
        self._contract = contract
        self._console = console
        self._report = report
        self._memory = memory
        self._quiet = quiet
        self._findings = 0
        self._said: set[Path] = set()
        self._began_s = time.monotonic()
        self._status: Status | None = None

    def begin(self, target: str, seed: int, remembered: int) -> None:
        """Say what is going to happen."""
        if not self._quiet:
            again = f", {remembered} remembered outages first" if remembered else ""
            self._print(f"exploring {target}, seed {seed}{again}")

    def tell(self, text: str) -> None:
        """Say something on the way, unless nobody wants to hear it."""
        if not self._quiet:
            self._print(text)

    def __enter__(self) -> Discoveries:
        """Begin the progress line, on a terminal."""
        if self._console.is_terminal and not self._quiet:
            self._status = self._console.status("learning what the gateway offers")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the progress line."""
        if self._status is not None:
            self._status.stop()

    def progress(self, coverage: Coverage) -> None:
        """Redraw the progress line."""
        if self._status is None:
            return
        took_s = max(0.1, time.monotonic() - self._began_s)
        self._status.update(
            f"{took_s:.0f} s: {coverage.plays} outages, {coverage.plays / took_s:.1f} a second, "
            f"{len(coverage.changes)} breaker changes, {len(coverage.faults)} faults; "
            f"{self._findings} found"
        )

    def found(self, result: Result) -> None:
        """Write a finding down, remember it, and say it, once for each broken promise."""
        path = self._report / result.file_name
        path.write_text(result.text, encoding="utf-8")
        self._memory.keep(result.outage)
        if path in self._said:
            return
        self._said.add(path)
        self._findings += 1
        self._print(f"✗ {result.promise} ({result.about}): {result.says}")
        if not self._quiet:
            hangs = _HANGS[result.steady]
            self._print(f"    {path}: {result.duration_s:g} s{hangs}; {result.observed}")

    def end(self, outcome: Outcome, seed: int) -> None:
        """Say what was covered, what was not, and what was found."""
        if not self._quiet:
            self._coverage(outcome)
        for (promise, about), count in sorted(outcome.also.items()):
            self._print(f"  also {promise} ({about}), in {count} outages")
        if outcome.doubtful and not self._quiet:
            names = ", ".join(f"{name} ({about})" for name, about in sorted(outcome.doubtful))
            self._print(f"  not counted, as no scenario could state it beyond doubt: {names}")
        count = len(outcome.findings)
        took_s = time.monotonic() - self._began_s
        early = "interrupted: " if outcome.interrupted is not None else ""
        what = "nothing found" if not count else f"{count} broken, written to {self._report}"
        self._print(
            f"{early}{what} in {outcome.coverage.plays} outages, {took_s:.0f} s, seed {seed}"
        )

    def _coverage(self, outcome: Outcome) -> None:
        from rich.table import Table

        coverage, upstreams = outcome.coverage, outcome.upstreams
        changes = {
            "closed>open": "opened", "open>half_open": "probed", "half_open>closed": "closed",
            "half_open>open": "opened again",
        }  # fmt: skip
        table = Table("upstream", *changes.values(), "kinds of fault", box=None, pad_edge=False)
        for upstream in upstreams:
            kinds = {kind for name, kind in coverage.faults if name == upstream}
            counts = (str(coverage.changes[upstream, change]) for change in changes)
            table.add_row(upstream, *counts, str(len(kinds)))
        if upstreams:
            self._console.print(table)
        routes = ", ".join(f"{name} {count}" for name, count in coverage.routes.most_common())
        if routes:
            self._print(f"requests by route: {routes}")
        for upstream, kinds_missed in coverage.never_met(upstreams, self._contract).items():
            self._print(f"never on {upstream}: {', '.join(kinds_missed)}")
        if never := coverage.never_reached(upstreams):
            self._print(f"never reached: {', '.join(never)}")
        for what, times in coverage.troubles.items():
            self._print(f"{times} plays prove nothing: {what}")
        for missing in outcome.missing:
            self._print(f"left out, as it is not answered well even without faults: {missing}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False)
