"""Small targets, written for one test each and played in a simulation of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engines.sim.birth import Nursery
from harness.engines.sim.plan import Plan, RequestPlan, StepPlan

PORT = 20_001


def request(path: str = "/", number: int = 1) -> RequestPlan:
    return {
        "stream": "test",
        "number": number,
        "user": None,
        "client": "127.0.0.2",
        "method": "GET",
        "path": path,
        "headers": {},
        "body": "",
    }


def send(at_s: float, path: str = "/", number: int = 1) -> StepPlan:
    return {"at_s": at_s, "send": request(path, number), "apply": None, "lift": None}


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


class Outcome:
    """What one play left."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.facts: list[dict[str, Any]] = list(document["facts"])
        self.escapes: list[str] = document["escapes"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [fact for fact in self.facts if fact["kind"] == kind]

    @property
    def bodies(self) -> list[str]:
        """The answers' bodies, by request; those of the warm-up left out."""
        played = {fact["id"] for fact in self.of("sent") if fact["number"] > 0}
        return [fact["body"] for fact in self.of("answered") if fact["id"] in played]

    @property
    def body(self) -> str:
        (body,) = self.bodies
        return body

    @property
    def troubles(self) -> list[str]:
        return [fact["what"] for fact in self.of("trouble")]

    @property
    def logs(self) -> list[str]:
        return [fact["line"] for fact in self.of("logged")]


Simulate = Callable[..., Outcome]

APP = """
def app(environ, start_response):
    if environ["PATH_INFO"] == "/health":
        start_response("200 OK", [])
        return [b"ok"]
    body = str(work(environ)).encode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]
"""


@pytest.fixture
def simulate(nursery: Nursery, tmp_path: Path) -> Simulate:
    """Play a target given as source: `work(environ)` answers; more of a plan by keyword."""

    def play(source: str, **more: Any) -> Outcome:
        (tmp_path / "target.py").write_text(source + APP, encoding="utf-8")
        plan: Plan = {
            "seed": 0,
            "points": None,
            "lines": False,
            "app": "target:app",
            "asgi": None,
            "cwd": str(tmp_path),
            "env": {"UPSTREAM": f"http://127.0.0.1:{PORT}"},
            "threads": None,
            "internal_token": "token",
            "ready": request("/health", 0),
            "ready_within_s": 5.0,
            "upstreams": [{"name": "auth", "port": PORT, "users": {}, "routes": []}],
            "warm_up": [],
            "faults": [],
            "steps": [send(0.0)],
            "duration_s": 10.0,
            "grace_s": 2.0,
            "lead_s": 0.0,
            "status": None,
            "real_limit_s": 30.0,
            "line_by_line": False,
        }
        plan.update(more)  # type: ignore[typeddict-item]
        return Outcome(nursery.play(plan, tmp_path).result(60))

    return play
