"""What a person sees while scenarios play: each one's clock, then one line a scenario."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.markup import escape

from harness.engines.base import Progress
from harness.printable import in_line
from harness.scenario.model import Scenario

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table


class LiveDisplay:
    """Redraws the running scenarios on a terminal; on anything else it only says what is done."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._running: dict[str, tuple[Scenario, Progress]] = {}
        self._live: Live | None = None

    def __enter__(self) -> LiveDisplay:
        """Begin to draw."""
        if self._console.is_terminal and not self._quiet:
            from rich.live import Live

            self._live = Live(
                console=self._console,
                get_renderable=self._table,
                refresh_per_second=4,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Clear what was drawn."""
        if self._live is not None:
            self._live.stop()

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        """A scenario got somewhere."""
        self._running[scenario.name] = (scenario, progress)

    def done(self, scenario: Scenario, line: RenderableType | None) -> None:
        """A scenario has ended: draw it no more, and print its line."""
        self._running.pop(scenario.name, None)
        if line is not None:
            self._console.print(line)

    def _table(self) -> Table:
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for scenario, progress in sorted(
            self._running.values(), key=lambda pair: -pair[0].duration
        )[: max(4, self._console.height - 4)]:
            clock = "" if progress.at_s is None else f"{progress.at_s:5.0f} s"
            table.add_row(
                f"[bold]{clock}[/bold]",
                escape(in_line(scenario.name)),
                _bar(scenario, progress),
                f"[dim]{escape(in_line(doing(scenario, progress)))}[/dim]",
            )
        return table


def _bar(scenario: Scenario, progress: Progress) -> str:
    """Twenty cells: the outage in red, the rest in green, what is still to come dim."""
    if progress.at_s is None:
        return "[dim]" + "·" * 20 + "[/dim]"
    scenario = scenario.begun(progress.begins_s)
    cells = []
    for index in range(20):
        at_s = (index + 0.5) * scenario.duration / 20
        out = any(
            fault.from_ <= at_s < scenario.fault_end_s(number)
            for number, fault in enumerate(scenario.faults)
        )
        reached = at_s <= progress.at_s
        colour = "red" if out else "green"
        cells.append(f"[{colour}]━[/{colour}]" if reached else f"[dim {colour}]─[/]")
    return "".join(cells)


def doing(scenario: Scenario, progress: Progress) -> str:
    """What is in force, in words, or what else is done."""
    scenario = scenario.begun(progress.begins_s)
    if progress.at_s is None:
        return progress.doing
    active = [
        f"{fault.subject} {fault.fault}"
        for number, fault in enumerate(scenario.faults)
        if fault.from_ <= progress.at_s < scenario.fault_end_s(number)
    ]
    if active or not scenario.faults:
        return "; ".join(active) or progress.doing
    return "awaiting an event" if scenario.waiting else "healthy again"
