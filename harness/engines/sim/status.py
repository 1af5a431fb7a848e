"""Asks the target for the states of its breakers when one may have moved, and now and then.

Each question is work for the target, so an hour without trouble must not be full of them. Healthy
answers move no breaker as long as all states are what they were at first, but where the plan says
to look closely, as some of them count for a breaker.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.engines.status import state_in

from .apps import Answer
from .facts import Facts
from .plan import Plan, RequestPlan, StatusPlan
from .scheduler import KERNEL

_LOOK_EVERY_S = 0.25
_ASK_AT_LEAST_EVERY_S = 5.0


class StatusWatch:
    """Looks at the facts on virtual time from `look` to `stop`, and asks where they call for it."""

    def __init__(
        self,
        plan: Plan,
        status: StatusPlan,
        facts: Facts,
        give: Callable[[RequestPlan, Callable[[Answer], None]], None],
    ) -> None:
        self._names = [upstream["name"] for upstream in plan["upstreams"]]
        self._path = status["state"]
        self._request = status["request"]
        self._closely = status["closely"]
        self._facts = facts
        self._give = give
        self._body: bytes | None = None
        self._states: list[str | None] = []
        self._first_states: list[str | None] | None = None
        self._asked_s = 0.0
        self._seen = (-1, -1)
        self._stopped = False
        self._looked: tuple[int | None, list[str]] | None = None

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True

    def look(self) -> None:
        """Ask if something has happened that may move a breaker; look again in a moment."""
        seen = (self._facts.crossings, self._facts.unrest)
        moved = self._first_states is not None and self._states != self._first_states
        any_may = self._closely or moved
        happened = seen[1] != self._seen[1] or (any_may and seen != self._seen)
        if happened or KERNEL.now_s - self._asked_s >= _ASK_AT_LEAST_EVERY_S:
            self._seen = seen
            self._give(self._request, self._note)
        if not self._stopped:
            KERNEL.call_later(_LOOK_EVERY_S, self.look)

    def _note(self, answer: Answer) -> None:
        status, _, body, _ = answer
        fresh = status == 200 and body != self._body
        if fresh:
            self._body = body
            self._states = [state_in(body, self._path, name) for name in self._names]
            if self._first_states is None:
                self._first_states = self._states
        self._look_at(status)
        if fresh:
            since_s = self._asked_s or KERNEL.now_s
            self._facts.add("status", since=since_s, body=body.decode("latin-1"))
        self._asked_s = KERNEL.now_s

    def _look_at(self, status: int | None) -> None:
        """Write down what a look came to, where that is news."""
        shown = zip(self._names, self._states, strict=True) if status == 200 else ()
        looked = (status, [name for name, state in shown if state is None])
        if looked != self._looked:
            self._looked = looked
            self._facts.add("looked", what="status", status=status, missing=looked[1])
