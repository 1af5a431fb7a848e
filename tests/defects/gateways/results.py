"""Mistakes in which results of an attempt are failures (B1)."""

from __future__ import annotations

import io
import time
from collections import deque

import requests

import gateway.resilience.transport as transport
from gateway.answers import agreed
from gateway.resilience import CircuitBreaker, ResilientServiceClient, State
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import count_not, use_breaker, use_client


def _not_counted(*words: str) -> None:
    count_not(lambda request, failed, attempt: failed.words.startswith(words))


@defect(
    "refused-uncounted",
    "a refused connection is not counted: never opens",
    claims="B1 B2 B3",
    scenarios="auth_refused_50s",
)
def refused_uncounted():
    _not_counted("Connection refused")


@defect(
    "resets-uncounted",
    "a connection reset is not counted",
    claims="B1 B2",
    scenarios="auth_hangs_up",
)
def resets_uncounted():
    _not_counted("Connection failed: reset")


@defect(
    "hang-ups-uncounted",
    "a connection closed without an answer is not counted",
    claims="B1 B2",
    scenarios="auth_hangs_up",
)
def hang_ups_uncounted():
    _not_counted("Connection failed: closed")


@defect(
    "truncated-uncounted",
    "a body that breaks off is not counted",
    claims="B1 B2",
    scenarios="auth_broken_bodies",
)
def truncated_uncounted():
    _not_counted("Connection failed: truncated")


@defect(
    "undecodable-uncounted",
    "a body that can't be decoded is not counted",
    claims="B1 B2",
    scenarios="auth_broken_bodies",
)
def undecodable_uncounted():
    _not_counted("Connection failed: undecodable")


@defect(
    "500-uncounted",
    "500 is not counted, being the caller's fault",
    claims="B1 B2",
    scenarios="auth_answers_5xx",
)
def uncounted_500():
    _not_counted("Server answered 500")


@defect(
    "gateway-errors-uncounted",
    "502 and 504 are not counted, being a proxy's",
    claims="B1 B2",
    scenarios="auth_answers_5xx",
)
def gateway_errors_uncounted():
    _not_counted("Server answered 502", "Server answered 504")


@defect(
    "listed-5xx-counted",
    "only 500, 502, 503 and 504 are counted",
    claims="B1 B2",
    scenarios="auth_answers_5xx",
)
def listed_5xx_counted():
    _not_counted("Server answered 501")


@defect(
    "unlisted-5xx-uncounted",
    "statuses above 510 are nobody's standard, and not counted",
    claims="B1 B2",
    scenarios="auth_answers_5xx",
)
def unlisted_5xx_uncounted():
    _not_counted("Server answered 520")


@defect(
    "only-503-counted",
    "of all statuses only 503 is counted",
    claims="B1 B2",
    scenarios="auth_answers_5xx",
)
def only_503_counted():
    count_not(
        lambda request, failed, attempt: (
            failed.words.startswith("Server answered") and "503" not in failed.words
        )
    )


@defect(
    "posts-uncounted",
    "a failed POST is not counted: auth's breaker never opens",
    claims="B1 B2 B3",
    scenarios="auth_cut_heads auth_503_50s",
)
def posts_uncounted():
    count_not(lambda request, failed, attempt: request.method == "POST")


@defect(
    "gets-uncounted",
    "a failed GET is not counted",
    claims="B1 B2",
    scenarios="failures_far_apart lookup_refused_50s",
)
def gets_uncounted():
    count_not(lambda request, failed, attempt: request.method == "GET")


@defect(
    "first-attempts-counted",
    "only each call's first attempt is counted",
    claims="B1 B2",
    scenarios="auth_503_50s",
)
def first_attempts_counted():
    count_not(lambda request, failed, attempt: attempt > 1)


@defect(
    "429-counted",
    "429 is counted as a failure",
    claims="B1",
    scenarios="files_429 auth_429",
)
def counted_429():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if response.status_code == 429:
                self.breaker.failed(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "429-resets",
    "429 is a success and resets the count",
    claims="B1",
    scenarios="auth_429",
)
def resetting_429():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            self.breaker.succeeded(permit)

    use_client(Client)


@defect(
    "slow-counted",
    "an answer that takes longer than a second is counted as a failure",
    claims="B1 B2 B5",
    scenarios="slow_then_dead chroma_slow",
)
def slow_counted():
    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            self._begun_s = time.monotonic()
            return super()._attempt(request, attempt, permit)

        def _on_answer(self, response, attempt, permit):
            if response.elapsed.total_seconds() > 1:
                self.breaker.failed(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "nonsense-counted",
    "a 200 without the JSON that was agreed is counted as a failure",
    claims="B1",
    scenarios="billing_malformed_json nonsense_from_the_rest auth_malformed_json",
)
def nonsense_counted():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if response.status_code == 200 and not agreed(response):
                self.breaker.failed(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "nonsense-opens",
    "a 200 without the JSON that was agreed opens the breaker at once",
    claims="B1 B2",
    scenarios="billing_malformed_json chat_meets_every_failure",
)
def nonsense_opens():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if response.status_code == 200 and not agreed(response):
                for _ in range(self.breaker.threshold):
                    self.breaker.failed(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "refusals-reset-nothing",
    "a 4xx neither counts nor resets",
    claims="B1 B4",
    scenarios="refused_probe_then_failures lookup_answers_below_500",
)
def refusals_reset_nothing():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if 400 <= response.status_code < 500:
                self.breaker.give_back(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "any-error-escapes",
    "a failed connection reaches the caller as the library's own error: 500",
    claims="B9 G2 G9",
    scenarios="auth_hangs_up auth_refused_50s",
)
def any_error_escapes():
    class Client(ResilientServiceClient):
        def _unavailable(self, reason, failed):
            if failed is not None and isinstance(failed.error, requests.ConnectionError):
                return failed.error
            return super()._unavailable(reason, failed)

    use_client(Client)


@defect(
    "rejections-counted",
    "a rejected call counts as a failure, so a slow probe is overruled",
    claims="B4 B3",
    scenarios="burst_at_the_probe",
)
def rejections_counted():
    class Breaker(CircuitBreaker):
        def admit(self):
            permit = super().admit()
            if permit is None and self._probing:
                self._opened_s = self._clock()
                self._enter(type(self._state).OPEN)
            return permit

    use_breaker(Breaker)


@defect(
    "cut-head-accepted",
    "a head that breaks off is taken for a whole answer",
    claims="B1 B2",
    scenarios="auth_cut_heads",
)
def cut_head_accepted():
    transport._WholeLines = io.BufferedReader


@defect(
    "late-answers-discarded",
    "an answer that comes after the breaker has opened is thrown away",
    claims="B5",
    scenarios="late_success",
)
def late_answers_discarded():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if self.breaker.snapshot().state is State.OPEN:
                raise self._unavailable("circuit breaker open", None)
            super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "refusals-in-ten-seconds",
    "any five answers of 4xx within ten seconds open it",
    claims="B1 B2",
    scenarios="nobody_gets_in",
)
def refusals_in_ten_seconds():
    class Client(ResilientServiceClient):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self._refused_s = deque(maxlen=5)

        def _on_answer(self, response, attempt, permit):
            now_s = time.monotonic()
            if 400 <= response.status_code < 500:
                self._refused_s.append(now_s)
                if len(self._refused_s) == 5 and now_s - self._refused_s[0] <= 10:
                    self.breaker._failures = self.breaker.threshold
                    self.breaker.failed(permit)
                    return
            super()._on_answer(response, attempt, permit)

    use_client(Client)


def _counted(matches):
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if matches(response.status_code):
                self.breaker.failed(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "404-counted",
    "404 is counted as a failure, being a wrong address",
    claims="B1",
    scenarios="lookup_answers_below_500",
)
def counted_404():
    _counted(lambda status: status == 404)


@defect(
    "redirects-counted",
    "a redirect is counted as a failure, not being followed",
    claims="B1",
    scenarios="lookup_answers_below_500",
)
def counted_redirects():
    _counted(lambda status: 300 <= status < 400)


@defect(
    "empty-counted",
    "an answer without content is counted as a failure",
    claims="B1",
    scenarios="lookup_answers_below_500",
)
def counted_empty():
    _counted(lambda status: status == 204)


@defect(
    "nonsense-neutral",
    "a 200 that isn't JSON neither counts nor resets",
    claims="B1",
    scenarios="lookup_answers_below_500",
)
def neutral_nonsense():
    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if response.status_code == 200 and not agreed(response):
                self.breaker.give_back(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "408-counted",
    "408 is counted as a failure, being a timeout",
    claims="B1",
    scenarios="lookup_answers_below_500",
)
def counted_408():
    _counted(lambda status: status == 408)


def _neutral(status):
    """Answers of a status neither count nor reset."""

    class Client(ResilientServiceClient):
        def _on_answer(self, response, attempt, permit):
            if response.status_code == status:
                self.breaker.give_back(permit)
            else:
                super()._on_answer(response, attempt, permit)

    use_client(Client)


@defect(
    "403-neutral",
    "403 neither counts nor resets",
    claims="B1",
    scenarios="four_failures_are_not_five",
)
def neutral_403():
    _neutral(403)


@defect(
    "redirects-neutral",
    "a redirect neither counts nor resets, being no answer",
    claims="B1",
    scenarios="four_failures_are_not_five",
)
def neutral_redirects():
    _neutral(302)


@defect(
    "charges-uncounted",
    "a failed charge is not counted, only a failed lookup",
    claims="B1 B2",
    scenarios="charges_fail_in_a_row",
)
def charges_uncounted():
    count_not(lambda request, failed, attempt: request.path == "/deduct")


@defect(
    "slow-success-keeps-count",
    "a success that takes longer than a second doesn't reset the run of failures",
    claims="B1 B2",
    scenarios="four_failures_are_not_five",
)
def slow_success_keeps_count():
    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            began_s, failures = time.monotonic(), self.breaker._failures
            result = super()._attempt(request, attempt, permit)
            if self.breaker._failures < failures and time.monotonic() - began_s > 1:
                self.breaker._failures = failures
            return result

    use_client(Client)
