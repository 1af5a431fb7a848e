"""Whose process is at the other end of a connection within this machine.

Ports on loopback are open to every account. What another account calls must not be taken for what a
run's own target did, so stubs and proxies ask the kernel who has opened a connection (Linux, by
`NETLINK_SOCK_DIAG`, ten microseconds; elsewhere nobody is told apart).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

_BY_FAMILY = 20
_REQUEST = 1
_ALL = 0x300
_ERROR = 2
_DONE = 3
_ESTABLISHED = 1
_ANSWERED = 8
"""The other end has closed it, and this one not yet."""
_ANY = 0xFFFFFFFF
_UNMAPPED = 65_534
"""Shown for whoever has no number in this user namespace."""
_UID_AT = 16 + 4 + 48 + 12
"""In an answer: after the header, the state, the socket's addresses, `expires` and two queues."""
_ANSWER_BYTES = 8192
_MANY_BYTES = 1 << 16
_PORT_IS, _JUMP = 12, 1
"""Of the kernel's filter: whether the other end has a port, and going on elsewhere."""


def stranger(ours: Sequence[object], theirs: Sequence[object]) -> int | None:
    """The uid of another account that has opened a loopback connection; None where it is this
    process's own, root's, or can't be told (closed meanwhile, not on this machine).

    `ours` and `theirs` are the addresses of its two ends, as `getsockname` and `getpeername` say.
    """
    uid = account(ours, theirs)
    return None if uid is None or is_own(uid) else uid


def is_own(uid: int) -> bool:
    """Whether an account may do here all that this process may."""
    return uid in (0, os.geteuid())


def account(ours: Sequence[object], theirs: Sequence[object]) -> int | None:
    """The uid of whoever has opened a loopback connection, this process's own included; None where
    it can't be told. `ours` and `theirs` as for `stranger`.
    """
    uid = _asked(ours, theirs)
    return None if uid == _UNMAPPED and not _all_users_are_mapped() else uid


def _asked(ours: Sequence[object], theirs: Sequence[object]) -> int | None:
    ends = (str(theirs[0]), str(ours[0]))
    if not all(end.startswith("127.") for end in ends) and ends != ("::1", "::1"):
        return None
    family = socket.AF_INET6 if ":" in ends[0] else socket.AF_INET
    theirs_packed, ours_packed = (socket.inet_pton(family, end).ljust(16, b"\0") for end in ends)
    ports = struct.pack("!HH", theirs[1], ours[1])
    anywhere = struct.pack("=III", 0, _ANY, _ANY)
    wanted = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, _ANY)
    wanted += ports + theirs_packed + ours_packed + anywhere
    kernel = _kernel()
    if kernel is None:
        return None
    header = struct.pack("=IHHII", 16 + len(wanted), _BY_FAMILY, _REQUEST, 1, 0)
    try:
        kernel.send(header + wanted)
        answer = kernel.recv(_ANSWER_BYTES)
    except OSError:
        return None
    _, kind, _, _, _ = struct.unpack_from("=IHHII", answer)
    # A socket that its process has closed belongs to nobody, and would be shown as root's.
    if kind == _ERROR or len(answer) < _UID_AT + 4 or answer[17] != _ESTABLISHED:
        return None
    return int(struct.unpack_from("=I", answer, _UID_AT)[0])


def visits(ports: Collection[int]) -> Iterator[tuple[int, int]]:
    """Open connections within this machine to ports of loopback: each port, with the uid of whoever
    has opened one; nothing where the kernel doesn't tell. May be asked from any thread.
    """
    if not ports or not _all_users_are_mapped():
        return
    with suppress(OSError, AttributeError), _asking() as to:
        to.settimeout(1.0)
        rules = _one_of(ports)
        states = 1 << _ESTABLISHED | 1 << _ANSWERED
        for family in (socket.AF_INET, socket.AF_INET6):
            wanted = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, states)
            wanted += bytes(48) + struct.pack("=HH", 4 + len(rules), 1) + rules
            size = 16 + len(wanted)
            to.send(struct.pack("=IHHII", size, _BY_FAMILY, _REQUEST | _ALL, 1, 0) + wanted)
            yield from _told(to)


def _one_of(ports: Collection[int]) -> bytes:
    """The kernel's filter for connections to any of these ports, one rule after the other."""
    left = 12 * len(ports)
    rules = b""
    for port in ports:
        otherwise = 12 if left > 12 else 16  # beyond the end: none of them
        rules += struct.pack("=BBHHH", _PORT_IS, 8, otherwise, 0, port)
        rules += struct.pack("=BBH", _JUMP, 4, left - 8)
        left -= 12
    return rules


def _told(kernel: socket.socket) -> Iterator[tuple[int, int]]:
    """Ports and uids in what the kernel answers, up to its end."""
    while True:
        answer = kernel.recv(_MANY_BYTES)
        while answer:
            length, kind = struct.unpack_from("=IH", answer)
            if kind in (_DONE, _ERROR):
                return
            if length >= _UID_AT + 4 and _is_loopback(answer[40:56]):
                (port,) = struct.unpack_from("!H", answer, 22)
                yield port, int(struct.unpack_from("=I", answer, _UID_AT)[0])
            answer = answer[(length + 3) & ~3 :]


def _is_loopback(address: bytes) -> bool:
    """Of IPv4, of IPv6, or the one written as the other."""
    return address[0] == 127 or address == b"\0" * 15 + b"\1" or address[10:13] == b"\xff\xff\x7f"


@cache
def _kernel() -> socket.socket | None:
    """The socket on which this process asks; None on systems that have none."""
    with suppress(OSError, AttributeError):
        asked = _asking()
        asked.settimeout(0.1)
        return asked
    return None


def _asking() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)  # NETLINK_SOCK_DIAG


@cache
def _all_users_are_mapped() -> bool:
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/uid_map").read_text().split()[2]) >= _ANY
    return False
