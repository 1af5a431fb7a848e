"""A small gateway with two routes that call one upstream: `POLICY` says how the second differs.

`GET /price` asks `rates` for `GET /rate`: two attempts, 0.8 s each, open for 9 s after five failed
calls in a row. `POST /order` asks for `POST /orders`, or for the same with `same call`.
"""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

POLICY: dict[str, Any] = json.loads(os.environ["POLICY"])
HOST = urlsplit(os.environ["RATES_URL"]).netloc


class Breaker:
    """Opens after so many failed calls in a row."""

    def __init__(self, threshold: int) -> None:
        self.threshold = threshold
        self.run = 0
        self.until = 0.0

    def call(self, made: Callable[[], bool]) -> bool:
        """Whether a call was made, and well."""
        if self.run >= self.threshold and time.monotonic() < self.until:
            return False
        good = made()
        self.run = 0 if good else self.run + 1
        if self.run >= self.threshold:
            self.until = time.monotonic() + 9.0
        return good


READS = Breaker(5)
OWN = Breaker(POLICY.get("threshold", 5))
ORDERS = {"own": OWN, "none": Breaker(1_000_000)}.get(POLICY.get("breaker", ""), READS)


def attempt(method: str, path: str, timeout_s: float) -> bool:
    client = http.client.HTTPConnection(HOST, timeout=timeout_s)
    try:
        client.request(method, path)
        return client.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def call(method: str, path: str, attempts: int, timeout_s: float) -> bool:
    for number in range(attempts):
        if number:
            time.sleep(0.25)
        if attempt(method, path, timeout_s):
            return True
    return False


def app(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/price":
        good = READS.call(lambda: call("GET", "/rate", 2, 0.8))
    elif environ["PATH_INFO"] == "/order":
        own = ("GET", "/rate") if POLICY.get("same call") else ("POST", "/orders")
        attempts, timeout_s = POLICY.get("attempts", 2), POLICY.get("timeout", 0.8)
        good = ORDERS.call(lambda: call(*own, attempts, timeout_s))
    else:
        good = True
    said = b"well" if good else b"away"
    status = "200 OK" if good else "503 Service Unavailable"
    start_response(status, [("Content-Length", str(len(said)))])
    return [said]
