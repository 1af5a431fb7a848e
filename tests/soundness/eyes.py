"""One history as poorer witnesses would have left it: what a judge of less evidence gets to see."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from harness.history.events import (
    Called,
    Charged,
    Crossed,
    Event,
    Logged,
    Looked,
    Replied,
    Reported,
    Run,
    Sent,
)
from harness.history.view import History
from harness.scenario.fault_checks import needs_a_stub
from harness.scenario.model import Scenario

_OF_PROXY = ("proxy requests", "proxy connections", "refused connects")
_OF_TARGET = ("status", "log", "output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """What of a simulated play somebody sees."""

    proxy: Collection[str] = _OF_PROXY
    """What the proxy tells of, as a run's `evidence` names it."""
    sealed: bool = False
    """Whether calls are encrypted, so that the proxy can't read them."""
    real: bool = False
    """Whether services of one's own stand in for stubs, which tell of nothing."""
    traces: bool = True
    """Whether the target passes on which request a call belongs to."""
    words: bool = True
    """Whether it has a status page and a log."""

    def fits(self, scenario: Scenario) -> bool:
        """Whether such a world can play it: real services play no faults of a stub's."""
        real = tuple(name for fault in scenario.faults for name in fault.upstreams)
        return not self.real or all(needs_a_stub(one, real) is None for one in scenario.faults)

    def seen(self, played: History) -> History:
        """The same play as this eye sees it."""
        return History([one for event in played.events for one in self._event(event)])

    def _event(self, event: Event) -> tuple[Event, ...]:
        if isinstance(event, Run):
            return (self._run(event),)
        if isinstance(event, Crossed):
            return self._crossed(event)
        if self.real and isinstance(event, Called | Replied | Charged):
            return ()
        if isinstance(event, Sent | Called) and not self.traces:
            return (replace(event, trace=""),)
        word = isinstance(event, Reported | Logged)
        word = word or (isinstance(event, Looked) and event.what == "status")
        return () if word and not self.words else (event,)

    def _run(self, run: Run) -> Run:
        hidden = {*_OF_PROXY, *(() if self.words else _OF_TARGET)} - set(self.proxy)
        evidence = tuple(what for what in run.evidence if what not in hidden)
        return replace(
            run,
            evidence=evidence,
            tls=run.upstreams if self.sealed else (),
            real=run.upstreams if self.real else (),
            marks=run.marks if self.words else (),
        )

    def _crossed(self, event: Crossed) -> tuple[Event, ...]:
        if event.what in ("refused", "unanswered") and "refused connects" not in self.proxy:
            return ()  # nobody has come
        if "proxy requests" in self.proxy:
            if self.sealed and event.what in ("request", "response"):
                status = None if event.status is None else 0
                return (replace(event, method=None, path=None, status=status),)
            return (event,)
        # A real Toxiproxy's log says that somebody has come, and gives no connection a number.
        told = "proxy connections" in self.proxy and event.what == "accepted"
        return (replace(event, connection=0),) if told else ()


EYES: Mapping[str, Eye] = {
    "whole": Eye(),
    "untraced": Eye(traces=False),
    "embedded": Eye(proxy=("proxy requests",)),
    "sealed": Eye(proxy=("proxy requests",), sealed=True),
    "real": Eye(proxy=("proxy requests",), real=True, traces=False),
    "toxiproxy": Eye(proxy=("proxy connections",)),
    "stub": Eye(proxy=()),
    "stranger": Eye(proxy=("proxy connections",), traces=False, words=False),
}
"""By name: all that a simulation tells; the same without traces; in real time behind the embedded
proxy, with TLS to the upstreams, and before real services; behind a real Toxiproxy; by stubs alone;
and behind a real Toxiproxy a target that shows nothing of itself."""


def eyes_for(scenario: Scenario) -> dict[str, Eye]:
    """Those whose worlds can play a scenario."""
    return {name: eye for name, eye in EYES.items() if eye.fits(scenario)}
