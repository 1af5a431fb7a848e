"""The simulated socket, in the shape of `_socket.socket`: the stdlib's `socket` stands on it.

Stream sockets only. A datagram socket can be made and connected (targets do that to learn their own
address), but what it sends goes nowhere and is reported as an escape.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from . import descriptors
from .escapes import ESCAPES
from .fabric import FABRIC, End
from .locks import next_hash
from .socket_state import AF_INET, AF_UNIX, Backlog, Pair, State

SOCK_STREAM = 1
_TYPE_MASK = 0xF
_NONBLOCK = 0o4000
MSG_PEEK = 2
MSG_DONTWAIT = 0x40


def _error(code: int) -> OSError:
    return OSError(code, os.strerror(code))


class Socket:
    """A TCP socket on the simulated network and the virtual clock."""

    __slots__ = ("_fd", "_hash", "_state")  # no __weakref__: the stdlib's subclass adds its own

    def __init__(
        self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
    ) -> None:
        if fileno is not None:
            shared = descriptors.take(fileno)
            if not isinstance(shared, State):
                raise _error(errno.EBADF)
            self._state: State = shared
            self._fd = fileno
        else:
            kind = SOCK_STREAM if type == -1 else type
            self._state = State(
                AF_INET if family == -1 else int(family), kind & _TYPE_MASK, max(proto, 0)
            )
            self._fd = descriptors.give(self._state)
            if kind & _NONBLOCK:
                self._state.timeout = 0.0
        self._hash = next_hash()

    def __hash__(self) -> int:
        return self._hash

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            Socket.close(self)

    # -- properties --------------------------------------------------------------------------

    @property
    def family(self) -> int:
        """Address family."""
        return self._state.family

    @property
    def type(self) -> int:
        """Kind of socket."""
        return self._state.kind

    @property
    def proto(self) -> int:
        """Protocol number."""
        return self._state.proto

    @property
    def timeout(self) -> float | None:
        """Seconds that a call may wait; None waits for ever."""
        return self._state.timeout

    def gettimeout(self) -> float | None:
        """Seconds that a call may wait."""
        return self._state.timeout

    def settimeout(self, timeout: float | None) -> None:
        """Set how long a call may wait; 0 doesn't wait.

        Raises: ValueError for a negative time.
        """
        if timeout is not None and timeout < 0:
            raise ValueError("Timeout value out of range")
        self._state.timeout = None if timeout is None else float(timeout)

    def setblocking(self, blocking: bool) -> None:
        """Wait for ever, or not at all."""
        self._state.timeout = None if blocking else 0.0

    def getblocking(self) -> bool:
        """Whether calls wait."""
        return self._state.timeout != 0.0

    def fileno(self) -> int:
        """A descriptor that no real call knows; -1 once closed."""
        return self._fd

    def detach(self) -> int:
        """Give up the descriptor without closing it."""
        fd, self._fd = self._fd, -1
        return fd

    def setsockopt(self, level: int, option: int, value: Any = 0, length: int = 0) -> None:
        """Remember an option; only SO_LINGER does something."""
        self._state.options[(level, option)] = value

    def getsockopt(self, level: int, option: int, length: int = 0) -> Any:
        """An option as it was set; SO_ERROR reads and clears the pending error."""
        return self._state.option(level, option, length)

    def getsockname(self) -> Any:
        """Its own address."""
        return self._state.name()

    def getpeername(self) -> Any:
        """The peer's address.

        Raises: OSError (ENOTCONN).
        """
        end = self._state.end
        if end is None or end.peer is None:
            if self._state.target is None:
                raise _error(errno.ENOTCONN)
            return self._state.target
        return end.peer

    # -- connections -------------------------------------------------------------------------

    def bind(self, address: Any) -> None:
        """Take an address of its own."""
        self._check()
        if self._state.family == AF_UNIX:
            raise ESCAPES.refuse("a Unix socket", "its peer is outside the simulation")
        host, port = address[0] or "0.0.0.0", address[1]
        if port and (host, port) in FABRIC.listeners:
            raise _error(errno.EADDRINUSE)
        self._state.bound = (host, port or FABRIC.next_port())

    def listen(self, backlog: int = 128) -> None:
        """Take connections of the simulated network."""
        self._check()
        state = self._state
        state.bound = state.bound or ("0.0.0.0", FABRIC.next_port())
        if state.backlog is None:
            state.backlog = Backlog(state.bound)
            FABRIC.listeners[state.bound] = state.backlog

    def _accept(self) -> tuple[int, Any]:
        self._check()
        backlog = self._state.backlog
        if backlog is None:
            raise _error(errno.EINVAL)
        until_s = self._state.until_s()
        while not backlog.waiting:
            self._wait(backlog.end, until_s, "a connection")
        state = State(self._state.family, self._state.kind, 0)
        state.end = backlog.waiting.popleft()
        return descriptors.give(state), state.end.peer

    def connect(self, address: Any) -> None:
        """Connect, within the timeout.

        Raises: ConnectionRefusedError, TimeoutError, OSError, as TCP does.
        """
        error = self._connect(address)
        if error:
            raise _error(error)

    def connect_ex(self, address: Any) -> int:
        """Connect; the error's number instead of an exception."""
        try:
            return self._connect(address)
        except TimeoutError:
            return errno.EAGAIN
        except OSError as failure:
            return failure.errno or errno.EIO

    def _connect(self, address: Any) -> int:
        self._check()
        state = self._state
        if state.family == AF_UNIX:
            raise ESCAPES.refuse("a Unix socket", "its peer is outside the simulation")
        from .names import address_of

        target = address_of(address)
        if state.kind != SOCK_STREAM:
            state.target = target
            return 0
        if state.end is not None:
            if state.end.connected:
                return errno.EISCONN
            if state.end.error:
                pending, state.end.error = state.end.error, 0
                return pending
            return errno.EALREADY
        end = state.end = End(state.bound or ("127.0.0.1", FABRIC.next_port()))
        FABRIC.connect(end, target)
        if state.timeout == 0.0:
            return errno.EINPROGRESS
        until_s = self._state.until_s()
        while not end.connected and not end.error:
            self._wait(end, until_s, f"a connect to {target[0]}:{target[1]}")
        if end.error:
            state.end, error = None, end.error
            return error
        return 0

    def shutdown(self, how: int) -> None:
        """Close one way (1: writing) or both (2).

        Raises: OSError (ENOTCONN).
        """
        end = self._connected()
        if end.error or (end.peer_closed and not end.connected):
            raise _error(errno.ENOTCONN)
        if how in (1, 2):
            end.end()
        if how in (0, 2):
            end.arrive_end()

    def close(self) -> None:
        """Close it; the peer sees FIN, or RST where bytes were unread."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            descriptors.close(fd)

    # -- bytes -------------------------------------------------------------------------------

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Bytes that have arrived; none at the stream's end.

        Raises: TimeoutError, ConnectionResetError, BlockingIOError.
        """
        end = self._connected()
        until_s = self._state.until_s()
        while not end.readable:
            if flags & MSG_DONTWAIT:
                raise _error(errno.EAGAIN)
            self._wait(end, until_s, self._state.with_peer("bytes from"))
        if end.error:
            code, end.error = end.error, errno.EPIPE if end.error == errno.ECONNRESET else end.error
            if code == errno.EPIPE:
                return b""
            raise _error(code)
        return bytes(end.buffer[:size]) if flags & MSG_PEEK else end.take(size)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As `recv`, into a buffer; how many bytes."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        """As `recv`, with the peer's address."""
        return self.recv(size, flags), self._state.end.peer if self._state.end else None

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        """As `recv_into`, with the peer's address."""
        return self.recv_into(buffer, nbytes, flags), None

    def recvmsg(self, size: int, *_: int) -> tuple[bytes, list[Any], int, Any]:
        """As `recv`, without ancillary data."""
        return self.recv(size), [], 0, None

    def send(self, data: Any, flags: int = 0) -> int:
        """Send as much as there is room for; how many bytes.

        Raises: TimeoutError, BrokenPipeError, ConnectionResetError, BlockingIOError.
        """
        if self._state.kind != SOCK_STREAM:
            return self._datagram(data)
        end = self._connected()
        view = memoryview(data).cast("B")
        until_s = self._state.until_s()
        while True:
            if end.error:
                code, end.error = end.error, errno.EPIPE
                raise _error(code)
            if end.sent_end:
                raise _error(errno.EPIPE)
            if room := end.room:
                break
            assert end.remote is not None
            self._wait(end, until_s, self._state.with_peer("room to send to"))
        sent = bytes(view[:room])
        end.write(sent)
        return len(sent)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of it; raises as `send`."""
        view = memoryview(data).cast("B")
        while view:
            view = view[self.send(view, flags) :]

    def sendmsg(self, buffers: Any, *_: Any) -> int:
        """Send several buffers; how many bytes."""
        return self.send(b"".join(bytes(buffer) for buffer in buffers))

    def sendto(self, data: Any, *_: Any) -> int:
        """Send a datagram: it goes nowhere."""
        return self._datagram(data) if self._state.kind != SOCK_STREAM else self.send(data)

    # -- waiting -----------------------------------------------------------------------------

    def _datagram(self, data: Any) -> int:
        ESCAPES.note("sent a datagram", "UDP is not simulated: nobody received it")
        return len(data)

    def _check(self) -> None:
        if self._fd < 0:
            raise _error(errno.EBADF)

    def _connected(self) -> End:
        self._check()
        end = self._state.end
        if end is None or not (end.connected or end.error):
            raise _error(errno.ENOTCONN)
        return end

    def _wait(self, end: End, until_s: float | None, what: str) -> None:
        if self._state.timeout == 0.0:
            raise _error(errno.EAGAIN)
        woken = end.wait(what, until_s)
        if not woken:
            raise TimeoutError("timed out")
        if self._fd < 0:
            raise _error(errno.EBADF)


def pair(family: int = AF_UNIX, kind: int = SOCK_STREAM, proto: int = 0) -> tuple[Socket, Socket]:
    """Two sockets that are connected to each other."""
    sockets = (Socket(family, kind, proto), Socket(family, kind, proto))
    ends = tuple(End(("", 0)) for _ in sockets)
    for sock, near, far in zip(sockets, ends, ends[::-1], strict=True):
        near.accept(Pair(far), ("", 0))
        near.patience = far.changed
        sock._state.end = near
    return sockets
