"""HTTP for one attempt: its own connection, no redirects, and a deadline over all of it (B8).

`requests` applies its timeout to each read, so a body or a head that drips can hold a call for
ever. Here every read gets what is left until the deadline. A connection serves one attempt only:
one kept alive may have died unseen with a restarted upstream, and would cost a service without
retries (n = 1) a failed call.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Iterable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError

from gateway.resilience.tracing import passed_on

Failure = (requests.RequestException, http.client.HTTPException, OSError)
"""What a failed attempt can raise; urllib3's own errors come wrapped in requests'."""


class _TimedReader(io.RawIOBase):
    """A socket's bytes until a deadline (monotonic seconds), then TimeoutError."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._sock = sock
        self._deadline_s = deadline_s
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _WholeLines(io.BufferedReader):
    """A line that the connection's end cuts off is an error, as is a head without its last line.

    `http.client` takes the end of the stream for the end of the head: an answer cut off in the
    middle of its head would be a whole one without a body.
    """

    _begun = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        whole = line.endswith(b"\n") or (size is not None and len(line) == size)
        if not whole and (line or self._begun):
            raise http.client.IncompleteRead(line)
        self._begun = True
        return line


class _TimedSocket:
    """All that http.client's response asks of a socket: a file to read from."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._sock = sock
        self._deadline_s = deadline_s

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return _WholeLines(_TimedReader(self._sock, self._deadline_s))


class _Deadline:
    """Mixed into urllib3's connections: the timeout of a request covers all of it."""

    timeout: float | None
    sock: socket.socket | None
    _deadline_s: float = float("inf")

    def request(self, *args: Any, **options: Any) -> None:
        if self.timeout is not None:
            self._deadline_s = time.monotonic() + self.timeout
        super().request(*args, **options)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if self.sock is not None and self._deadline_s != float("inf"):
            self.sock.settimeout(max(self._deadline_s - time.monotonic(), 1e-3))
        super().send(data)  # type: ignore[misc]

    def response_class(self, sock: socket.socket, **options: Any) -> http.client.HTTPResponse:
        timed: Any = sock
        if self._deadline_s != float("inf"):
            timed = _TimedSocket(sock, self._deadline_s)
        return http.client.HTTPResponse(timed, **options)


class _Connection(_Deadline, HTTPConnection):  # type: ignore[misc]
    """HTTP with a deadline."""


class _SecureConnection(_Deadline, HTTPSConnection):  # type: ignore[misc]
    """HTTPS with a deadline."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """requests' adapter over those connections, as many at once as there are callers."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _Session(requests.Session):
    """Carries nothing from one call to another, and follows nobody elsewhere.

    A redirect would take the internal token to wherever it points; a cookie that an upstream sets
    would go out with the next user's call; the machine's proxies and .netrc are not the gateway's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.headers["Connection"] = "close"
        adapter = _Adapter(pool_maxsize=_MOST_AT_ONCE)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        del resp
        return None


_MOST_AT_ONCE = 256


class Transport:
    """Sends one attempt's request to one upstream."""

    def __init__(self, base_url: str, *, timeout_s: float) -> None:
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._session = _Session()

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The whole answer, its body read, within the deadline.

        Raises: one of `Failure`.
        """
        request = requests.Request(
            method,
            f"{self._base_url}{path}",
            json=json,
            params=params,
            headers={**self._session.headers, **passed_on(), **(headers or {})},
        )
        # The session has nothing else to give it: merging that is a tenth of a call.
        return self._session.send(request.prepare(), timeout=self._timeout_s, allow_redirects=False)


def describe(error: BaseException) -> str:
    """The cause of a failed attempt in the words of the log (B11)."""
    chain = tuple(_chain(error))
    for kinds, words in _WORDS:
        if any(isinstance(each, kinds) for each in chain):
            return words
    return f"Connection failed: {type(error).__name__}"


_WORDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ConnectionRefusedError,), "Connection refused"),
    ((TimeoutError, requests.Timeout, ConnectTimeoutError), "Connection failed: timeout"),
    # Before resets: it is one, too, by its class.
    ((http.client.RemoteDisconnected,), "Connection failed: closed without an answer"),
    ((ConnectionResetError, BrokenPipeError), "Connection failed: reset"),
    ((http.client.IncompleteRead,), "Connection failed: truncated answer"),
    ((requests.exceptions.ContentDecodingError,), "Connection failed: undecodable answer"),
    ((requests.exceptions.ChunkedEncodingError,), "Connection failed: truncated answer"),
)


def _chain(error: BaseException) -> Iterable[BaseException]:
    """An error and what it wraps, in its arguments (urllib3's way) or as its cause."""
    seen: set[int] = set()
    found = [error]
    while found:
        each = found.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = (*each.args, each.__cause__, each.__context__, getattr(each, "reason", None))
        found += [item for item in inner if isinstance(item, BaseException)]
