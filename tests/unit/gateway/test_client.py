"""The resilient client against real stubs on real sockets, with T = 0.2 s (B1-B11)."""

from __future__ import annotations

import logging
import socket
import threading
import time

import pytest
import requests

from gateway.resilience import ServiceUnavailable, State
from tests.unit.gateway.conftest import Kit

LATE_S = 1.5
"""How late a deadline may be seen on a busy machine."""


def unavailable(kit: Kit, path: str = "/health", method: str = "get") -> ServiceUnavailable:
    with pytest.raises(ServiceUnavailable) as caught:
        getattr(kit.client, method)(path)
    return caught.value


FAILURES = {
    "503": {"action": "status", "status": 503},
    "500": {"action": "status", "status": 500},
    "timeout": {"action": "blackhole"},
    "lost reply": {"action": "reply_lost"},
    "reset": {"action": "reset"},
    "empty": {"action": "empty"},
    "truncated": {"action": "truncate"},
    "undecodable": {"action": "encoding"},
    "dripping body": {"action": "drip", "interval_s": 0.05},
    "dripping chunks": {"action": "drip", "interval_s": 0.05, "encoding": "chunked"},
    "dripping head": {"action": "drip", "interval_s": 0.05, "encoding": "headers"},
}


@pytest.mark.parametrize("kind", FAILURES)
def test_b1_b8_b9_what_is_a_failed_attempt(stub, kit, kind):
    stub.behave("auth", FAILURES[kind])
    one = kit(attempts=1)
    begun = time.monotonic()
    error = unavailable(one)
    took_s = time.monotonic() - begun
    assert took_s < 0.2 + LATE_S
    if kind in ("timeout", "lost reply") or "dripping" in kind:
        assert took_s >= 0.2
    assert error.__cause__ is not None
    assert one.breaker.snapshot().failure_count == 1


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nCon",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
    ],
)
def test_b1_a_head_cut_off_is_a_failed_attempt(cut):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            met, _ = server.accept()
            with met:
                met.recv(4096)
                met.sendall(cut)

        threading.Thread(target=answer, daemon=True).start()
        one = Kit(f"http://127.0.0.1:{server.getsockname()[1]}", attempts=1, timeout_s=5)
        unavailable(one)
    assert one.breaker.snapshot().failure_count == 1


def test_b1_b9_a_refused_connection_is_a_failed_attempt():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    refused = Kit(f"http://127.0.0.1:{port}")
    error = unavailable(refused)
    assert isinstance(error.__cause__, requests.ConnectionError)
    assert refused.breaker.snapshot().failure_count == 2


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 422])
def test_b1_any_status_below_500_is_a_success_and_is_not_retried(stub, kit, status):
    one = kit()
    stub.behave("auth", {"action": "status", "status": 503, "to_call": 2})
    unavailable(one)
    before = stub.calls("auth")
    stub.behave("auth", {"action": "status", "status": status, "json": None})
    assert one.client.get("/health").status_code == status
    assert stub.calls("auth") == before + 1
    assert one.breaker.snapshot().failure_count == 0


def test_b1_429_neither_counts_nor_resets_and_is_not_retried(stub, kit):
    one = kit()
    stub.behave("auth", {"action": "status", "status": 503, "to_call": 2})
    unavailable(one)
    stub.behave("auth", {"action": "status", "status": 429})
    assert one.client.get("/health").status_code == 429
    assert one.breaker.snapshot().failure_count == 2
    assert one.slept == [1]


def test_b1_malformed_json_is_a_success_for_the_breaker(stub, kit):
    stub.behave("auth", {"action": "malformed"})
    assert kit().client.get("/health").status_code == 200


def test_b2_b3_opens_at_the_nth_and_then_nobody_asks(stub, kit):
    one = kit()
    stub.behave("auth", FAILURES["503"])
    for _ in range(2):
        unavailable(one)
    assert one.breaker.snapshot().state is State.CLOSED
    unavailable(one)
    assert one.breaker.snapshot().state is State.OPEN
    before = stub.calls("auth")
    begun = time.monotonic()
    error = unavailable(one)
    assert time.monotonic() - begun < 0.1
    assert error.reason == "circuit breaker open"
    assert stub.calls("auth") == before


def test_b4_the_probe_is_the_real_request_and_is_alone(stub, kit):
    one = kit(threshold=2)
    stub.behave("auth", FAILURES["503"])
    unavailable(one)
    one.now_s += 60
    stub.behave("auth", {"action": "delay", "delay_s": 0.15})
    before = stub.calls("auth")
    results: list[object] = []

    def call() -> None:
        try:
            results.append(one.client.post("/verify_token", json={"token": "x"}).status_code)
        except ServiceUnavailable as error:
            results.append(error.reason)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == ["200"] + ["circuit breaker open"] * 7
    assert stub.calls("auth") == before + 1
    assert one.breaker.snapshot().state is State.CLOSED


def test_b4_a_failed_probe_makes_one_attempt(stub, kit):
    one = kit(threshold=2)
    stub.behave("auth", FAILURES["503"])
    unavailable(one)
    one.now_s += 60
    before = stub.calls("auth")
    unavailable(one)
    assert stub.calls("auth") == before + 1
    assert one.breaker.snapshot().state is State.OPEN


def test_b4_a_dripping_probe_ends_at_its_deadline(stub, kit):
    one = kit(threshold=2)
    stub.behave("auth", FAILURES["503"])
    unavailable(one)
    one.now_s += 60
    stub.behave("auth", FAILURES["dripping body"])
    unavailable(one)
    assert one.breaker.snapshot().state is State.OPEN


def test_b6_the_breaker_is_asked_again_after_the_backoff(stub, kit):
    one = kit(threshold=1)
    stub.behave("auth", FAILURES["503"])
    before = stub.calls("auth")
    error = unavailable(one)
    assert error.reason == "circuit breaker open"
    assert error.__cause__ is not None
    assert one.slept == [1]
    assert stub.calls("auth") == before + 1


def test_b7_backoffs_double_and_none_follows_the_last_attempt(stub, kit):
    stub.behave("auth", FAILURES["503"])
    one = kit(attempts=4)
    assert unavailable(one).reason == "all attempts failed"
    assert one.slept == [1, 2, 4]


def test_b8_a_call_takes_no_longer_than_its_deadlines_and_backoffs(stub, kit):
    stub.behave("auth", FAILURES["dripping head"])
    begun = time.monotonic()
    unavailable(kit(attempts=3))
    assert 0.6 <= time.monotonic() - begun < 0.6 + LATE_S


def test_b8_an_answer_within_the_deadline_is_whole_however_it_drips(stub, kit):
    stub.behave("auth", {"action": "drip", "interval_s": 0.02})
    assert kit(timeout_s=5).client.get("/health").json() == {"status": "ok"}


def test_a_profile_can_count_one_failure_a_call(stub, kit):
    one = kit(per_call=True, threshold=2)
    stub.behave("auth", FAILURES["503"])
    unavailable(one)
    assert one.breaker.snapshot().failure_count == 1
    unavailable(one)
    assert one.breaker.snapshot().state is State.OPEN


def test_redirects_and_cookies_of_an_upstream_go_nowhere(stub, kit):
    one = kit()
    headers = {"Location": stub.url("billing", "/health"), "Set-Cookie": "a=b; Path=/"}
    stub.behave("auth", {"action": "headers", "status": 302, "headers": headers})
    before = stub.calls("billing")
    assert one.client.get("/health", headers={"X-INTERNAL-TOKEN": "s"}).status_code == 302
    assert stub.calls("billing") == before
    assert not one.client._sender._session.cookies


def test_a_redirect_to_nonsense_is_still_an_answer(stub, kit):
    headers = {"Location": "http://[::"}
    stub.behave("auth", {"action": "headers", "status": 302, "headers": headers})
    assert kit().client.get("/health").status_code == 302


def test_each_attempt_has_a_connection_of_its_own():
    """A connection kept alive could be stale after a restart, at the cost of a call."""
    accepted = []

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            client, _ = listener.accept()
            accepted.append(client)
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            client.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        one = Kit(f"http://127.0.0.1:{listener.getsockname()[1]}", attempts=1)
        for _ in range(2):
            assert one.client.get("/x").status_code == 200
        thread.join(5)
    assert len(accepted) == 2


def test_fifty_calls_at_once_wait_for_nobody(stub, kit):
    stub.behave("auth", {"action": "delay", "delay_s": 0.3})
    one = kit(timeout_s=5)
    statuses: list[int] = []

    def call() -> None:
        statuses.append(one.client.get("/health").status_code)

    begun = time.monotonic()
    threads = [threading.Thread(target=call) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 50
    assert time.monotonic() - begun < 50 * 0.3 / 2  # one after the other they take twice as long


def test_b11_the_log_lines_of_an_outage(stub, kit, caplog):
    caplog.set_level(logging.DEBUG, "gateway")
    one = kit(threshold=4)
    stub.behave("auth", {"action": "status", "status": 503, "to_call": 1})
    one.client.get("/health")
    stub.behave("auth", FAILURES["503"])
    for _ in range(3):
        unavailable(one)
    one.now_s += 60
    stub.heal("auth")
    one.client.get("/health")
    said = [f"{record.levelname}: {record.getMessage()}" for record in caplog.records]
    assert said == [
        "INFO: Auth Server CLOSED - request processing",
        "WARNING: Auth Server GET /health (attempt 1/2)",
        "WARNING: Server answered 503",
        "WARNING: Retrying in 1s...",
        "WARNING: Auth Server GET /health (attempt 2/2)",
        "INFO: ✓ Auth Server succeeded after retry",
        *[
            "INFO: Auth Server CLOSED - request processing",
            "WARNING: Auth Server GET /health (attempt 1/2)",
            "WARNING: Server answered 503",
            "WARNING: Retrying in 1s...",
            "WARNING: Auth Server GET /health (attempt 2/2)",
            "ERROR: Server answered 503",
            "ERROR: ✗ Auth Server - all attempts failed",
        ]
        * 2,
        "CRITICAL: Circuit breaker OPEN (threshold reached: 4/4) - Auth Server",
        "WARNING: Auth service unavailable (circuit breaker open)",
        "INFO: Circuit breaker entering HALF_OPEN state (testing recovery) - Auth Server",
        "WARNING: Auth Server GET /health (attempt 1/2)",
        "INFO: ✓ Auth Server succeeded",
        "INFO: Circuit breaker CLOSED (service recovered) - Auth Server",
    ]
