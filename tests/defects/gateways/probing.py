"""More mistakes around the probe: what it is, how many there are, what becomes of it (B4)."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import requests

from gateway.resilience import CircuitBreaker, Permit, ResilientServiceClient, State
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import use_breaker, use_client


@defect(
    "probe-is-health",
    "the probe is GET /health, not the real request",
    claims="B4",
    scenarios="health_says_ok",
)
def probe_is_health():
    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            if not permit.probe:
                return super()._attempt(request, attempt, permit)
            health = replace(
                request, method="GET", path="/health", json=None, params=None, headers=None
            )
            result = super()._attempt(health, attempt, permit)
            return self._result(request) if isinstance(result, requests.Response) else result

    use_client(Client)


@defect(
    "background-health",
    "a thread asks /health while the breaker is open, and closes it",
    claims="B4 B3",
    scenarios="two_wallets_one_breaker health_says_ok",
)
def background_health():
    class Client(ResilientServiceClient):
        def _on_failure(self, request, attempt, permit, failed):
            super()._on_failure(request, attempt, permit, failed)
            if self.breaker.snapshot().state is State.OPEN and not permit.probe:
                threading.Thread(target=self._watch, daemon=True).start()

        def _watch(self):
            while self.breaker.snapshot().state is State.OPEN:
                self._sleep(10)
                try:
                    well = self._sender.send("GET", "/health").status_code == 200
                except OSError:
                    continue
                if well:
                    with self.breaker._lock:
                        self.breaker._failures = 0
                        self.breaker._enter(State.CLOSED)

    use_client(Client)


def _admitting(most: int) -> None:
    class Breaker(CircuitBreaker):
        _out = 0

        def admit(self):
            before = self._state
            permit = super().admit()
            if before is State.OPEN and permit is not None:
                self._out = 1
            elif permit is None and self._state is State.HALF_OPEN and self._out < most:
                self._out += 1
                return Permit(self._generation, probe=True)
            return permit

    use_breaker(Breaker)


@defect(
    "three-probes",
    "three are let through while half open",
    claims="B4",
    scenarios="burst_at_the_probe",
)
def three_probes():
    _admitting(3)


@defect(
    "ten-probes", "ten are let through while half open", claims="B4", scenarios="burst_at_the_probe"
)
def ten_probes():
    _admitting(10)


@defect(
    "second-probe-after-2s",
    "a probe that takes longer than 2 s is given up, and a second one let through",
    claims="B4 T5",
    scenarios="billing_blackhole_50s",
)
def second_probe_after_2s():
    class Breaker(CircuitBreaker):
        _probed_s = 0.0

        def admit(self):
            now_s = self._clock()
            if self._state is State.HALF_OPEN and now_s - self._probed_s > 2:
                self._probing = False
            permit = super().admit()
            if permit is not None and permit.probe:
                self._probed_s = now_s
            return permit

    use_breaker(Breaker)


@defect(
    "two-successes-close",
    "closing takes two successes: a failure right after the probe opens again",
    claims="B4 B2",
    scenarios="failure_after_recovery",
)
def two_successes_close():
    class Breaker(CircuitBreaker):
        _good = 0

        def succeeded(self, permit):
            with self._lock:
                if self._state is State.HALF_OPEN and permit.generation == self._generation:
                    self._good += 1
                    if self._good < 3:
                        self._probing = False
                        return False
            self._good = 0
            return super().succeeded(permit)

    use_breaker(Breaker)


@defect(
    "4xx-leaves-half-open",
    "a probe answered 4xx leaves the breaker half open: the next failure opens it",
    claims="B4",
    scenarios="refused_probe_then_failures",
)
def refusal_leaves_half_open():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if permit.probe and 400 <= response.status_code < 500:
                self.breaker.give_back(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "4xx-then-stuck",
    "half open after a 4xx to the probe, and a failure then keeps the slot for ever",
    claims="B4 B2",
    scenarios="refused_probe_then_failures",
)
def refusal_then_stuck():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if permit.probe and 400 <= response.status_code < 500:
                self.breaker.give_back(permit)
            else:
                super()._on_answer(response, attempt, permit)

        def _on_failure(self, request, attempt, permit, failed):
            if not (permit.probe and self.breaker.snapshot().state is State.HALF_OPEN):
                super()._on_failure(request, attempt, permit, failed)

    use_client(Client)


def _slot_kept(words: str) -> None:
    class Client(ResilientServiceClient):
        def _on_failure(self, request, attempt, permit, failed):
            if not (permit.probe and words in failed.words):
                super()._on_failure(request, attempt, permit, failed)

    use_client(Client)


@defect(
    "truncated-probe-keeps-slot",
    "a probe whose body breaks off never reports back: rejected for ever",
    claims="B4",
    scenarios="probes_break",
)
def truncated_probe_keeps_slot():
    _slot_kept("truncated")


@defect(
    "undecodable-probe-keeps-slot",
    "a probe whose body can't be decoded never reports back",
    claims="B4",
    scenarios="probes_break",
)
def undecodable_probe_keeps_slot():
    _slot_kept("undecodable")


@defect(
    "closed-probe-keeps-slot",
    "a probe whose connection is closed never reports back",
    claims="B4",
    scenarios="probes_break",
)
def closed_probe_keeps_slot():
    _slot_kept("closed")


@defect(
    "refused-probe-keeps-slot",
    "a probe that is refused a connection never reports back",
    claims="B4",
    scenarios="billing_refused_50s",
)
def refused_probe_keeps_slot():
    _slot_kept("refused")


@defect(
    "broken-probe-closes",
    "a probe counts as a success once its status is in, whatever becomes of its body",
    claims="B4 B1",
    scenarios="probes_break",
)
def broken_probe_closes():
    class Client(ResilientServiceClient):
        def _on_failure(self, request, attempt, permit, failed):
            if permit.probe and ("truncated" in failed.words or "undecodable" in failed.words):
                self.breaker.succeeded(permit)
            else:
                super()._on_failure(request, attempt, permit, failed)

    use_client(Client)


def _waiting(wait_s) -> None:
    """The wait after a trip (0) or after a failed probe (1, 2...) of W seconds."""

    class Breaker(CircuitBreaker):
        _failed_probes = 0

        def __init__(self, **options):
            super().__init__(**options)
            self._given_s = self.wait_s

        def failed(self, permit):
            opened = super().failed(permit)
            if opened:
                self._failed_probes = self._failed_probes + 1 if permit.probe else 0
                self.wait_s = wait_s(self._given_s, self._failed_probes)
            return opened

    use_breaker(Breaker)


@defect(
    "failed-probes-wait-longer",
    "each failed probe doubles the wait",
    claims="B4 T9",
    scenarios="auth_503_150s",
)
def failed_probes_wait_longer():
    _waiting(lambda given_s, failed: given_s * 2**failed)


@defect(
    "failed-probe-waits-less",
    "after a failed probe the next one comes after half the wait",
    claims="B4 T9",
    scenarios="auth_503_150s",
)
def failed_probe_waits_less():
    _waiting(lambda given_s, failed: given_s / 2 if failed else given_s)


@defect(
    "failed-probe-waits-second",
    "after a failed probe the next one comes a second later",
    claims="B4 T9 B3",
    scenarios="auth_503_150s",
)
def failed_probe_waits_second():
    _waiting(lambda given_s, failed: 1.0 if failed else given_s)


@defect(
    "wait-with-jitter",
    "the wait varies by a quarter, at random",
    claims="B4",
    scenarios="auth_503_50s auth_503_150s",
)
def wait_with_jitter():
    drawn = random.Random(7)
    _waiting(lambda given_s, failed: given_s * drawn.uniform(0.75, 1.25))


@defect(
    "wait-starts-at-first-failure",
    "the wait runs from the first failure, not from the trip",
    claims="B4",
    scenarios="billing_blackhole_50s auth_blackhole_50s",
)
def wait_starts_at_first_failure():
    class Breaker(CircuitBreaker):
        _first_s = 0.0

        def failed(self, permit):
            if self._failures == 0:
                self._first_s = self._clock()
            opened = super().failed(permit)
            if opened and not permit.probe:
                self._opened_s = self._first_s
            return opened

        def admit(self):
            return super().admit()

    use_breaker(Breaker)


@defect(
    "closes-without-probe",
    "after the wait it is closed, without a probe: five attempts to open again",
    claims="B4",
    scenarios="burst_at_the_probe auth_503_150s",
)
def closes_without_probe():
    class Breaker(CircuitBreaker):
        def admit(self):
            with self._lock:
                over = self._clock() - self._opened_s >= self.wait_s
                if self._state is State.OPEN and over:
                    self._failures = 0
                    self._enter(State.CLOSED)
            return super().admit()

    use_breaker(Breaker)


@defect(
    "half-open-counts-again",
    "while half open it takes N failures to open again",
    claims="B4",
    scenarios="auth_503_150s",
)
def half_open_counts_again():
    class Breaker(CircuitBreaker):
        _again = 0

        def failed(self, permit):
            if permit.probe:
                self._again += 1
                if self._again < self.threshold:
                    self.give_back(permit)
                    return False
                self._again = 0
            return super().failed(permit)

    use_breaker(Breaker)


@defect(
    "probe-waits-its-turn",
    "while a probe is out others wait for it instead of being rejected",
    claims="B4 B3",
    scenarios="burst_at_the_probe",
)
def probe_waits_its_turn():
    class Client(ResilientServiceClient):
        def _admitted(self, failed):
            while self.breaker.snapshot().state is State.HALF_OPEN:
                self._sleep(0.05)
            return super()._admitted(failed)

    use_client(Client)


@defect(
    "never-closes",
    "a good probe gives its slot to the next, and the breaker stays half open",
    claims="B4 B12",
    scenarios="burst_at_the_probe status_page failure_after_recovery",
)
def never_closes():
    class Breaker(CircuitBreaker):
        def succeeded(self, permit):
            if permit.probe:
                self.give_back(permit)
                return False
            return super().succeeded(permit)

    use_breaker(Breaker)
