"""Names and addresses of the simulated network: what `getaddrinfo` and its kin answer."""

from __future__ import annotations

import errno
from typing import Any

from .escapes import ESCAPES
from .fabric import FABRIC, Address

HOST_NAME = "simulated"
_AF_INET, _SOCK_STREAM, _SOCK_DGRAM, _TCP, _UDP = 2, 1, 2, 6, 17
_EAI_NONAME = -2
_KINDS = ((_SOCK_STREAM, _TCP), (_SOCK_DGRAM, _UDP))


def _gaierror() -> OSError:
    import socket

    return socket.gaierror(_EAI_NONAME, "Name or service not known")


def resolve(host: str | bytes | None) -> str:
    """A name's IPv4 address.

    Raises: socket.gaierror for a name outside the world, which is remarked on.
    """
    if host is None or host in ("", b""):
        return "127.0.0.1"
    name = host.decode() if isinstance(host, bytes) else host
    if name in (HOST_NAME, "::1", "::ffff:127.0.0.1"):
        return "127.0.0.1"
    if name in FABRIC.names:
        return FABRIC.names[name]
    parts = name.split(".")
    if len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts):
        return name
    ESCAPES.remark(f"looked up {name!r}, which is not in the simulated network")
    raise _gaierror()


def address_of(address: Any) -> Address:
    """The address of a connect, resolved.

    Raises: socket.gaierror, TypeError.
    """
    if not isinstance(address, tuple) or len(address) < 2:
        raise TypeError("AF_INET address must be tuple")
    host, port = address[0], int(address[1])
    if not 0 <= port <= 65535:
        raise OverflowError("connect(): port must be 0-65535.")
    resolved = resolve(host)
    return ("127.0.0.1" if resolved == "0.0.0.0" else resolved, port)


def _port(service: Any) -> int:
    if service is None:
        return 0
    if isinstance(service, int):
        return service
    text = service.decode() if isinstance(service, bytes) else str(service)
    known = {"http": 80, "https": 443}
    if text.isdigit():
        return int(text)
    if text in known:
        return known[text]
    import socket

    raise socket.gaierror(-8, "Servname not supported for ai_socktype")


def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[int, int, int, str, Any]]:
    """As the real one, for IPv4: the world's names and numeric addresses."""
    if family not in (0, _AF_INET):
        raise _gaierror()
    address = (resolve(host), _port(port))
    return [(_AF_INET, kind, number, "", address) for kind, number in _KINDS if type in (0, kind)]


def gethostbyname(host: str) -> str:
    """A name's address."""
    return resolve(host)


def gethostbyname_ex(host: str) -> tuple[str, list[str], list[str]]:
    """A name's address, in the long form."""
    return host, [], [resolve(host)]


def gethostbyaddr(address: str) -> tuple[str, list[str], list[str]]:
    """An address's name."""
    for name, known in FABRIC.names.items():
        if known == resolve(address):
            return name, [], [known]
    raise OSError(errno.ENOENT, "Unknown host")


def getnameinfo(address: Any, flags: int = 0) -> tuple[str, str]:
    """An address as text."""
    return str(address[0]), str(address[1])


def gethostname() -> str:
    """The machine's name: always the same one."""
    return HOST_NAME
