"""Listen and upstream addresses as Go's `net` package reads, resolves and reports them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import re
import socket

from harness.frozen import Frozen

_DIGITS = re.compile(r"[+-]?[0-9]*")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_NAME = 253


class AddressError(Exception):
    """An address can't be used; str() is the text that Go gives, without `listen tcp: `."""


class Address(Frozen, kw_only=True):
    """A resolved IP address and port."""

    host: str
    """An IP address; empty means all interfaces of both families."""
    port: int
    zone: str = ""
    """The interface that a link-local IPv6 address belongs to, by name or number."""

    def __str__(self) -> str:
        """As Go prints it: `127.0.0.1:80`, `[::1]:80`, and `:80` for all interfaces."""
        host = f"{self.host}%{self.zone}" if self.zone else self.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def family(self) -> socket.AddressFamily:
        """IPv6 for what needs it."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def is_any(self) -> bool:
        """Whether it stands for all interfaces."""
        return self.host in ("", "0.0.0.0", "::")

    @property
    def for_system(self) -> tuple[str, int] | tuple[str, int, int, int]:
        """What `socket` binds or connects to."""
        if self.zone and ":" in self.host:
            return self.host, self.port, 0, _interface(self.zone)
        return self.host, self.port


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
    if _DIGITS.fullmatch(text):
        number = int(text) if text.strip("+-") else 0
        if not 0 <= number <= 65535:
            raise AddressError(f"address {text}: invalid port")
        return number
    try:
        return socket.getservbyname(text.lower(), "tcp")
    except (OSError, UnicodeError, ValueError):
        raise AddressError(f"lookup tcp/{text}: unknown port") from None


def _literal(host: str, port: int) -> Address | None:
    """The address in Go's spelling when the host is an IP address already, or empty."""
    if not host:
        return Address(host="", port=port)
    bare, percent, zone = host.partition("%")
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if percent and (found.version == 4 or not zone):
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return Address(host=str(mapped or found), port=port, zone=zone)


def literal(text: str) -> Address | None:
    """What `host:port` stands for when that takes no look-up; an empty text means `:0`.

    Raises: AddressError when it is malformed.
    """
    if not text:
        return Address(host="", port=0)
    host, port = split_host_port(text)
    return _literal(host, parse_port(port))


def is_domain_name(host: str) -> bool:
    """Whether a resolver is asked for it; `*`, `0`, `127.1`, which libc reads as addresses, no.

    Source: Go's `net.isDomainName`. Of `0x7f000001`, which is one in Go, no name server knows
    anything, but libc takes it for an address before asking any.
    """
    with contextlib.suppress(OSError, UnicodeError, ValueError):
        socket.inet_aton(host)
        return False
    labels = host.removesuffix(".").split(".")
    return (
        len(host.removesuffix(".")) <= _LONGEST_NAME
        and all(_LABEL.fullmatch(label) for label in labels)
        and not all(label.isdigit() for label in labels)
    )


async def resolve(text: str) -> tuple[Address, ...]:
    """All addresses that `host:port` stands for, IPv4 first.

    Raises: AddressError when it is malformed or its name isn't known.
    """
    if (address := literal(text)) is not None:
        return (address,)
    host, port_text = split_host_port(text)
    port = parse_port(port_text)
    if not is_domain_name(host):
        raise AddressError(f"lookup {host}: no such host")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressError(f"lookup {host}: no such host") from None
    hosts = dict.fromkeys(str(info[4][0]) for info in found)
    ordered = sorted(hosts, key=lambda host: ":" in host)
    return tuple(Address(host=host, port=port) for host in ordered)


async def resolve_listen(text: str) -> Address:
    """The one address to listen on; `[::]` is read as `0.0.0.0` (source: Go's `internetAddrList`).

    Raises: AddressError.
    """
    address = (await resolve(text))[0]
    return Address(host="0.0.0.0", port=address.port) if address.host == "::" else address


def bind(address: Address, *, backlog: int = 4096) -> socket.socket:
    """A listening, non-blocking socket; all interfaces means both families where the host has both.

    Raises: AddressError in Go's words, with the resolved address.
    """
    try:
        return _bind(address, backlog)
    except OSError as error:
        raise AddressError(f"{address}: bind: {describe(error)}") from None


def hold(address: Address) -> socket.socket | None:
    """A socket that has an address and doesn't listen there, so that clients are refused; None if
    somebody else has it.
    """
    try:
        return _bind(address, None)
    except OSError:
        return None


def _bind(address: Address, backlog: int | None) -> socket.socket:
    dual = address.is_any and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else address.family
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if dual:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", address.port) if dual else address.for_system)
        if backlog is not None:
            listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def bound(listener: socket.socket) -> Address:
    """Where a socket really listens."""
    host, port, *more = listener.getsockname()
    scope = int(more[1]) if more else 0
    return Address(host=str(host), port=int(port), zone=_zone(scope) if scope else "")


def _interface(zone: str) -> int:
    """The number of an interface that is given by name or number; 0 for none that is known."""
    try:
        return socket.if_nametoindex(zone)
    except OSError:
        leading = re.match(r"[0-9]{1,9}", zone)
        return int(leading.group()) if leading else 0


def _zone(scope: int) -> str:
    """The name of an interface by its number."""
    try:
        return socket.if_indextoname(scope)
    except OSError:
        return str(scope)


def describe(error: OSError) -> str:
    """The system's text as Go prints it: lower case."""
    if error.errno == errno.EADDRNOTAVAIL:
        return "cannot assign requested address"
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[:1].lower() + text[1:]
