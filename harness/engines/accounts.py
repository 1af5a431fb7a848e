"""Connections to a world's proxies and target that another account of this machine has opened."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from neighbours import account, is_own


class Accounts:
    """Knows whose connections are the target's, and tells of each other account once.

    The target may run under another account than the harness (it gave up root's rights, or
    somebody else has started it). So an account is the target's if a process of the target runs
    under it, or if before the outage nobody else has called.
    """

    def __init__(
        self, ports: Callable[[], Mapping[str, int]], pids: Callable[[], Iterable[int]]
    ) -> None:
        """`ports`: where each upstream's proxy listens; `pids`: the target's processes."""
        self._ports = ports
        self._pids = pids
        self._known: set[int] = set()
        self._ours_called = False
        self._early: dict[int, str] = {}
        self._told: set[int] = set()
        self._visited: set[int] = set()
        self._began = False

    def begin(self) -> str | None:
        """Whoever has called by now is known, or a stranger: what to say of one, else None."""
        self._began = True
        if not self._ours_called and len(self._early) == 1:
            self._known |= set(self._early)
        strangers = [uid for uid in self._early if uid not in self._known]
        return self._tell(strangers[0], self._early[strangers[0]]) if strangers else None

    def stranger_in(self, record: Mapping[str, Any]) -> str | None:
        """What to say of a proxy's line that tells of a stranger's connection; else None.

        The embedded proxy's lines name the account; for a real one's the kernel is asked now, which
        finds nobody when the connection has ended already.
        """
        if record.get("message") != "Accepted client":
            return None
        name = str(record.get("name"))
        if "conn" in record:
            uid = record.get("uid", os.geteuid())
        else:
            uid = _asked(str(record.get("client")), self._ports().get(name))
        if uid is None:
            return None
        if self._is_ours(uid):
            self._ours_called = True
        elif not self._began:
            self._early.setdefault(uid, name)
        elif uid not in self._told:
            return self._tell(uid, name)
        return None

    def visitor(self, uid: int) -> str | None:
        """What to say, once, of an account that has a connection to the target; None of our own."""
        if self._is_ours(uid) or uid in self._visited:
            return None
        self._visited.add(uid)
        return (
            f"another account of this machine ({_name(uid)}) connected to the target: what it did "
            "for that can't be told from what it did for the run's own clients"
        )

    def _is_ours(self, uid: int) -> bool:
        """Whether it is the harness's or the target's, as far as that is known by now."""
        if is_own(uid) or uid in self._known:
            return True
        if uid in map(_runs_as, self._pids()):
            self._known.add(uid)
        return uid in self._known

    def _tell(self, uid: int, name: str) -> str:
        self._told.add(uid)
        return (
            f"another account of this machine ({_name(uid)}) connected to the proxy of {name}: "
            "what it called can't be told from the target's calls"
        )


def _asked(client: str, port: int | None) -> int | None:
    host, _, number = client.rpartition(":")
    if port is None or not number.isdecimal() or host.startswith("["):
        return None
    return account(("127.0.0.1", port), (host, int(number)))


def _runs_as(pid: int) -> int | None:
    with suppress(OSError):
        return os.stat(f"/proc/{pid}").st_uid
    return None


def _name(uid: int) -> str:
    with suppress(KeyError):
        return f"{pwd.getpwuid(uid).pw_name}, uid {uid}"
    return f"uid {uid}"
