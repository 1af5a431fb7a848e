"""Behaviours: which calls an action hits, from when to when, how many, what share of them.

As JSON: `{"route": "POST /deduct" or null, "from_call": 1, "to_call": null, "share": 1.0,
"seed": 0, "for_s": null, "action": ...}` with the action's parameters beside its name, or
`"sequence": [{"action": ...}, null, ...]` (the k-th call gets the k-th; with `"repeat": true` from
the start again, else nothing after the last). With `"above_calls": 10, "above_s": 1` only calls
beyond ten within a second are hit, with `"more_than": 10` those beyond ten under way at the
service. Calls are counted from 1, for each behaviour, from the moment it was put, over the calls
that match its route; a share is drawn for each of those.
"""

from __future__ import annotations

import math
import random
from collections import deque
from typing import Any

from stub_services.actions import Action, parse_action
from stub_services.bounds import (
    MOST_BEHAVIOURS,
    MOST_CALLS,
    MOST_SECONDS,
    BadRequest,
    at_most,
    text_of,
)
from stub_services.messages import Request
from stub_services.routes import Pattern

_KEYS = {
    "from_call": MOST_CALLS,
    "to_call": MOST_CALLS,
    "share": 1.0,
    "seed": 2**64,
    "for_s": MOST_SECONDS,
    "above_calls": MOST_CALLS,
    "above_s": MOST_SECONDS,
    "more_than": MOST_CALLS,
}
"""The numbers of a behaviour, and how large each may be."""


class Behaviour:
    """One behaviour and its count of calls.

    Raises: BadRequest for JSON that isn't one.
    """

    def __init__(self, behaviour_id: str, value: Any, *, at_s: float) -> None:
        if not isinstance(value, dict):
            raise BadRequest("a behaviour is an object")
        self.id = behaviour_id
        route = value.get("route")
        self._pattern = None if route is None else Pattern.parse(str(route))
        numbers = {name: value.get(name) for name in _KEYS}
        for name, number in numbers.items():
            if isinstance(number, bool) or not isinstance(number, int | float | None):
                raise BadRequest(f"'{name}' is not a number")
            if number is not None and not 0 <= number <= _KEYS[name]:
                raise BadRequest(f"'{name}' is no number from 0 to {_KEYS[name]:g}")
        self._from_call = numbers["from_call"] or 1
        self._to_call = math.inf if numbers["to_call"] is None else numbers["to_call"]
        self._share = 1.0 if numbers["share"] is None else float(numbers["share"])
        for_s = numbers["for_s"]
        self.until_s = math.inf if for_s is None else at_s + float(for_s)
        self._random = random.Random(f"{numbers['seed'] or 0}:{behaviour_id}")
        self._repeat = bool(value.get("repeat"))
        self._sequence = "sequence" in value
        self._actions = _actions(value)
        self._calls = 0
        above_s = numbers["above_s"]
        self._above_s = 1.0 if above_s is None else float(above_s)
        self._above_calls = numbers["above_calls"]
        self._more_than = numbers["more_than"]
        self._recent: deque[float] = deque()

    def meet(self, request: Request, at_s: float, at_once: int = 1) -> Action | None:
        """What it does to a call, which is counted; `at_once`: calls under way, with this one."""
        if at_s >= self.until_s or not self._covers(request):
            return None
        self._calls += 1
        if not self._loaded(at_s, at_once):
            return None
        drawn = self._share >= 1 or self._random.random() < self._share
        if not drawn or not self._from_call <= self._calls <= self._to_call:
            return None
        action = self._turn(int(self._calls - self._from_call))
        return None if action is None else action.drawn(self._random.random)

    def _loaded(self, at_s: float, at_once: int) -> bool:
        """Whether a call is beyond the load that is borne, where one is said."""
        if self._above_calls is not None:
            self._recent.append(at_s)
            while self._recent[0] <= at_s - self._above_s:
                self._recent.popleft()
            if len(self._recent) <= self._above_calls:
                return False
        return self._more_than is None or at_once > self._more_than

    def revokes(self, user_id: str, at_s: float) -> bool:
        """Whether it makes a user's token invalid now."""
        action = self._actions[0]
        revoked = action is not None and action.kind == "revoke" and action.user == user_id
        return revoked and at_s < self.until_s

    def _covers(self, request: Request) -> bool:
        if self._pattern is None:
            return True
        return self._pattern.match(request.method, request.segments, below=True)

    def _turn(self, index: int) -> Action | None:
        if not self._sequence:
            return self._actions[0]
        if self._repeat:
            index %= len(self._actions)
        return self._actions[index] if index < len(self._actions) else None


def _actions(value: dict[str, Any]) -> tuple[Action | None, ...]:
    if "sequence" not in value:
        return (parse_action(value),)
    sequence = value["sequence"]
    if not isinstance(sequence, list) or not sequence:
        raise BadRequest("'sequence' is a list of actions")
    at_most(MOST_BEHAVIOURS, "actions of a sequence", sequence)
    return tuple(parse_action(item) for item in sequence)


class Behaviours:
    """The behaviours of one service, in the order in which they were put."""

    def __init__(self) -> None:
        self._by_id: dict[str, Behaviour] = {}

    def __contains__(self, behaviour_id: str) -> bool:
        return behaviour_id in self._by_id

    @property
    def ids(self) -> tuple[str, ...]:
        """All that are in force, or were put and have run out."""
        return tuple(self._by_id)

    def put(self, behaviour_id: str, value: Any, at_s: float) -> None:
        """Begin one; one of the same id ends, and counting begins anew.

        Raises: BadRequest.
        """
        behaviour = Behaviour(text_of(behaviour_id, "id"), value, at_s=at_s)
        at_most(MOST_BEHAVIOURS, "behaviours", self._by_id.keys() | {behaviour_id})
        self._by_id.pop(behaviour_id, None)
        self._by_id[behaviour_id] = behaviour

    def remove(self, behaviour_id: str) -> None:
        """End one, if it is there."""
        self._by_id.pop(behaviour_id, None)

    def meet(
        self, request: Request, at_s: float, at_once: int = 1
    ) -> list[tuple[Behaviour, Action]]:
        """All that happens to a call; each behaviour counts it. `at_once` as in `Behaviour`."""
        met = ((each, each.meet(request, at_s, at_once)) for each in self._by_id.values())
        return [(each, action) for each, action in met if action is not None]

    def revoked(self, user_id: str, at_s: float) -> bool:
        """Whether one makes a user's token invalid now."""
        return any(each.revokes(user_id, at_s) for each in self._by_id.values())
