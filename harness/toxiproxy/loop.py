"""An event loop with exact timers, and a short way from a ready socket to whoever relays its bytes.

asyncio's stock loop rounds time-outs up to whole milliseconds, because epoll takes those, and
its select loop stops at 1024 descriptors. An epoll descriptor can itself be selected on, and
select() takes microseconds: so short waits go through select() on that one descriptor.

Between a ready descriptor and its callback asyncio has a key, a handle, a queue and a context; for
a relay they cost half as much as its own work. So the selector here calls relays by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import select
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from harness.toxiproxy.sluice import Sluice, sluice

_COARSE_S = 0.003
"""Longer waits are cut by this and left to epoll; the rest is then waited for exactly."""
_MOST_EVENTS = 256
"""How many ready descriptors are served before timers have their turn."""
_PR_SET_TIMERSLACK = 29


class Readiness(Protocol):
    """Calls back as long as a descriptor is ready. Every asyncio loop is one, if not the fastest.

    A callback may add and remove at will; it must remove a descriptor before it closes it.
    """

    def add_reader(self, fd: int, callback: Callable[[], object], /) -> object:
        """Calls back while there are bytes, an end or an error to read."""

    def remove_reader(self, fd: int, /) -> object:
        """Stops that; does nothing where there is nothing to stop."""

    def add_writer(self, fd: int, callback: Callable[[], object], /) -> object:
        """Calls back while there is room to write, or an error to meet."""

    def remove_writer(self, fd: int, /) -> object:
        """Stops that; does nothing where there is nothing to stop."""


def sluice_of(loop: asyncio.AbstractEventLoop) -> Sluice | None:
    """What moves bytes between its sockets without a look at them, where there is such a thing."""
    return loop.sluice if isinstance(loop, RelayLoop) else None


def readiness(loop: asyncio.AbstractEventLoop) -> Readiness:
    """The fastest that there is on this loop."""
    return loop.relays if isinstance(loop, RelayLoop) else loop


class RelaySelector(selectors.BaseSelector):
    """An epoll with asyncio's own descriptors and those of relays, which it calls back itself.

    asyncio's are in an epoll of their own, nested in this one. Time-outs are exact; like every
    selector's, they may also end early. `failed` gets what asyncio's exception handlers take.
    """

    def __init__(self, failed: Callable[[dict[str, Any]], None]) -> None:
        self._failed = failed
        self._plain = selectors.EpollSelector()
        self._epoll = select.epoll()
        self._epoll.register(self._plain.fileno(), select.EPOLLIN)
        self._readers: dict[int, Callable[[], object]] = {}
        self._writers: dict[int, Callable[[], object]] = {}

    # For relays: `Readiness`

    def add_reader(self, fd: int, callback: Callable[[], object], /) -> None:
        """Calls back while there are bytes, an end or an error to read."""
        known = fd in self._readers or fd in self._writers
        self._readers[fd] = callback
        self._tell(fd, known)

    def remove_reader(self, fd: int, /) -> None:
        """Stops that."""
        if self._readers.pop(fd, None) is not None:
            self._tell(fd, True)

    def add_writer(self, fd: int, callback: Callable[[], object], /) -> None:
        """Calls back while there is room to write, or an error to meet."""
        known = fd in self._readers or fd in self._writers
        self._writers[fd] = callback
        self._tell(fd, known)

    def remove_writer(self, fd: int, /) -> None:
        """Stops that."""
        if self._writers.pop(fd, None) is not None:
            self._tell(fd, True)

    def _tell(self, fd: int, known: bool) -> None:
        """Makes epoll wait for what there are callbacks for."""
        events = (select.EPOLLIN if fd in self._readers else 0) | (
            select.EPOLLOUT if fd in self._writers else 0
        )
        if not events:
            self._epoll.unregister(fd)
        elif known:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)

    # For asyncio: `selectors.BaseSelector`

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector's."""
        return self._plain.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As every selector's."""
        return self._plain.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector's."""
        return self._plain.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """As every selector's; relays' descriptors are not in it."""
        return self._plain.get_map()

    def close(self) -> None:
        """As every selector's."""
        self._epoll.close()
        self._plain.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Serves relays within `timeout` seconds; returns what is ready for asyncio."""
        plain = False
        readers, writers = self._readers, self._writers
        for fd, event in self._poll(timeout):
            # Looked up one by one, because a callback may end the connection of another event.
            if event & ~select.EPOLLOUT and (callback := readers.get(fd)) is not None:
                self._call(callback)
            if event & ~select.EPOLLIN and (callback := writers.get(fd)) is not None:
                self._call(callback)
            if fd == self._plain.fileno():
                plain = True
        return self._plain.select(0) if plain else []

    def _poll(self, timeout: float | None) -> list[tuple[int, int]]:
        if timeout is None:
            return self._epoll.poll(-1, _MOST_EVENTS)
        if timeout > _COARSE_S:
            return self._epoll.poll(timeout - _COARSE_S, _MOST_EVENTS)
        if timeout > 0:
            # A loop made when more than a thousand files were open already keeps the rounding.
            if self._epoll.fileno() >= 1000:
                return self._epoll.poll(timeout, _MOST_EVENTS)
            select.select([self._epoll.fileno()], [], [], timeout)
        return self._epoll.poll(0, _MOST_EVENTS)

    def _call(self, callback: Callable[[], object]) -> None:
        try:
            callback()
        except Exception as error:
            self._failed({"message": f"Exception in {callback!r}", "exception": error})


class RelayLoop(asyncio.SelectorEventLoop):
    """asyncio's loop on a `RelaySelector`."""

    def __init__(self) -> None:
        self.relays = RelaySelector(self.call_exception_handler)
        self.sluice = sluice()
        super().__init__(self.relays)

    def close(self) -> None:
        """As every loop's."""
        if self.sluice is not None and not self.is_closed():
            self.sluice.close()
        super().close()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new loop with exact timers where the system has epoll, else asyncio's own."""
    return RelayLoop() if hasattr(select, "epoll") else asyncio.new_event_loop()


def run(main: Coroutine[Any, Any, int]) -> int:
    """Runs `main` in this thread on an exact loop; returns its result."""
    _tighten_timer_slack()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)


def _tighten_timer_slack() -> None:
    """Linux may otherwise delay this thread's wake-ups by 50 µs to batch them."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
