"""Connections to a world's proxies that another account of this machine has opened."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from neighbours import stranger


class Accounts:
    """Knows whose connections are the target's, and tells of each other account once.

    The target may run under another account than the harness (it gave up root's rights, or
    somebody else has started it). So an account is the target's if a process of the target runs
    under it, or if before the outage nobody else has called.
    """

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._ours_called = False
        self._early: dict[int, str] = {}
        self._told: set[int] = set()
        self._began = False

    def begin(self) -> str | None:
        """Whoever has called by now is known, or a stranger: what to say of one, else None."""
        self._began = True
        if not self._ours_called and len(self._early) == 1:
            self._known |= set(self._early)
        strangers = [uid for uid in self._early if uid not in self._known]
        return self._tell(strangers[0], self._early[strangers[0]]) if strangers else None

    def stranger_in(
        self, record: Mapping[str, Any], ports: Mapping[str, int], pids: Iterable[int]
    ) -> str | None:
        """What to say of a proxy's line that tells of a stranger's connection; else None.

        The embedded proxy's lines name the account; for a real one's the kernel is asked now, which
        finds nobody when the connection has ended already. `pids` are the target's processes.
        """
        if record.get("message") != "Accepted client":
            return None
        name = str(record.get("name"))
        uid = record.get("uid")
        if uid is None and "conn" not in record:
            uid = _asked(str(record.get("client")), ports.get(name))
        if uid is None or uid in self._known:
            self._ours_called = True
        elif uid in map(_runs_as, pids):
            self._known.add(uid)
            self._ours_called = True
        elif not self._began:
            self._early.setdefault(uid, name)
        elif uid not in self._told:
            return self._tell(uid, name)
        return None

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
    return stranger(("127.0.0.1", port), (host, int(number)))


def _runs_as(pid: int) -> int | None:
    with suppress(OSError):
        return os.stat(f"/proc/{pid}").st_uid
    return None


def _name(uid: int) -> str:
    with suppress(KeyError):
        return f"{pwd.getpwuid(uid).pw_name}, uid {uid}"
    return f"uid {uid}"
