"""Mistakes after a recovery (B4): the breaker has closed, and users are refused all the same."""

from __future__ import annotations

import time

from gateway.resilience import CircuitBreaker, ResilientServiceClient
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import use_breaker, use_client

_SETTLES_S = 5.0


@defect(
    "settles-after-closing",
    "for 5 s after the breaker has closed good answers count as none",
    claims="B4",
    scenarios="auth_503_50s auth_503_150s",
)
def settles_after_closing() -> None:
    class Breaker(CircuitBreaker):
        closed_s = -_SETTLES_S

        def succeeded(self, permit):
            closed = super().succeeded(permit)
            if closed:
                self.closed_s = time.monotonic()
            return closed

    class Client(ResilientServiceClient):
        def call(self, request):
            response = super().call(request)
            if time.monotonic() - self.breaker.closed_s < _SETTLES_S:
                raise self._unavailable("settling", None, maybe_done=True)
            return response

    use_breaker(Breaker)
    use_client(Client)
