"""Mistakes in waits, backoffs and retries (B3, B4, B6, B7)."""

from __future__ import annotations

import threading
import time
from datetime import datetime

import requests

from gateway.resilience import (
    CircuitBreaker,
    Permit,
    ResilientServiceClient,
    ServiceUnavailable,
    State,
)
from gateway.resilience.client import _Failed
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import change_settings, use_breaker, use_client

PATIENT = {"GATEWAY_PROFILE": "patient"}
FOUR_ATTEMPTS = {"auth": {"attempts": 4}}


@defect(
    "rejections-restart-timer",
    "rejected calls restart the open timer: never probes under steady traffic",
    claims="B4",
    scenarios="auth_503_50s auth_refused_50s",
)
def rejections_restart_timer():
    class Breaker(CircuitBreaker):
        def admit(self):
            permit = super().admit()
            if permit is None and self._state is State.OPEN:
                self._opened_s = self._clock()
            return permit

    use_breaker(Breaker)


@defect(
    "timer-from-call-start",
    "open timer counted from the call's start: probes early",
    claims="B4",
    scenarios="auth_blackhole_50s login_blackhole_50s",
)
def timer_from_call_start():
    local = threading.local()

    class Client(ResilientServiceClient):
        def call(self, request):
            local.started_s = time.monotonic()
            return super().call(request)

    class Breaker(CircuitBreaker):
        def failed(self, permit):
            opened = super().failed(permit)
            if opened:
                self._opened_s = local.started_s
            return opened

    use_client(Client)
    use_breaker(Breaker)


@defect(
    "waits-exchanged",
    "60 and 30 s exchanged",
    claims="B4",
    scenarios="auth_503_50s auth_refused_50s",
)
def waits_exchanged():
    change_settings(wait_s=lambda given: {60: 30, 30: 60}.get(given.wait_s, given.wait_s))


@defect("half-the-wait", "half the wait", claims="B4", scenarios="auth_503_50s auth_refused_50s")
def half_the_wait():
    change_settings(wait_s=lambda given: given.wait_s / 2)


@defect(
    "wall-clock-timer",
    "a wall clock for the timer: a step back by an hour leaves it open",
    claims="B4",
    scenarios="clock_steps_back",
    sim_only=True,
)
def wall_clock_timer():
    class Breaker(CircuitBreaker):
        def __init__(self, **options):
            super().__init__(**{**options, "clock": time.time})

    use_breaker(Breaker)


@defect(
    "datetime-timer",
    "datetime.now() for the timer: a step back by an hour leaves it open",
    claims="B4",
    scenarios="clock_steps_back",
    sim_only=True,
)
def datetime_timer():
    class Breaker(CircuitBreaker):
        def __init__(self, **options):
            super().__init__(**{**options, "clock": lambda: datetime.now().timestamp()})

    use_breaker(Breaker)


@defect(
    "sleeps-after-last",
    "sleeps after the last attempt",
    claims="B7",
    scenarios="billing_refused_50s",
)
def sleeps_after_last():
    class Client(ResilientServiceClient):
        def call(self, request):
            try:
                return super().call(request)
            except ServiceUnavailable as error:
                if error.reason == "all attempts failed":
                    self._back_off(self.settings.attempts)
                raise

    use_client(Client)


@defect("no-backoff", "no backoff", claims="B7", scenarios="auth_one_503 auth_503_50s")
def no_backoff():
    class Client(ResilientServiceClient):
        def _back_off(self, attempt):
            pass

    use_client(Client)


@defect(
    "linear-backoff",
    "linear backoff: 1, 2, 3 s instead of 1, 2, 4 s",
    claims="B7",
    scenarios="patient_backoff",
    environ=PATIENT,
    breakers=FOUR_ATTEMPTS,
)
def linear_backoff():
    class Client(ResilientServiceClient):
        def _back_off(self, attempt):
            self._sleep(attempt)

    use_client(Client)


@defect(
    "retries-although-open",
    "retries go on although the breaker has opened",
    claims="B6",
    scenarios="auth_blackhole_burst auth_blackhole_50s",
)
def retries_although_open():
    class Client(ResilientServiceClient):
        def _admitted(self, failed):
            if failed is not None:
                return self.breaker.admit() or Permit(-1, probe=False)
            return super()._admitted(failed)

    use_client(Client)


@defect("retries-4xx", "4xx retried", claims="B1", scenarios="token_refused wrong_passwords")
def retries_4xx():
    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            result = super()._attempt(request, attempt, permit)
            refused = isinstance(result, requests.Response) and 400 <= result.status_code < 500
            if refused and attempt < self.settings.attempts:
                return _Failed(words="refused", error=None)
            return result

    use_client(Client)
