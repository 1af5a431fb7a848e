"""Asks the target for the states of its breakers when one may have moved, and now and then.

Each question is work for the target, so an hour without trouble must not be full of them. Healthy
answers move no breaker as long as all states are what they were at first, but where the plan says
to look closely, as some of them count for a breaker. A plan may name the instants instead. Either
way it is asked before all and last of all, so that what it shows is known from end to end.
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
_LAST_WITHIN_S = 0.5
"""How long the last answer is waited for."""


class StatusWatch:
    """Asks from `begin` to `end`, on virtual time: where the facts call for it, or as planned."""

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
        self._looks_s = status["looks"]
        self._facts = facts
        self._give = give
        self._body: bytes | None = None
        self._states: list[str | None] = []
        self._first_states: list[str | None] | None = None
        self._asked_s = 0.0
        self._seen = (-1, -1)
        self._looked: tuple[int | None, list[str]] | None = None

    def begin(self, zero_s: float) -> None:
        """Ask for the first time, and plan what follows; `zero_s` is the plan's 0s."""
        if self._looks_s is None:
            self._look()
            return
        for at_s in (KERNEL.now_s, *(zero_s + look_s for look_s in self._looks_s)):
            KERNEL.call_at(at_s, self._ask)

    def end(self, done: Callable[[], object]) -> None:
        """Ask for the last time; `done` is called when it has answered, or gives no answer."""
        self._ask(done)
        KERNEL.call_later(_LAST_WITHIN_S, done)

    def _ask(self, then: Callable[[], object] = lambda: None) -> None:
        asked_s = KERNEL.now_s

        def answered(answer: Answer) -> None:
            self._note(answer, asked_s)
            then()

        self._give(self._request, answered)

    def _look(self) -> None:
        """Ask if something has happened that may move a breaker; look again in a moment."""
        seen = (self._facts.crossings, self._facts.unrest)
        moved = self._first_states is not None and self._states != self._first_states
        any_may = self._closely or moved
        happened = seen[1] != self._seen[1] or (any_may and seen != self._seen)
        if happened or KERNEL.now_s - self._asked_s >= _ASK_AT_LEAST_EVERY_S:
            self._seen = seen
            self._ask()
        KERNEL.call_later(_LOOK_EVERY_S, self._look)

    def _note(self, answer: Answer, asked_s: float) -> None:
        status, _, body, _ = answer
        seldom = self._looks_s is not None
        fresh = status == 200 and (seldom or body != self._body)
        if fresh:
            self._body = body
            self._states = [state_in(body, self._path, name) for name in self._names]
            if self._first_states is None:
                self._first_states = self._states
        self._look_at(status)
        if fresh:
            since_s = asked_s if seldom else self._asked_s or asked_s
            self._facts.add("status", since=since_s, body=body.decode("latin-1"))
        self._asked_s = asked_s

    def _look_at(self, status: int | None) -> None:
        """Write down what a look came to, where that is news."""
        shown = zip(self._names, self._states, strict=True) if status == 200 else ()
        looked = (status, [name for name, state in shown if state is None])
        if looked != self._looked:
            self._looked = looked
            self._facts.add("looked", what="status", status=status, missing=looked[1])
