"""More mistakes in attempts, the waits between them, and deadlines (B3, B6-B8)."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import gateway.services as services
from gateway.resilience import CircuitBreaker, Permit, ResilientServiceClient, ServiceUnavailable
from gateway.resilience.client import _Failed
from gateway.resilience.transport import Transport
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import (
    back_off,
    change_settings,
    retry_not,
    use_breaker,
    use_client,
)
from tests.defects.gateways.timing import FOUR_ATTEMPTS, PATIENT


class _Asked(ResilientServiceClient):
    """Knows what the last answer's Retry-After asked for, in seconds."""

    asked_s: float | None = None

    def __init__(self, name, sender, *args, **options):
        super().__init__(name, sender, *args, **options)
        send = sender.send

        def listening(*given, **more):
            response = send(*given, **more)
            text = response.headers.get("Retry-After", "")
            self.asked_s = float(text) if text.isdigit() else None
            return response

        sender.send = listening


@defect(
    "retry-after-obeyed",
    "between attempts it sleeps for what Retry-After says, however long",
    claims="B7 B8 G9",
    scenarios="auth_asks_for_patience",
)
def retry_after_obeyed():
    class Client(_Asked):
        def _back_off(self, attempt):
            if self.asked_s is None:
                super()._back_off(attempt)
            else:
                self._sleep(self.asked_s)

    use_client(Client)


@defect(
    "retry-after-is-the-wait",
    "the open breaker waits for as long as Retry-After says",
    claims="B7 B4",
    scenarios="auth_asks_for_patience",
)
def retry_after_is_the_wait():
    class Client(_Asked):
        def _on_failure(self, request, attempt, permit, failed):
            if self.asked_s is not None:
                self.breaker.wait_s = self.asked_s
            super()._on_failure(request, attempt, permit, failed)

    use_client(Client)


@defect(
    "retry-after-gives-up",
    "a Retry-After ends the call: no second attempt",
    claims="B7",
    scenarios="auth_asks_for_patience",
)
def retry_after_gives_up():
    class Client(_Asked):
        def _attempt(self, request, attempt, permit):
            result = super()._attempt(request, attempt, permit)
            if isinstance(result, _Failed) and self.asked_s is not None:
                raise self._unavailable("all attempts failed", result)
            return result

    use_client(Client)


@defect(
    "three-attempts",
    "n retries after the first attempt, so n+1 attempts",
    claims="B7 B8 B2 T5 T1",
    scenarios="filesystem_stall_30s billing_blackhole_50s",
)
def three_attempts():
    change_settings(attempts=lambda given: given.attempts + 1)


@defect(
    "no-retry",
    "one attempt a call, whatever n says",
    claims="B7 T11",
    scenarios="auth_one_503",
)
def no_retry():
    change_settings(attempts=1)


@defect(
    "backoff-of-two",
    "two seconds between attempts",
    claims="B7",
    scenarios="login_meets_every_failure",
)
def backoff_of_two():
    back_off(lambda attempt: 2.0**attempt)


@defect(
    "backoff-of-half",
    "half a second between attempts",
    claims="B7",
    scenarios="one_503_in_each_call",
)
def backoff_of_half():
    back_off(lambda attempt: 0.5 * 2 ** (attempt - 1))


@defect(
    "backoff-with-full-jitter",
    "between nothing and a second lies between attempts",
    claims="B7",
    scenarios="one_503_in_each_call",
)
def backoff_with_full_jitter():
    drawn = random.Random(7)
    back_off(lambda attempt: drawn.uniform(0, 2 ** (attempt - 1)))


@defect(
    "backoff-with-jitter",
    "the second between attempts varies by a half, at random",
    claims="B7",
    scenarios="one_503_in_each_call",
)
def backoff_with_jitter():
    drawn = random.Random(7)
    back_off(lambda attempt: 2 ** (attempt - 1) * drawn.uniform(0.5, 1.5))


@defect(
    "backoff-capped",
    "the backoff is capped at two seconds: 1, 2, 2",
    claims="B7",
    scenarios="patient_backoff",
    environ=PATIENT,
    breakers=FOUR_ATTEMPTS,
)
def backoff_capped():
    back_off(lambda attempt: min(2 ** (attempt - 1), 2))


@defect(
    "backoff-constant",
    "a second between any two attempts: 1, 1, 1",
    claims="B7",
    scenarios="patient_backoff",
    environ=PATIENT,
    breakers=FOUR_ATTEMPTS,
)
def backoff_constant():
    back_off(lambda attempt: 1)


@defect(
    "backoff-before-the-first",
    "waits a second before the first attempt, too",
    claims="B7 T11 B4",
    scenarios="auth_one_503",
)
def backoff_before_the_first():
    class Client(ResilientServiceClient):
        def call(self, request):
            self._sleep(1)
            return super().call(request)

    use_client(Client)


@defect(
    "posts-not-retried",
    "a POST is not tried again",
    claims="B7",
    scenarios="one_503_in_each_call auth_one_503",
)
def posts_not_retried():
    retry_not(lambda request, failed: request.method == "POST")


@defect(
    "gets-not-retried", "a GET is not tried again", claims="B7 G3", scenarios="one_503_in_each_call"
)
def gets_not_retried():
    retry_not(lambda request, failed: request.method == "GET")


@defect(
    "5xx-not-retried",
    "an answer is not tried again, only a failed connection",
    claims="B7 T11",
    scenarios="auth_one_503",
)
def answers_not_retried():
    retry_not(lambda request, failed: failed.words.startswith("Server answered"))


@defect(
    "timeouts-not-retried",
    "a timeout is not tried again",
    claims="B7 B8 G7 T1",
    scenarios="auth_blackhole_50s",
)
def timeouts_not_retried():
    retry_not(lambda request, failed: "timeout" in failed.words)


@defect(
    "refused-not-retried",
    "a refused connection is not tried again",
    claims="B7 T2 B1 B2",
    scenarios="auth_refused_50s billing_refused_50s",
)
def refused_not_retried():
    retry_not(lambda request, failed: failed.words == "Connection refused")


@defect(
    "hang-ups-not-retried",
    "a connection that was reset or closed is not tried again",
    claims="B1 B2 B7",
    scenarios="auth_hangs_up",
)
def hang_ups_not_retried():
    retry_not(lambda request, failed: "reset" in failed.words or "closed" in failed.words)


def _retrying_without(**lost) -> None:
    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            if attempt > 1:
                request = replace(request, **lost)
            return super()._attempt(request, attempt, permit)

    use_client(Client)


@defect(
    "retry-loses-body",
    "the second attempt is sent without its body",
    claims="B7 G6 T11",
    scenarios="one_503_in_each_call auth_one_503",
)
def retry_loses_body():
    _retrying_without(json=None)


@defect(
    "retry-loses-headers",
    "the second attempt is sent without its headers, the internal token too",
    claims="B7 G3",
    scenarios="one_503_in_each_call",
)
def retry_loses_headers():
    _retrying_without(headers=None)


@defect(
    "retry-budget",
    "five retries in a minute, then no more, shared by all calls",
    claims="B7",
    scenarios="auth_503_every_third_call",
)
def retry_budget():
    spent: list[float] = []

    def final(request, failed):
        now_s = time.monotonic()
        spent[:] = [at_s for at_s in spent if now_s - at_s < 60]
        if len(spent) >= 5:
            return True
        spent.append(now_s)
        return False

    retry_not(final)


@defect(
    "rejections-retried",
    "a rejection is tried again after a second",
    claims="B7 B3",
    scenarios="auth_blackhole_burst auth_asks_for_patience",
)
def rejections_retried():
    class Client(ResilientServiceClient):
        def call(self, request):
            try:
                return super().call(request)
            except ServiceUnavailable as error:
                if error.reason != "circuit breaker open":
                    raise
            self._sleep(1)
            return super().call(request)

    use_client(Client)


@defect(
    "rejects-slowly",
    "a rejection takes half a second",
    claims="B3",
    scenarios="auth_blackhole_burst auth_503_50s",
)
def rejects_slowly():
    class Breaker(CircuitBreaker):
        def admit(self):
            permit = super().admit()
            if permit is None:
                time.sleep(0.5)
            return permit

    use_breaker(Breaker)


@defect(
    "one-call-in-ten-passes",
    "while open one call in ten goes through all the same",
    claims="B3 B4",
    scenarios="filesystem_stall_30s auth_503_50s",
)
def one_call_in_ten_passes():
    class Breaker(CircuitBreaker):
        _rejected = 0

        def admit(self):
            permit = super().admit()
            if permit is None:
                self._rejected += 1
                if self._rejected % 10 == 0:
                    return Permit(-1, probe=False)
            return permit

    use_breaker(Breaker)


def _transport_timeout(changed) -> None:
    class Sender(Transport):
        def __init__(self, base_url, *, timeout_s):
            super().__init__(base_url, timeout_s=changed(timeout_s))

    services.Transport = Sender


@defect(
    "no-deadline",
    "no timeout at all",
    claims="B8 G9",
    scenarios="auth_blackhole_burst auth_blackhole_50s",
)
def no_deadline():
    _transport_timeout(lambda timeout_s: None)


@defect(
    "deadline-doubled",
    "each attempt may take twice T",
    claims="B8 T1 B1 B2",
    scenarios="auth_drips auth_blackhole_50s",
)
def deadline_doubled():
    _transport_timeout(lambda timeout_s: timeout_s * 2)


@defect(
    "deadline-halved",
    "each attempt is given up after half of T",
    claims="B8 T1 B1 B2",
    scenarios="auth_blackhole_burst auth_blackhole_50s",
)
def deadline_halved():
    _transport_timeout(lambda timeout_s: timeout_s / 2)


@defect(
    "single-attempts-retried",
    "services that are to be asked once are asked four times",
    claims="B7 G5 T6",
    scenarios="chat_meets_every_failure chroma_refused_50s",
)
def single_attempts_retried():
    change_settings(attempts=lambda given: 4 if given.attempts == 1 else given.attempts)


@defect(
    "gets-pass-while-open",
    "a GET is let through while open, since reading does no harm",
    claims="B3 B10",
    scenarios="failures_far_apart files_and_snapshots_503",
)
def gets_pass_while_open():
    _pass_while_open(lambda request: request.method == "GET")


@defect(
    "charges-pass-while-open",
    "a charge is let through while open, since money is owed",
    claims="B3 B6 B10",
    scenarios="charges_fail_in_a_row",
)
def charges_pass_while_open():
    _pass_while_open(lambda request: request.path == "/deduct")


def _pass_while_open(passes):
    class Client(ResilientServiceClient):
        def _admitted(self, failed):
            return self.breaker.admit() or Permit(-1, probe=False)

        def _attempt(self, request, attempt, permit):
            if permit.generation == -1 and not passes(request):
                raise self._unavailable("circuit breaker open", None)
            return super()._attempt(request, attempt, permit)

    use_client(Client)


@defect(
    "backoff-carried-over",
    "each call's backoff goes on where the last call's ended: 1, 2, 3, 4 s",
    claims="B7",
    scenarios="one_503_in_each_call",
)
def backoff_carried_over():
    class Client(ResilientServiceClient):
        _backed_off = 0

        def _back_off(self, attempt):
            del attempt
            self._backed_off = min(self._backed_off + 1, 4)
            time.sleep(self._backed_off)

    use_client(Client)
