"""One simulated world: stubs behind proxies on the fabric, and what faults do to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .fabric import FABRIC
from .facts import Facts
from .plan import Plan
from .proxy import Proxy
from .scheduler import KERNEL
from .stubs import StubPort, build_ports

HOST = "127.0.0.1"


class World:
    """All upstreams of one play, by name."""

    def __init__(self, plan: Plan, facts: Facts) -> None:
        self._facts = facts
        names = [upstream["name"] for upstream in plan["upstreams"]]
        self.stubs: dict[str, StubPort] = build_ports(names, facts, plan["internal_token"])
        self.proxies: dict[str, Proxy] = {}
        for upstream in plan["upstreams"]:
            name = upstream["name"]
            stub = self.stubs[name]
            stub.control("PUT", "users", json.dumps(upstream["users"]))
            if upstream["routes"]:
                stub.control("PUT", "routes", json.dumps(upstream["routes"]))
            proxy = Proxy(name, (HOST, upstream["port"]), stub, facts, plan["seed"])
            self.proxies[name] = proxy
            FABRIC.listeners[proxy.address] = proxy

    def act(self, words: list[Any]) -> None:
        """One thing that applying or lifting a fault does, such as `["disable", "mail", "f0"]`.

        Raises: KeyError for a word that isn't one.
        """
        verb, *rest = words
        _VERBS[verb](self, *rest)

    # -- on the proxy ------------------------------------------------------------------------

    def _disable(self, name: str, reason: str) -> None:
        self.proxies[name].disable(reason)

    def _enable(self, name: str, reason: str) -> None:
        self.proxies[name].disabled_by.discard(reason)

    def _cut_off(self, name: str, reason: str) -> None:
        # A real proxy is given another upstream, which drops all its connections.
        self.proxies[name].cut_off_by.add(reason)
        self.proxies[name].drop_all()

    def _connect(self, name: str, reason: str) -> None:
        self.proxies[name].cut_off_by.discard(reason)
        self.proxies[name].drop_all()

    def _ignore(self, name: str, reason: str) -> None:
        self.proxies[name].unanswered_by.add(reason)
        self.proxies[name].drop_all()

    def _answer(self, name: str, reason: str) -> None:
        self.proxies[name].unanswered_by.discard(reason)

    def _toxic(
        self, name: str, toxic: str, kind: str, stream: str, attributes: Any, toxicity: float
    ) -> None:
        self.proxies[name].add_toxic(toxic, kind, stream, attributes, toxicity)

    def _untoxic(self, name: str, toxic: str) -> None:
        self.proxies[name].remove_toxic(toxic)

    # -- in the service, and to its process --------------------------------------------------

    def _behave(self, name: str, key: str, value: Any) -> None:
        self.stubs[name].control("PUT", f"behaviours/{key}", json.dumps(value))

    def _unbehave(self, name: str, key: str) -> None:
        self.stubs[name].control("DELETE", f"behaviours/{key}", "")

    def _kill(self, name: str) -> None:
        self.stubs[name].kill()

    def _revive(self, name: str) -> None:
        self.stubs[name].revive()

    def _pause(self, name: str) -> None:
        self.stubs[name].pause()

    def _resume(self, name: str) -> None:
        self.stubs[name].resume()

    def _step_clock(self, seconds: float) -> None:
        KERNEL.wall_offset_s += seconds


_VERBS: dict[str, Callable[..., None]] = {
    "disable": World._disable,
    "enable": World._enable,
    "cut_off": World._cut_off,
    "connect": World._connect,
    "ignore": World._ignore,
    "answer": World._answer,
    "toxic": World._toxic,
    "untoxic": World._untoxic,
    "behave": World._behave,
    "unbehave": World._unbehave,
    "kill": World._kill,
    "revive": World._revive,
    "pause": World._pause,
    "resume": World._resume,
    "step_clock": World._step_clock,
}
