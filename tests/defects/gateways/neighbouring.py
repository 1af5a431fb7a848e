"""Mistakes in what one service's breaker has to do with another's (B4, B7, B10)."""

from __future__ import annotations

from typing import ClassVar

from gateway.resilience import CircuitBreaker, ResilientServiceClient, State
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import use_breaker, use_client

_SCENARIO = "one_after_another"


class _Known(CircuitBreaker):
    """Knows all the others."""

    all: ClassVar[list[CircuitBreaker]] = []

    def __init__(self, **options):
        super().__init__(**options)
        _Known.all.append(self)


@defect(
    "opening-restarts-all-waits",
    "when a breaker opens, each one that is open begins its wait anew",
    claims="B4 B10",
    scenarios=_SCENARIO,
)
def opening_restarts_all_waits():
    class Breaker(_Known):
        def failed(self, permit):
            opened = super().failed(permit)
            for other in self.all if opened else ():
                other._opened_s = self._clock()
            return opened

    use_breaker(Breaker)


@defect(
    "closing-closes-all",
    "when a breaker closes, all are closed",
    claims="B4 B10",
    scenarios=_SCENARIO,
)
def closing_closes_all():
    class Breaker(_Known):
        def succeeded(self, permit):
            closed = super().succeeded(permit)
            for other in self.all if closed else ():
                other._failures = 0
                other._enter(State.CLOSED)
            return closed

    use_breaker(Breaker)


@defect(
    "no-retry-while-any-open",
    "nothing is tried again while any breaker is open, to spare the gateway",
    claims="B7 B10",
    scenarios=_SCENARIO,
)
def no_retry_while_any_open():
    class Client(ResilientServiceClient):
        def _back_off(self, attempt):
            if any(each.snapshot().state is State.OPEN for each in _Known.all):
                raise self._unavailable("nothing is tried again now", None)
            super()._back_off(attempt)

    use_breaker(_Known)
    use_client(Client)
