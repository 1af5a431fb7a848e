"""Mistakes around the probe (B4, B5)."""

from __future__ import annotations

import copy
import threading

from gateway.resilience import CircuitBreaker, Permit, ResilientServiceClient, State
from gateway.resilience.transport import Transport
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import use_breaker, use_client


@defect(
    "all-probe", "everyone admitted while half open", claims="B4", scenarios="burst_at_the_probe"
)
def all_probe():
    class Breaker(CircuitBreaker):
        def admit(self):
            permit = super().admit()
            if permit is None and self._state is State.HALF_OPEN:
                return Permit(self._generation, probe=True)
            return permit

    use_breaker(Breaker)


@defect(
    "two-probes",
    "the first probe is not counted: two are let through",
    claims="B4",
    scenarios="burst_at_the_probe",
)
def two_probes():
    class Breaker(CircuitBreaker):
        def admit(self):
            before = self._state
            permit = super().admit()
            if before is State.OPEN and permit is not None:
                self._probing = False
            return permit

    use_breaker(Breaker)


@defect(
    "probe-4xx-keeps-slot",
    "a probe answered 4xx never reports back: rejected for ever",
    claims="B4 B1",
    scenarios="refused_probe auth_429",
)
def probe_4xx_keeps_slot():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if not (permit.probe and response.status_code >= 400):
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "probe-429-keeps-slot",
    "a probe answered 429 keeps its slot: rejected for ever",
    claims="B1 B4",
    scenarios="auth_429",
)
def probe_429_keeps_slot():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if not (permit.probe and response.status_code == 429):
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "probe-without-deadline",
    "a probe without a deadline: rejected for ever",
    claims="B4 B8 G9",
    scenarios="drip_at_the_probe",
)
def probe_without_deadline():
    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            if not permit.probe:
                return super()._attempt(request, attempt, permit)
            patient = copy.copy(self)
            patient._sender = Transport(self._sender._base_url, timeout_s=None)
            return ResilientServiceClient._attempt(patient, request, attempt, permit)

    use_client(Client)


@defect(
    "probe-half-the-deadline",
    "a probe is given up after half of the deadline",
    claims="B8 T5",
    scenarios="billing_blackhole_50s",
)
def probe_half_the_deadline():
    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            if not permit.probe:
                return super()._attempt(request, attempt, permit)
            hasty = copy.copy(self)
            half_s = self.settings.timeout_s / 2
            hasty._sender = Transport(self._sender._base_url, timeout_s=half_s)
            return ResilientServiceClient._attempt(hasty, request, attempt, permit)

    use_client(Client)


@defect("failed-probe-closes", "a failed probe closes", claims="B4", scenarios="auth_503_150s")
def failed_probe_closes():
    class Breaker(CircuitBreaker):
        def failed(self, permit):
            opened = super().failed(permit)
            if opened and permit.probe:
                with self._lock:
                    self._failures = 0
                    self._enter(State.CLOSED)
            return opened

    use_breaker(Breaker)


@defect(
    "failed-probe-ignored",
    "a failed probe is ignored: the upstream is hit again and again",
    claims="B4",
    scenarios="auth_503_150s",
)
def failed_probe_ignored():
    class Breaker(CircuitBreaker):
        def failed(self, permit):
            if permit.probe:
                self.give_back(permit)
                return False
            return super().failed(permit)

    use_breaker(Breaker)


@defect(
    "never-half-opens",
    "never half opens",
    claims="B4",
    scenarios="auth_refused_50s chroma_refused_50s",
)
def never_half_opens():
    class Breaker(CircuitBreaker):
        def admit(self):
            return None if self._state is State.OPEN else super().admit()

    use_breaker(Breaker)


@defect(
    "probe-retries", "the probe retries: two attempts", claims="B4 B6", scenarios="auth_503_150s"
)
def probe_retries():
    local = threading.local()

    class Client(ResilientServiceClient):
        def _admitted(self, failed):
            if failed is not None and getattr(local, "probe", None) is not None:
                return local.probe
            permit = super()._admitted(failed)
            local.probe = permit if permit.probe else None
            return permit

        def _on_failure(self, request, attempt, permit, failed):
            if not permit.probe or attempt == self.settings.attempts:
                super()._on_failure(request, attempt, permit, failed)

    use_client(Client)
