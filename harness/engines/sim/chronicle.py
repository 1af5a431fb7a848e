"""From the child's facts to the history's events, on the outage's clock, without secrets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from harness.engines.base import Job
from harness.engines.marks import LogReader
from harness.engines.processes import LAST_LINES
from harness.engines.records import event_of_record
from harness.engines.redact import Redactor
from harness.engines.requests import kept_body, trace_of
from harness.engines.status import state_in
from harness.history.events import (
    Answered,
    Applied,
    Crossed,
    Ended,
    Event,
    HungUp,
    Lifted,
    Logged,
    Looked,
    Phase,
    Reported,
    Sent,
    Trouble,
)
from harness.history.headers import Pairs

from .plans import INTERNAL_TOKEN
from .scheduler import BOOT_S

ESCAPED = "escaped the simulation: "
"""How a `Trouble` begins that is an escape: file and line follow."""
_DIFFERENT = 1024


def _shared(value: Any) -> Any:
    """The one object for a text that comes again and again."""
    return sys.intern(value) if type(value) is str else value


class Translator:
    """Makes events of one play's facts."""

    def __init__(self, job: Job, document: dict[str, Any]) -> None:
        self.job = job
        self._facts: Iterator[dict[str, Any]] = document["facts"]
        self.document = document
        # A play that never got to 0s has all its facts before it.
        self._zero_s = document["zero"] or document["last"]
        self._redactor = Redactor.of_job(job, INTERNAL_TOKEN)
        self._reader = LogReader(job.target, self._redactor)
        # Answers say the same again and again: it is cleaned once, and kept once.
        self._headers = lru_cache(_DIFFERENT)(self._cached_headers)
        self._body = lru_cache(_DIFFERENT)(self._cached_body)
        self._states: dict[str, tuple[str, float]] = {}
        self._output: list[str] = []
        """As it was printed, with whatever secrets."""
        self.unstarted: str | None = None
        """Why the target could not be started; known when all events have been made."""
        self.begin_s = BOOT_S - self._zero_s
        self.end_s = document["last"] - self._zero_s

    def events(self) -> Iterator[Event]:
        """All events but the first, in the order in which they happened; once."""
        for fact in self._facts:
            yield from self._events(fact)
        for remark in self.document["remarks"]:
            yield self._said(f"{remark}", self.end_s)
        if self.unstarted is not None and self.document["escapes"]:
            # It may be ours that it could not.
            yield Trouble(at_s=self.end_s, by="engine", what=f"the target {self.unstarted}")
            self.unstarted = None
        for escape in self.document["escapes"]:
            yield Trouble(at_s=self.end_s, by="engine", what=ESCAPED + escape)

    @property
    def said(self) -> str:
        """What the target printed by then, its own traceback last."""
        return "\n".join(map(self._redactor.text, self._output))

    def _events(self, fact: dict[str, Any]) -> Iterator[Event]:
        at_s = fact["at"] - self._zero_s
        match fact["kind"]:
            case "phase":
                if fact["phase"] != "ready":
                    yield Phase(at_s=at_s, by="engine", phase=fact["phase"])
            case "sent":
                yield self._sent(fact, at_s)
            case "answered":
                yield self._answered(fact, at_s)
            case "hung_up":
                yield HungUp(at_s=at_s, by="client", id=fact["id"])
            case "crossed":
                names = ("upstream", "connection", "what", "method", "path", "status", "closed_by")
                fields = {name: _shared(fact[name]) for name in names if name in fact}
                yield Crossed(at_s=at_s, by="proxy", **fields)
            case "stub":
                event = event_of_record(fact | {"kind": fact["record"]}, at_s)
                if event is not None:
                    yield event
            case "applied" | "lifted":
                yield self._fault(fact, at_s)
            case "looked":
                yield self._looked(fact, at_s)
            case "status":
                yield from self._reported(fact, at_s)
            case "logged":
                self._output.append(fact["line"])
                yield from self._reader.events(fact["line"], at_s)
            case "waiting":
                yield self._said(
                    f"{fact['task']} waits for {fact['what']} at {fact['where']}", at_s
                )
            case "unstarted":
                self.unstarted = self._redactor.text(fact["why"])
                self._output += fact["said"].splitlines()
            case "ended":
                said = tuple(map(self._redactor.text, self._output[-LAST_LINES:]))
                yield Ended(at_s=at_s, by="engine", status=fact["status"], said=said)
            case "traceback":
                for line in fact["text"].splitlines():
                    yield self._said(self._redactor.text(line), at_s)
            case "trouble":
                yield Trouble(at_s=at_s, by="engine", what=fact["what"])

    def _said(self, line: str, at_s: float) -> Logged:
        return Logged(at_s=at_s, by="engine", source="simulation", line=line)

    def _sent(self, fact: dict[str, Any], at_s: float) -> Sent:
        return Sent(
            at_s=at_s,
            by="client",
            id=fact["id"],
            stream=_shared(fact["stream"]),
            number=fact["number"],
            planned_s=fact["planned"] - self._zero_s,
            method=_shared(fact["method"]),
            path=_shared(fact["path"]),
            user=_shared(fact["user"]),
            client=_shared(fact["client"]),
            trace=trace_of(self.job, fact["stream"], fact["number"], fact["client"], fact["tried"]),
            tried=fact["tried"],
        )

    def _answered(self, fact: dict[str, Any], at_s: float) -> Answered:
        return Answered(
            at_s=at_s,
            by="client",
            id=fact["id"],
            status=fact["status"],
            error=fact["error"],
            headers=self._headers(tuple((name, value) for name, value in fact["headers"])),
            body=self._body(fact["body"]),
        )

    def _cached_headers(self, headers: Pairs) -> Pairs:
        return self._redactor.headers(headers)

    def _cached_body(self, body: str) -> Any:
        return kept_body(body.encode("latin-1"), self._redactor)

    def _fault(self, fact: dict[str, Any], at_s: float) -> Event:
        fault = self.job.scenario.faults[fact["fault"]]
        cls = Applied if fact["kind"] == "applied" else Lifted
        return cls(
            at_s=at_s,
            by="engine",
            fault=fact["fault"],
            name=fault.fault,
            upstreams=fault.upstreams,
            planned_s=fact["planned"],
        )

    def _looked(self, fact: dict[str, Any], at_s: float) -> Looked:
        target, what = self.job.target, fact["what"]
        asked = target.ready if target.status is None or what == "ready" else target.status.request
        return Looked(
            at_s=at_s,
            by="target",
            what=what,
            request=asked,
            status=fact["status"],
            missing=tuple(fact["missing"]),
        )

    def _reported(self, fact: dict[str, Any], at_s: float) -> Iterator[Reported]:
        spec = self.job.target.status
        assert spec is not None
        since_s = fact["since"] - self._zero_s
        body = fact["body"].encode("latin-1")
        for name in self.job.target.upstream_names:
            state = state_in(body, spec.state, name)
            if state is None:
                continue
            before = self._states.get(name)
            once = self.job.looks_s is not None
            if once or before is None or before[0] != state:
                yield Reported(
                    at_s=at_s, by="target", upstream=name, state=state, since_s=since_s, once=once
                )
            self._states[name] = (state, at_s)
