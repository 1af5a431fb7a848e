"""Listen and upstream addresses as Go's `net` package reads, resolves and reports them."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
from dataclasses import dataclass

_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


class AddressError(Exception):
    """An address can't be used; str() is the text that Go gives, without `listen tcp: `."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A resolved IP address and port."""

    host: str
    """An IP address; empty means all interfaces of both families."""
    port: int

    def __str__(self) -> str:
        """As Go prints it: `127.0.0.1:80`, `[::1]:80`, and `:80` for all interfaces."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def family(self) -> socket.AddressFamily:
        """IPv6 for what needs it."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def is_any(self) -> bool:
        """Whether it stands for all interfaces."""
        return self.host in ("", "0.0.0.0", "::")


def split_host_port(text: str) -> tuple[str, str]:
    """Host and port of `host:port` or `[host]:port`.

    Raises: AddressError in the words of Go's `net.SplitHostPort`.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        raise AddressError(f"address {text}: missing port in address")
    if text.startswith("["):
        inside, bracket, after = text[1:].partition("]")
        if not bracket:
            raise AddressError(f"address {text}: missing ']' in address")
        if not after:
            raise AddressError(f"address {text}: missing port in address")
        if not after.startswith(":"):
            raise AddressError(f"address {text}: missing port in address")
        if ":" in after[1:]:
            raise AddressError(f"address {text}: too many colons in address")
        host, port = inside, after[1:]
    elif ":" in host:
        raise AddressError(f"address {text}: too many colons in address")
    for bracket in "[]":
        if bracket in host or bracket in port:
            raise AddressError(f"address {text}: unexpected '{bracket}' in address")
    return host, port


def parse_port(text: str) -> int:
    """A port number from digits or a service name; empty is 0.

    Raises: AddressError in the words of Go's resolver.
    """
    text = text.strip(" ")
    if re.fullmatch(r"[+-]?\d*", text):
        number = int(text) if text.strip("+-") else 0
        if not 0 <= number <= 65535:
            raise AddressError(f"address {text}: invalid port")
        return number
    try:
        return socket.getservbyname(text, "tcp")
    except OSError:
        raise AddressError(f"lookup tcp/{text}: unknown port") from None


def _literal(host: str) -> str | None:
    """The host in Go's spelling when it is an IP address already, or empty."""
    if not host:
        return ""
    bare, _, _zone = host.partition("%")
    if ":" in bare:
        try:
            return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, bare))
        except OSError:
            return None
    if _IPV4.fullmatch(host):
        try:
            return socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, host))
        except OSError:
            return None
    return None


def literal(text: str) -> Address | None:
    """What `host:port` stands for when that takes no look-up; an empty text means `:0`.

    Raises: AddressError when it is malformed.
    """
    if not text:
        return Address(host="", port=0)
    host, port_text = split_host_port(text)
    port = parse_port(port_text)
    host_or_none = _literal(host)
    return None if host_or_none is None else Address(host=host_or_none, port=port)


async def resolve(text: str) -> tuple[Address, ...]:
    """All addresses that `host:port` stands for, IPv4 first.

    Raises: AddressError when it is malformed or its name isn't known.
    """
    if (address := literal(text)) is not None:
        return (address,)
    host, port_text = split_host_port(text)
    port = parse_port(port_text)
    if _IPV4.fullmatch(host):  # such as 127.0.0.01, which the system's resolver would take
        raise AddressError(f"lookup {host}: no such host")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressError(f"lookup {host}: no such host") from None
    hosts = dict.fromkeys(str(info[4][0]) for info in found)
    ordered = sorted(hosts, key=lambda host: ":" in host)
    return tuple(Address(host=host, port=port) for host in ordered)


async def resolve_listen(text: str) -> Address:
    """The one address to listen on.

    Raises: AddressError.
    """
    return (await resolve(text))[0]


def bind(address: Address, *, backlog: int = 4096) -> socket.socket:
    """A listening, non-blocking socket; all interfaces means both families where the host has both.

    Raises: AddressError in Go's words, with the resolved address.
    """
    try:
        return _bind(address, backlog)
    except OSError as error:
        raise AddressError(f"{address}: bind: {describe(error)}") from None


def _bind(address: Address, backlog: int) -> socket.socket:
    dual = address.host in ("", "0.0.0.0", "::") and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else address.family
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if dual:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::" if dual else address.host, address.port))
        listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def bound(listener: socket.socket) -> Address:
    """Where a socket really listens."""
    name = listener.getsockname()
    return Address(host=str(name[0]), port=int(name[1]))


def describe(error: OSError) -> str:
    """The system's text as Go prints it: lower case."""
    if error.errno == errno.EADDRNOTAVAIL:
        return "cannot assign requested address"
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[:1].lower() + text[1:]
