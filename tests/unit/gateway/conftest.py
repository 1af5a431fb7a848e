"""A resilient client with short settings against stubs on real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from gateway.resilience import CircuitBreaker, ClientSettings, ResilientServiceClient
from gateway.resilience.transport import Transport
from tests.unit.stubs.served import Served, served


@pytest.fixture(scope="session")
def stubs_of_the_session() -> Iterator[Served]:
    names = ("auth", "billing", "chroma", "filesystem", "git", "external_data")
    with served(*names) as (stub, _):
        yield stub


@pytest.fixture
def stub(stubs_of_the_session: Served) -> Iterator[Served]:
    yield stubs_of_the_session
    for name in stubs_of_the_session.ports:
        stubs_of_the_session.heal(name, "")


class Kit:
    """A client whose sleeps are written down, and cost nothing unless `real`."""

    def __init__(self, url: str, *, real: bool = False, **settings: float) -> None:
        given = {"attempts": 2, "timeout_s": 0.2, "threshold": 5, "wait_s": 60} | settings
        self.settings = ClientSettings(**given)
        self.slept: list[float] = []
        self.now_s = 0.0
        clock = time.monotonic if real else (lambda: self.now_s)
        self.breaker = CircuitBreaker(
            threshold=self.settings.threshold, wait_s=self.settings.wait_s, clock=clock
        )
        transport = Transport(url, timeout_s=self.settings.timeout_s)
        self.client = ResilientServiceClient(
            "Auth", transport, self.settings, self.breaker, sleep=self._sleep
        )

    def _sleep(self, wait_s: float) -> None:
        self.slept.append(wait_s)
        self.now_s += wait_s


@pytest.fixture
def kit(stub: Served) -> Callable[..., Kit]:
    return lambda name="auth", **options: Kit(stub.url(name), **options)
