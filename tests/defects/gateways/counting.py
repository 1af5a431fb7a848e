"""Mistakes in what counts as a failure and whose count it is (B1, B2, B5, B10)."""

from __future__ import annotations

import itertools
import traceback

import requests

import gateway.answers
import gateway.app
import gateway.context
import gateway.identity
import gateway.money
import gateway.resilience.client as client_module
import gateway.routes.auth
import gateway.routes.passing
import gateway.routes.projects
import gateway.services as services
from gateway.resilience import CircuitBreaker, ResilientServiceClient, State
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import (
    change_settings,
    closing_leaves,
    count_not,
    use_breaker,
    use_client,
)


@defect(
    "trips-late", "trips after N+1 failures", claims="B2 T3", scenarios="auth_hangs_up auth_503_50s"
)
def trips_late():
    change_settings(threshold=lambda given: given.threshold + 1)


@defect(
    "trips-at-once",
    "the very first failure opens it",
    claims="B2 T3 T11",
    scenarios="auth_one_503 auth_503_50s",
)
def trips_at_once():
    change_settings(threshold=1)


@defect(
    "trips-after-attempts",
    "trips after n failures, the retry count taken for the threshold",
    claims="B2",
    scenarios="auth_cut_heads auth_503_50s",
)
def trips_after_attempts():
    change_settings(threshold=lambda given: given.attempts)


@defect(
    "counts-calls", "counts once a call", claims="B1 B2", scenarios="auth_hangs_up auth_503_50s"
)
def counts_calls():
    change_settings(per_call=True)


@defect(
    "success-resets-nothing",
    "a success does not reset the run",
    claims="B1 B2",
    scenarios="lookup_intermittent",
)
def success_resets_nothing():
    class Breaker(CircuitBreaker):
        def succeeded(self, permit):
            return permit.probe and super().succeeded(permit)

    use_breaker(Breaker)


@defect(
    "counts-4xx",
    "4xx counted as failures: five wrong passwords lock everyone out",
    claims="B1 B2",
    scenarios="token_refused refused_probe",
)
def counts_4xx():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if response.status_code >= 400:
                self.breaker.failed(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "any-answer-succeeds",
    "any answer counted as success, 5xx included",
    claims="B1 B2",
    scenarios="auth_503_50s",
)
def any_answer_succeeds():
    class Client(ResilientServiceClient):
        def _result(self, request):
            result = super()._result(request)
            if isinstance(result, requests.Response) or "answered" not in result.words:
                return result
            response = requests.Response()
            response.status_code, response._content = int(result.words.split()[-1]), b"{}"
            return response

    use_client(Client)


@defect(
    "timeouts-uncounted",
    "read timeouts not counted",
    claims="B1 B2",
    scenarios="auth_blackhole_burst auth_blackhole_50s",
)
def timeouts_uncounted():
    count_not(lambda request, failed, attempt: failed.words == "Connection failed: timeout")


@defect(
    "truncated-body-escapes",
    "a truncated or undecodable body escapes as an unhandled error",
    claims="B1 B9 G2 G9",
    scenarios="auth_broken_bodies",
)
def truncated_body_escapes():
    client_module.Failure = (requests.ConnectionError, requests.Timeout)


@defect(
    "malformed-json-escapes",
    "malformed JSON escapes as an unhandled error",
    claims="B1 G1 G2 G9",
    scenarios="auth_malformed_json",
)
def malformed_json_escapes():
    def agreed(response):
        return response.json() if response.status_code == 200 else {}

    for module in (
        gateway.context,
        gateway.identity,
        gateway.money,
        gateway.routes.auth,
        gateway.routes.passing,
        gateway.routes.projects,
    ):
        module.agreed = agreed


@defect(
    "traceback-shown",
    "malformed JSON is an unhandled error, and the answer shows its stack",
    claims="B1 B9 G1 G2 G9",
    scenarios="auth_malformed_json",
)
def traceback_shown():
    malformed_json_escapes()

    create = gateway.app.create_app

    def creating(*args, **options):
        made = create(*args, **options)
        made.register_error_handler(Exception, lambda _: (traceback.format_exc(), 500))
        return made

    gateway.app.create_app = creating


@defect(
    "late-failure-restarts-timer",
    "a late failure restarts the open timer",
    claims="B4 B5",
    scenarios="auth_blackhole_50s login_blackhole_50s",
)
def late_failure_restarts_timer():
    class Breaker(CircuitBreaker):
        def failed(self, permit):
            if super().failed(permit):
                return True
            if self._state is State.OPEN:
                self._opened_s = self._clock()
            return False

    use_breaker(Breaker)


@defect("late-success-closes", "a late success closes", claims="B4 B5", scenarios="late_success")
def late_success_closes():
    class Breaker(CircuitBreaker):
        def succeeded(self, permit):
            if self._state is State.OPEN:
                with self._lock:
                    self._failures = 0
                    self._enter(State.CLOSED)
                return True
            return super().succeeded(permit)

    use_breaker(Breaker)


@defect(
    "count-survives-closing",
    "the count isn't cleared on closing: one failure opens again",
    claims="B2 B4",
    scenarios="failure_after_recovery",
)
def count_survives_closing():
    closing_leaves(lambda before: before)


@defect(
    "one-breaker-for-all",
    "one breaker for several services",
    claims="B10 B2 G4 G5 G6",
    scenarios="balance_lookup_fails chroma_refused_50s billing_refused_50s",
)
def one_breaker_for_all():
    shared = []
    make = services._client

    def sharing(upstream):
        client = make(upstream)
        shared.append(client.breaker)
        client.breaker = shared[0]
        return client

    services._client = sharing


@defect(
    "client-per-request",
    "a client made for each request: never opens",
    claims="B10 B2",
    scenarios="auth_cut_heads auth_503_50s",
)
def client_per_request():
    class Client(ResilientServiceClient):
        def call(self, request):
            fresh = CircuitBreaker(threshold=self.breaker.threshold, wait_s=self.breaker.wait_s)
            made = ResilientServiceClient(self.name, self._sender, self.settings, fresh)
            return made.call(request)

    use_client(Client)


@defect(
    "two-workers",
    "two worker processes, two breakers",
    claims="B10 B2",
    scenarios="auth_cut_heads auth_503_50s",
    workers=2,
)
def two_workers():
    """The applications that take turns are the runner's business."""


@defect(
    "non-atomic-count",
    "a non-atomic count: simultaneous failures are lost",
    claims="B2",
    scenarios="auth_blackhole_burst",
    sim_only=True,
)
def non_atomic_count():
    class Breaker(CircuitBreaker):
        def failed(self, permit):
            failures = self._failures
            now_s = self._clock()
            if permit.generation != self._generation:
                return False
            self._failures = failures + 1
            if self._state is State.CLOSED and self._failures < self.threshold:
                return False
            self._opened_s = now_s
            self._enter(State.OPEN)
            return True

    use_breaker(Breaker)


@defect(
    "plain-count",
    "a count without a lock: failures between two of its lines are lost",
    claims="B2",
    scenarios="auth_blackhole_burst",
    lines_only=True,
)
def plain_count():
    class Breaker(CircuitBreaker):
        def failed(self, permit):
            if permit.generation != self._generation:
                return False
            failures = self._failures
            failures += 1
            self._failures = failures
            if self._state is State.CLOSED and failures < self.threshold:
                return False
            self._opened_s = self._clock()
            self._enter(State.OPEN)
            return True

    use_breaker(Breaker)


def taking_turns(applications):
    """A WSGI application that gives each request to the next of several."""
    turns = itertools.cycle(applications)
    return lambda environ, start_response: next(turns)(environ, start_response)


@defect(
    "only-alike-count",
    "a failure of another kind than the one before begins the count anew",
    claims="B1 B2",
    scenarios="failures_far_apart",
)
def only_alike_count():
    class Client(ResilientServiceClient):
        _words = None

        def _on_failure(self, request, attempt, permit, failed):
            if self._words not in (None, failed.words):
                self.breaker.succeeded(permit)
            self._words = failed.words
            super()._on_failure(request, attempt, permit, failed)

    use_client(Client)
