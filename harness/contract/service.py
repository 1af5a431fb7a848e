"""An upstream's service in virtual time: what it answers to each call, and when which bytes leave.

It has the sizes of the answers that the contract says, since a fault may count or slow down bytes.
What a fault in the service changes is the fault's own `serve`.
"""

from __future__ import annotations

import json
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from http import HTTPStatus

from msgspec import Struct, field
from msgspec.structs import replace

from harness.contract.routes import Call
from harness.frozen import Frozen
from harness.routes import route_matches
from harness.scenario.faults import FaultBase
from harness.scenario.faults.served import Served


class Behaviour(Struct):
    """A fault in the service, and how many calls it has met."""

    fault: FaultBase
    part: str
    """Which part of an answer it concerns."""
    met: int = 0
    recent: deque[float] = field(default_factory=deque)
    """When its last calls came."""

    def hits(self, call: Call, rng: random.Random, now_s: float, draw: Callable[[], float]) -> bool:
        """Whether it hits a call, which it counts if it is of its route; `draw` says whether more
        calls than it bears are taken to be under way.
        """
        fault = self.fault
        path = call.route.partition(" ")[2]
        if fault.on is not None and not route_matches(fault.on, call.route, path):
            return False
        self.met += 1
        if fault.above is not None:
            self.recent.append(now_s)
            while self.recent[0] <= now_s - fault.above.over_s:
                self.recent.popleft()
            if len(self.recent) <= fault.above.count:
                return False
        if fault.more_than is not None and draw() < 0.5:
            return False
        counted = fault.counted
        if counted is not None and self.met not in counted:
            return False
        if fault.one_in is not None and (self.met - 1) % fault.one_in:
            return False
        return fault.share >= 1 or rng.random() < fault.share


class Sent(Frozen, kw_only=True):
    """What the service does with one call."""

    served: Served
    call: Call
    usual_s: float
    """How long a healthy answer takes."""
    empty: bool = False
    """It closes without a byte."""
    held_by: int | None = None
    """The fault that keeps it silent: it closes when that is lifted."""

    @property
    def whole(self) -> bool:
        """Whether all of an answer leaves."""
        return self.served.whole and not self.empty and self.held_by is None

    @property
    def lasts_s(self) -> float:
        """Seconds after the call came in until its last byte has left; then the service closes."""
        if self.held_by is not None:
            return math.inf
        start_s = self.usual_s + self.served.late_s
        dripping = self.served.drips != "nothing" and not self.empty
        return self.steps()[-1][0] if dripping else start_s

    @property
    def total_bytes(self) -> int:
        """How many bytes an answer has that arrived whole."""
        return 1 if self.empty else sum(_sizes(self.served, self.call))

    def steps(self) -> list[tuple[float, int]]:
        """Seconds after the call came in, and how many bytes leave then."""
        start_s = self.usual_s + self.served.late_s
        return [(start_s, 0)] if self.empty else list(_steps(self.served, self.call, start_s))


class Service:
    """The faults that are played inside one upstream's service, in the order they came."""

    def __init__(
        self,
        rng: random.Random,
        draw: Callable[[], float] | None = None,
        now: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`draw`: gives the share of calls by which delays are drawn; by chance if None. `now`: the
        present instant. How many calls are under way isn't played, but drawn (`Prediction.untold`).
        """
        self._rng = rng
        self._now = now
        self._draw = draw or rng.random
        self._behaviours: dict[int, Behaviour] = {}

    def begin(self, index: int, fault: FaultBase) -> None:
        """Fault number `index` is in force."""
        self._behaviours[index] = Behaviour(fault, _part(fault))

    def end(self, index: int) -> None:
        """Fault number `index` is lifted."""
        self._behaviours.pop(index, None)

    def restarted(self) -> None:
        """A new process is told its faults again, and counts their calls anew."""
        for behaviour in self._behaviours.values():
            behaviour.met = 0
            behaviour.recent.clear()

    def answer(self, call: Call, user: str | None, usual_s: float) -> Sent:
        """What becomes of a call; `usual_s` is how long a healthy answer takes.

        As in the stubs: a loss wins over all, else the first answer, the first that spoils the
        delivery, and all that add something act together.
        """
        served = self._usual(call, user)
        first: dict[str, int] = {}
        for index, behaviour in self._behaviours.items():
            if behaviour.hits(call, self._rng, self._now(), self._draw):
                part = behaviour.part
                if part == "addition":
                    served = behaviour.fault.drawn(self._draw).serve(served)
                first.setdefault(part, index)
        if "loss" in first:
            unasked = replace(served, own=False)
            return self._lost(first["loss"], Sent(served=unasked, call=call, usual_s=usual_s))
        if "answer" in first:
            served = self._behaviours[first["answer"]].fault.serve(served)
        if "delivery" in first:
            suffers = self._behaviours[first["delivery"]].fault
            if suffers.KIND.where != "stub":
                sent = Sent(served=served, call=call, usual_s=usual_s)
                return self._lost(first["delivery"], sent)
            served = suffers.serve(served)
        return Sent(served=served, call=call, usual_s=usual_s)

    def _lost(self, index: int, sent: Sent) -> Sent:
        """A network fault that picks calls: the service plays it, as far as it can."""
        closed = self._behaviours[index].fault.KIND.new == "at once"
        return replace(sent, empty=True) if closed else replace(sent, held_by=index)

    def _usual(self, call: Call, user: str | None) -> Served:
        """What it answers of itself, to a user whose token may be revoked."""
        revoked = any(
            user is not None and each.fault.revoked == user for each in self._behaviours.values()
        )
        if revoked and call.denies is not None:
            return Served(own=False, status=call.denies.status, json=call.denies.json_)
        return _USUAL


_USUAL = Served()


def _part(fault: FaultBase) -> str:
    """Which part of an answer a fault concerns: on one call the first of each part acts."""
    if fault.KIND.where != "stub":
        return "loss" if fault.KIND.silent else "delivery"
    changed = fault.serve(_USUAL)
    if not changed.own:
        return "answer"
    if changed.whole and changed.readable and changed.drips == "nothing":
        return "addition"
    return "delivery"


def _sizes(served: Served, call: Call) -> tuple[int, int]:
    """Bytes of head and body as they leave the stub, `Connection: close` included."""
    body = call.says if served.own else served.json
    bodily = served.status not in (204, 304)
    length = len(json.dumps(body)) if bodily and body is not None else 0
    lines = [f"HTTP/1.1 {served.status} {_phrase(served.status)}", "Connection: close"]
    lines += [f"{name}: {text}" for name, text in served.headers]
    if length:
        lines.append("Content-Type: application/json")
    if served.drips == "chunked":
        lines.append("Transfer-Encoding: chunked")
        length = 6 * length + 5
    elif bodily:
        lines.append(f"Content-Length: {length}")
    return sum(len(line) + 2 for line in lines) + 2, length


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _steps(served: Served, call: Call, at_s: float) -> Iterator[tuple[float, int]]:
    """When which of its bytes leave."""
    head, body = _sizes(served, call)
    if served.drips == "nothing":
        kept = body if served.kept_bytes is None else min(body, served.kept_bytes)
        if served.kept_share is not None:
            kept = int(served.kept_share * body)
        yield at_s, head + kept
        return
    if served.drips == "headers":
        dripped, piece, first = head, 1, 0
    else:
        dripped, piece, first = body, 6 if served.drips == "chunked" else 1, head
    if first:
        yield at_s, first
    count = -(-dripped // piece)
    for k in range(1, count + 1):
        yield at_s + k * served.every_s, min(piece, dripped - (k - 1) * piece)
    if served.drips == "headers" and body:
        yield at_s + (count + 1) * served.every_s, body
