"""Replaces what lies above the builtin modules: sockets, polling, dates, hashes, TLS."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from ..escapes import ESCAPES
from ..locks import next_hash
from .dates import install_dates
from .ledger import replace


def install() -> None:
    """Replace them; the builtin modules must be done."""
    _install_sockets()
    install_dates()
    _install_identities()
    _install_hashes()
    _refuse_tls()


def _install_sockets() -> None:
    import _socket
    import select

    from .. import descriptors, names, polling, socket_state, sockets

    for name, value in {
        "socket": sockets.Socket,
        "SocketType": sockets.Socket,
        "socketpair": sockets.pair,
        "close": descriptors.close,
        "dup": descriptors.duplicate,
        "getdefaulttimeout": socket_state.get_default_timeout,
        "setdefaulttimeout": socket_state.set_default_timeout,
        "getaddrinfo": names.getaddrinfo,
        "gethostbyname": names.gethostbyname,
        "gethostbyname_ex": names.gethostbyname_ex,
        "gethostbyaddr": names.gethostbyaddr,
        "getnameinfo": names.getnameinfo,
        "gethostname": names.gethostname,
        "has_ipv6": False,
    }.items():
        replace(_socket, name, value)
    replace(select, "select", polling.select)
    replace(select, "poll", polling.Poll)
    if hasattr(select, "epoll"):
        replace(select, "epoll", polling.Epoll)
    import io
    import socket

    from ..reader import SocketReader

    # `makefile` looks its buffers up in the module's `io`.
    shown = SimpleNamespace(**{name: getattr(io, name) for name in io.__all__})
    shown.BufferedReader = SocketReader
    shown.DEFAULT_BUFFER_SIZE = io.DEFAULT_BUFFER_SIZE
    replace(socket, "io", shown)


def _install_identities() -> None:
    import uuid

    for name in ("_generate_time_safe", "_UuidCreate"):
        if hasattr(uuid, name):
            replace(uuid, name, None)
    replace(uuid, "_node", 0x02_00_00_00_00_01)


def _install_hashes() -> None:
    """Hashes from a counter: sets of futures and threads iterate in the same order in every run."""
    import threading
    from concurrent.futures import Future

    # asyncio's futures and tasks in C can't be given another hash; those in Python can.
    sys.modules["_asyncio"] = None  # type: ignore[assignment]
    import asyncio

    def hash_of(self: Any) -> int:
        known: int = self.__dict__.get("_hash_in_simulation", 0)
        if not known:
            known = self.__dict__["_hash_in_simulation"] = next_hash()
        return known

    Future.__hash__ = hash_of  # type: ignore[method-assign]
    asyncio.Future.__hash__ = hash_of  # type: ignore[method-assign]
    threading.Thread.__hash__ = hash_of  # type: ignore[method-assign]


def _refuse_tls() -> None:
    try:
        import ssl
    except ImportError:
        return

    def wrap_socket(self: Any, *_: Any, **__: Any) -> Any:
        raise ESCAPES.refuse("TLS on a socket", "the simulation speaks plain http")

    ssl.SSLContext.wrap_socket = wrap_socket  # type: ignore[method-assign]
