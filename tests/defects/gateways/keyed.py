"""Mistakes in whose count it is, and over which time it runs (B2, B10)."""

from __future__ import annotations

import time
from collections import deque
from functools import wraps

from flask import g
from flask import request as current

import gateway.identity as identity
import gateway.routes.auth as auth
import gateway.routes.chat as chat
import gateway.routes.lookup as lookup
import gateway.routes.projects as projects
from gateway.resilience import CircuitBreaker, ResilientServiceClient, State
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import change_settings, count_by, use_breaker, use_client


@defect(
    "breaker-per-path",
    "a breaker for each path of the service",
    claims="B10 B2",
    scenarios="two_wallets_one_breaker",
)
def breaker_per_path():
    count_by(lambda request: request.path)


@defect(
    "breaker-per-method",
    "a breaker for GET and one for POST",
    claims="B10 B2",
    scenarios="files_and_snapshots_503",
)
def breaker_per_method():
    count_by(lambda request: request.method)


@defect(
    "breaker-per-user",
    "a breaker for each user's token",
    claims="B10 B2",
    scenarios="everybody_behind_one_breaker",
)
def breaker_per_user():
    count_by(lambda _: current.headers.get("Authorization", ""))


@defect(
    "breaker-per-route",
    "a breaker for each route of the gateway",
    claims="B10 B2",
    scenarios="everybody_behind_one_breaker files_and_snapshots_503",
)
def breaker_per_route():
    count_by(lambda _: current.endpoint)


def _forgetting(after_s: float) -> None:
    class Breaker(CircuitBreaker):
        def __init__(self, **options):
            super().__init__(**options)
            self._instants = deque()

        def failed(self, permit):
            now_s = self._clock()
            self._instants.append(now_s)
            while now_s - self._instants[0] > after_s:
                self._instants.popleft()
            if self._state is State.CLOSED:
                self._failures = len(self._instants) - 1
            return super().failed(permit)

        def succeeded(self, permit):
            self._instants.clear()
            return super().succeeded(permit)

    use_breaker(Breaker)


@defect(
    "forgets-after-10s",
    "failures older than 10 s are forgotten",
    claims="B2",
    scenarios="failures_far_apart",
)
def forgets_after_10s():
    _forgetting(10)


@defect(
    "forgets-after-a-minute",
    "failures older than a minute are forgotten",
    claims="B2",
    scenarios="failures_far_apart",
)
def forgets_after_a_minute():
    _forgetting(60)


@defect(
    "idle-clears-count",
    "half a minute without a call clears the count",
    claims="B2",
    scenarios="failures_far_apart",
)
def idle_clears_count():
    _idle_clears_count(30)


@defect(
    "idle-minute-clears-count",
    "a minute without a call clears the count",
    claims="B2",
    scenarios="failures_far_apart",
)
def idle_minute_clears_count():
    _idle_clears_count(60)


def _idle_clears_count(idle_s):
    class Breaker(CircuitBreaker):
        _last_s = 0.0

        def admit(self):
            now_s = self._clock()
            if self._state is State.CLOSED and now_s - self._last_s > idle_s:
                self._failures = 0
            self._last_s = now_s
            return super().admit()

    use_breaker(Breaker)


def _windowed(calls: int, most: int) -> None:
    class Breaker(CircuitBreaker):
        def __init__(self, **options):
            super().__init__(**options)
            self._results = deque(maxlen=calls)

        def _count(self, failed):
            self._results.append(failed)
            full = len(self._results) == calls
            enough = full and sum(self._results) >= most
            self._failures = self.threshold if enough else 0

        def failed(self, permit):
            if self._state is State.CLOSED:
                self._count(True)
                self._failures -= 1
            return super().failed(permit)

        def succeeded(self, permit):
            if self._state is not State.CLOSED:
                self._results.clear()
                return super().succeeded(permit)
            self._count(False)
            return False

    use_breaker(Breaker)


@defect(
    "half-of-ten",
    "opens when half of the last ten calls failed, not after N in a row",
    claims="B2",
    scenarios="auth_503_50s",
)
def half_of_ten():
    _windowed(calls=10, most=5)


@defect(
    "five-of-ten",
    "opens with any five failures among the last ten calls",
    claims="B1 B2",
    scenarios="lookup_intermittent",
)
def five_of_ten():
    class Breaker(CircuitBreaker):
        def __init__(self, **options):
            super().__init__(**options)
            self._results = deque(maxlen=10)

        def failed(self, permit):
            self._results.append(True)
            if self._state is State.CLOSED:
                self._failures = sum(self._results) - 1
            return super().failed(permit)

        def succeeded(self, permit):
            self._results.append(False)
            return super().succeeded(permit)

    use_breaker(Breaker)


@defect(
    "success-decrements",
    "a success takes one failure off, instead of all",
    claims="B1 B2",
    scenarios="lookup_intermittent",
)
def success_decrements():
    _success_leaves(lambda failures: failures - 1)


@defect(
    "success-halves",
    "a success takes off half of the failures, instead of all",
    claims="B1 B2",
    scenarios="four_failures_are_not_five",
)
def success_halves():
    _success_leaves(lambda failures: failures // 2)


def _success_leaves(left):
    class Breaker(CircuitBreaker):
        def succeeded(self, permit):
            failures = self._failures
            closed = super().succeeded(permit)
            if not closed and failures:
                self._failures = left(failures)
            return closed

    use_breaker(Breaker)


@defect(
    "trips-early",
    "trips after N-1 failures",
    claims="B2",
    scenarios="failures_far_apart",
)
def trips_early():
    change_settings(threshold=lambda given: given.threshold - 1)


@defect(
    "thresholds-exchanged",
    "billing's threshold of 10 for all, and 5 for billing",
    claims="B2",
    scenarios="auth_hangs_up auth_503_50s billing_refused_50s",
)
def thresholds_exchanged():
    change_settings(threshold=lambda given: 15 - given.threshold)


def _after_a_trip(threshold) -> None:
    class Breaker(CircuitBreaker):
        def _enter(self, state):
            if state is State.CLOSED:
                self.threshold = threshold(self.threshold)
            super()._enter(state)

    use_breaker(Breaker)


@defect(
    "later-trips-late",
    "after a recovery it takes three failures more to open",
    claims="B2",
    scenarios="auth_fails_three_times",
)
def later_trips_late():
    _after_a_trip(lambda given: given + 3)


@defect(
    "trips-once",
    "after a recovery it never opens again",
    claims="B2",
    scenarios="auth_fails_three_times",
)
def trips_once():
    _after_a_trip(lambda given: 10**9)


@defect(
    "later-trips-early",
    "after a recovery two failures less open it",
    claims="B2 B4",
    scenarios="auth_fails_three_times",
)
def later_trips_early():
    _after_a_trip(lambda given: max(1, given - 2))


@defect(
    "later-trips-one-early",
    "after a recovery one failure less opens it",
    claims="B2 B4",
    scenarios="failure_after_recovery",
)
def later_trips_one_early():
    _after_a_trip(lambda given: max(1, given - 1))


@defect(
    "third-trip-never-comes",
    "it opens twice, and not a third time",
    claims="B2",
    scenarios="auth_fails_three_times",
)
def third_trip_never_comes():
    class Breaker(CircuitBreaker):
        _closings = 0

        def _enter(self, state):
            if state is State.CLOSED:
                self._closings += 1
                if self._closings == 2:
                    self.threshold = 10**9
            super()._enter(state)

    use_breaker(Breaker)


@defect(
    "waits-grow",
    "each trip's wait is twice as long as the one before",
    claims="B4 B2",
    scenarios="auth_fails_three_times",
)
def waits_grow():
    class Breaker(CircuitBreaker):
        _trips = 0

        def failed(self, permit):
            opened = super().failed(permit)
            if opened:
                self._trips += 1
                self.wait_s *= 2 if self._trips > 1 else 1
            return opened

    use_breaker(Breaker)


@defect(
    "breaker-forgotten",
    "the breaker is made anew every 30 s, its state lost",
    claims="B3 B4",
    scenarios="slow_then_dead auth_fails_three_times auth_503_150s",
)
def breaker_forgotten():
    class Breaker(CircuitBreaker):
        def __init__(self, **options):
            super().__init__(**options)
            self._made_s = time.monotonic()

        def admit(self):
            if self._clock() - self._made_s > 30:
                self._made_s = self._clock()
                self._failures = 0
                if self._state is not State.CLOSED:
                    self._enter(State.CLOSED)
            return super().admit()

    use_breaker(Breaker)


@defect(
    "breaker-around-the-view",
    "auth's breaker stands around the whole view: what fails behind it counts as auth's failure",
    claims="B10 B1 G2",
    scenarios="files_429 files_and_snapshots_503",
)
def breaker_around_the_view():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if response.url.endswith("/verify_token"):
                g.verified = self.breaker, permit
            else:
                super()._on_answer(response, attempt, permit)

    needs_user = identity.needs_user

    def counted(services):
        def decorate(view):
            guarded = needs_user(services)(view)

            @wraps(view)
            def counting(*args, **options):
                response = guarded(*args, **options)
                if "verified" in g:
                    breaker, permit = g.verified
                    told = breaker.failed if response.status_code >= 500 else breaker.succeeded
                    told(permit)
                return response

            return counting

        return decorate

    for module in (auth, chat, lookup, projects):
        module.needs_user = counted
    use_client(Client)
