"""Mistakes that show right after a recovery, or with an unkind probe (B1, B2, B4, B7)."""

from __future__ import annotations

import threading

from gateway.answers import agreed
from gateway.resilience import CircuitBreaker, ResilientServiceClient
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import closing_leaves, use_breaker, use_client

_SLOW_S = 2.0


@defect(
    "closing-leaves-one",
    "a breaker that closes has one failure to begin with",
    claims="B2 B4",
    scenarios="upstream_relapses",
)
def closing_leaves_one():
    closing_leaves(lambda before: 1)


@defect(
    "closing-leaves-credit",
    "a breaker that closes forgives the next two failures",
    claims="B2 B4",
    scenarios="upstream_relapses",
)
def closing_leaves_credit():
    closing_leaves(lambda before: -2)


@defect(
    "backoff-grows-with-trips",
    "each time that its breaker has opened the backoff is a second longer",
    claims="B7",
    scenarios="upstream_relapses",
)
def backoff_grows_with_trips():
    class Breaker(CircuitBreaker):
        trips = 0

        def failed(self, permit):
            opened = super().failed(permit)
            self.trips += opened
            return opened

    class Client(ResilientServiceClient):
        def _back_off(self, attempt):
            self._sleep(2 ** (attempt - 1) + self.breaker.trips)

    use_breaker(Breaker)
    use_client(Client)


@defect(
    "nonsense-probe-opens",
    "a probe that is answered 200 without its JSON opens the breaker again",
    claims="B1 B4",
    scenarios="unkind_probes",
)
def nonsense_probe_opens():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if permit.probe and response.status_code == 200 and not agreed(response):
                self.breaker.failed(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "slow-probe-opens",
    "a probe that takes longer than two seconds opens the breaker again, though it succeeds",
    claims="B1 B4",
    scenarios="unkind_probes",
)
def slow_probe_opens():
    class Breaker(CircuitBreaker):
        began_s = 0.0

        def admit(self):
            permit = super().admit()
            if permit is not None and permit.probe:
                self.began_s = self._clock()
            return permit

        def succeeded(self, permit):
            if permit.probe and self._clock() - self.began_s > _SLOW_S:
                self.failed(permit)
                return False
            return super().succeeded(permit)

    use_breaker(Breaker)


@defect(
    "no-backoff-after-timeouts",
    "who has waited for a timeout tries again at once",
    claims="B7",
    scenarios="one_silence_in_each_call",
)
def no_backoff_after_timeouts():
    last = threading.local()

    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            result = super()._attempt(request, attempt, permit)
            last.words = getattr(result, "words", "")
            return result

        def _back_off(self, attempt):
            if "timeout" not in last.words:
                super()._back_off(attempt)

    use_client(Client)
