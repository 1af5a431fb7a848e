"""One attempt in virtual time, on a connection of its own: bytes to the service and back.

Both directions are links of the toxics (`harness.faults`) that the proxies drive, so that what a
fault does to attempts under way, to new ones, and on being lifted, is not told a second time here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct, field

from harness.contract.routes import Call
from harness.contract.service import Sent
from harness.faults import End, Link, Placed, join
from harness.frozen import Frozen

if TYPE_CHECKING:
    from harness.contract.way import Clock, Way

_SYN_AGAIN_S = (1.0, 3.0, 7.0, 15.0, 31.0, 63.0)
"""When Linux sends an unanswered SYN again, in seconds after the first."""
_BYTE = b"x"
"""Every byte that is sent: one that arrives as another was spoilt on the way."""


class Delivered(Frozen, kw_only=True):
    """How an attempt ended on its way."""

    whole: bool
    """Whether all of an answer arrived."""
    sent: Sent | None = None
    """What the service had sent."""
    ending: str = "hang-up"
    """How it failed, as `policy.counting` names it, where no answer arrived whole."""


class Attempt(Struct, eq=False):
    """One attempt on a connection of its own, from its connect to its answer, end or deadline."""

    way: Way
    call: Call
    user: str | None
    usual_s: float
    """How long a healthy answer takes."""
    timeout_s: float
    """Its deadline: somebody calls `abandon` then."""
    on_work: Callable[[], None]
    """The service did its work."""
    on_end: Callable[[Delivered], None]
    """Called once, unless it is abandoned before."""
    up: Link | None = None
    down: Link | None = None
    ended: bool = False
    """Whether the client is done with it."""
    sent: Sent | None = None
    _asked: int = 0
    _got: int = 0
    _total: int = 1
    _spoilt: bool = False
    _client_left: bool = False
    _service_left: bool = False
    _to_up: list[bytes] = field(default_factory=list)
    _to_down: list[bytes] = field(default_factory=list)
    _left: list[tuple[float, int]] = field(default_factory=list)
    _wake_s: float = math.inf
    _pumping: bool = False

    @property
    def _clock(self) -> Clock:
        return self.way.clock

    # -- the client's side ---------------------------------------------------------------------

    def begin(self) -> None:
        """Connect; what becomes of it is told by `on_end`."""
        self._connect(self._clock.now_s, 0)

    def abandon(self) -> None:
        """The client waits no longer: its connection is closed, and nothing is told of it."""
        if not self.ended:
            self.ended = True
            self._leave()

    def _connect(self, begun_s: float, tries: int) -> None:
        if self.ended:
            return
        way = self.way
        if way.refused_by:
            self._soon(lambda: self._end(whole=False, ending="refused"))
        elif way.unanswered_by:
            if tries < len(_SYN_AGAIN_S):
                again_s = begun_s + _SYN_AGAIN_S[tries]
                self._clock.at(again_s, lambda: self._connect(begun_s, tries + 1))
        elif way.cut_off_by or way.dead:
            self._soon(lambda: self._end(whole=False))
        else:
            self._established()

    def _established(self) -> None:
        now_s, way = self._clock.now_s, self.way
        if way.plain and way.steady(self.timeout_s):
            self._answered_directly()
            return
        way.open[self] = None
        self.up = Link(way.chains["upstream"], rng=way.rng, at_s=now_s)
        self.down = Link(way.chains["downstream"], rng=way.rng, at_s=now_s)
        join(self.up, self.down)
        head, body = way.request_bytes
        self._to_up.append(_BYTE * head)
        if not self.call.route.startswith("GET "):
            self._to_up.append(_BYTE * body)
        self._asked = sum(map(len, self._to_up))
        self._pump()

    def _answered_directly(self) -> None:
        """Nothing is on the way to the service, nor will be: the same as below, without bytes."""
        sent = self.sent = self.way.service.answer(self.call, self.user, self.usual_s)
        if sent.served.own:
            self.on_work()
        if sent.lasts_s < self.timeout_s:
            self._clock.at(self._clock.now_s + sent.lasts_s, lambda: self._end(whole=sent.whole))

    def _soon(self, act: Callable[[], None]) -> None:
        self._clock.at(self._clock.now_s + self.usual_s, act)

    def _end(self, *, whole: bool, ending: str | None = None) -> None:
        if not self.ended:
            self.ended = True
            self._leave()
            ending = ending or ("broken" if self._got else "hang-up")
            self.on_end(Delivered(whole=whole, sent=self.sent, ending=ending))

    def _leave(self) -> None:
        if self.up is not None and not self._client_left:
            self._client_left = True
            self._pump()

    # -- what happens to the proxy and the service ---------------------------------------------

    def toxic_added(self, stream: str, placed: Placed) -> None:
        """A toxic was added to the proxy."""
        self._link(stream).add(self._clock.now_s, placed)
        self._pump()

    def toxic_removed(self, stream: str, name: str) -> None:
        """A toxic was removed from the proxy."""
        self._link(stream).remove(self._clock.now_s, name)
        self._pump()

    def dropped(self) -> None:
        """The proxy closed the connection at both ends; what was held is lost."""
        self._forget()
        self._soon(lambda: self._end(whole=False))

    def service_died(self) -> None:
        """The service's process is gone, and with it its end of the connection."""
        self._left.clear()
        self._service_left = True
        self._pump()

    def released(self) -> None:
        """What kept the service silent is lifted: it closes the connection."""
        if self.way.paused:
            self.way.held.append(self.released)
        else:
            self.service_died()

    def _link(self, stream: str) -> Link:
        link = self.up if stream == "upstream" else self.down
        assert link is not None
        return link

    def _forget(self) -> None:
        self.way.open.pop(self, None)
        self.up = self.down = None
        self._left.clear()

    # -- the links -----------------------------------------------------------------------------

    def _pump(self) -> None:
        """Let both links do what is due, until nothing moves."""
        if self._pumping:
            return
        self._pumping = True
        now_s = self._clock.now_s
        moved = True
        while moved and self.up is not None and self.down is not None:
            moved = _pour(self.up, self._to_up, ended=self._client_left, at_s=now_s)
            moved |= _pour(self.down, self._to_down, ended=self._service_left, at_s=now_s)
            for action in self.up.advance(now_s):
                moved = True
                self._at_service(action)
            for action in self.down.advance(now_s) if self.down is not None else ():
                moved = True
                self._at_client(action)
        self._pumping = False
        self._plan()

    def _plan(self) -> None:
        if self.up is None or self.down is None:
            return
        if self.up.ended and self.down.ended:
            self._forget()
            return
        wake_s = min(self.up.next_wake_s, self.down.next_wake_s)
        if wake_s != self._wake_s:
            self._wake_s = wake_s
            if wake_s != math.inf:
                self._clock.at(wake_s, lambda: self._on_time(wake_s))

    def _on_time(self, wake_s: float) -> None:
        if wake_s == self._wake_s:
            self._wake_s = math.inf
            self._pump()

    def _at_client(self, action: bytes | End) -> None:
        if isinstance(action, bytes):
            self._got += len(action)
            self._spoilt = self._spoilt or bool(action.strip(_BYTE))
            if self._got >= self._total:
                self._end(whole=not self._spoilt)
        else:
            self._client_left = True
            self._end(whole=False)

    def _at_service(self, action: bytes | End) -> None:
        if self._service_left:
            return
        if isinstance(action, End):
            self._service_left = True
            self._left.clear()
        elif self.way.paused:
            self.way.held.append(lambda: self._received(action))
        else:
            self._received(action)

    # -- the service ---------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        self._asked -= len(data)
        if self._asked <= 0:
            self._called()

    def _called(self) -> None:
        self.sent = self.way.service.answer(self.call, self.user, self.usual_s)
        if self.sent.served.own:
            self.on_work()
        if self.sent.held_by is None:
            now_s = self._clock.now_s
            self._left = [(now_s + after_s, count) for after_s, count in self.sent.steps()]
            self._total = self.sent.total_bytes
            self._next()

    def _next(self) -> None:
        if self._left:
            self._clock.at(self._left[0][0], self._deliver)

    def _deliver(self) -> None:
        if self.way.paused:
            self.way.held.append(self._deliver)
            return
        if not self._left or self._service_left:
            return
        _, count = self._left.pop(0)
        if count:
            self._to_down.append(_BYTE * count)
        if not self._left:
            self._service_left = True  # it closes after its answer, as it was asked to
        self._pump()
        self._next()


def _pour(link: Link, waiting: list[bytes], *, ended: bool, at_s: float) -> bool:
    moved = False
    while waiting and (link.wants_data or link.ended):
        link.feed(at_s, waiting.pop(0))
        moved = True
    if ended and not waiting:
        link.eof(at_s)
    return moved
