"""What of a span could be seen at an upstream, and what was hidden by faults."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.selection import Span
from harness.checks.wording import window
from harness.frozen import Frozen
from harness.history.view import FaultWindow
from harness.units import Window


class Visibility(Frozen, kw_only=True):
    """A span, divided into what could be seen and what was hidden."""

    visible: tuple[Window, ...]
    hidden: tuple[Window, ...]
    faults: str = ""
    """The faults that hide it, by name."""

    def __contains__(self, at_s: float) -> bool:
        """Whether an instant could be seen."""
        return any(at_s in each for each in self.visible)

    @property
    def shown(self) -> str:
        """The visible part in words."""
        return ", ".join(window(each) for each in self.visible)

    @property
    def unseen(self) -> str:
        """The hidden part in words."""
        return ", ".join(window(each) for each in self.hidden)


def visibility(span: Span, hiding: Sequence[FaultWindow], end_s: float) -> Visibility:
    """Divide a span of a play that ended at an instant by the faults that hide it, as they really
    were in force.
    """
    blind = [Window(fault.start_s, fault.end_s) for fault in hiding]
    whole = [
        Window(each.start_s, min(each.end_s, end_s))
        for each in span.windows
        if each.start_s < min(each.end_s, end_s)
    ]
    visible = [part for each in whole for part in _without(each, blind)]
    hidden = [
        Window(max(each.start_s, dark.start_s), min(each.end_s, dark.end_s))
        for each in whole
        for dark in blind
        if max(each.start_s, dark.start_s) < min(each.end_s, dark.end_s)
    ]
    names = " and ".join(dict.fromkeys(fault.name for fault in hiding))
    return Visibility(visible=tuple(visible), hidden=tuple(hidden), faults=names)


def _without(span: Window, blind: Sequence[Window]) -> list[Window]:
    parts = [span]
    for dark in blind:
        cut = (
            Window(start_s, end_s)
            for part in parts
            for start_s, end_s in (
                (part.start_s, min(part.end_s, dark.start_s)),
                (max(part.start_s, dark.end_s), part.end_s),
            )
            if start_s < end_s
        )
        parts = list(cut)
    return parts
