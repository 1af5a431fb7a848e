"""One history as poorer witnesses would have left it: what a judge of less evidence gets to see."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from harness.history.events import Called, Crossed, Event, Logged, Looked, Reported, Run, Sent
from harness.history.view import History

_OF_PROXY = ("proxy requests", "proxy connections", "refused connects")
_OF_TARGET = ("status", "log", "output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """What of a simulated play somebody sees."""

    proxy: Collection[str] = _OF_PROXY
    """What the proxy tells of, as a run's `evidence` names it."""
    traces: bool = True
    """Whether the target passes on which request a call belongs to."""
    words: bool = True
    """Whether it has a status page and a log."""

    def seen(self, played: History) -> History:
        """The same play as this eye sees it."""
        return History([one for event in played.events for one in self._event(event)])

    def _event(self, event: Event) -> tuple[Event, ...]:
        if isinstance(event, Run):
            return (self._run(event),)
        if isinstance(event, Crossed):
            return self._crossed(event)
        if isinstance(event, Sent | Called) and not self.traces:
            return (replace(event, trace=""),)
        word = isinstance(event, Reported | Logged)
        word = word or (isinstance(event, Looked) and event.what == "status")
        return () if word and not self.words else (event,)

    def _run(self, run: Run) -> Run:
        hidden = {*_OF_PROXY, *(() if self.words else _OF_TARGET)} - set(self.proxy)
        evidence = tuple(what for what in run.evidence if what not in hidden)
        return replace(run, evidence=evidence, marks=run.marks if self.words else ())

    def _crossed(self, event: Crossed) -> tuple[Event, ...]:
        if "proxy requests" in self.proxy:
            return (event,)
        # A real Toxiproxy's log says that somebody has come, and gives no connection a number.
        told = "proxy connections" in self.proxy and event.what == "accepted"
        return (replace(event, connection=0),) if told else ()


EYES: Mapping[str, Eye] = {
    "whole": Eye(),
    "untraced": Eye(traces=False),
    "toxiproxy": Eye(proxy=("proxy connections",)),
    "stub": Eye(proxy=()),
    "stranger": Eye(proxy=("proxy connections",), traces=False, words=False),
}
"""By name: all there is; the same without traces; behind a real Toxiproxy; by stubs alone; and
behind a real Toxiproxy a target that shows nothing of itself."""
