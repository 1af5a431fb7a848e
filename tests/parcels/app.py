"""A gateway that sends parcels, sound or with a breaker that is wrong in one way (`WRONG`)."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator

import requests
from flask import Flask, Response, jsonify

WRONG = os.environ.get("WRONG", "")
SHARES: dict[str, Callable[[int, random.Random], int]] = {
    "one has all": lambda turn, chance: 0,
    "by chance": lambda turn, chance: chance.randrange(2),
    "three workers": lambda turn, chance: turn % 3,
}
"""Which worker has a request of customs, by its turn; in turn where nothing is said."""
app = Flask(__name__)


class UnavailableError(Exception):
    """An upstream's breaker is open, or its attempt failed."""


class FailedError(Exception):
    """An attempt failed that somebody is told of by another answer."""


class Breaker:
    """So many failures in a row open it for a while; then one probe at a time."""

    def __init__(self, threshold: int, wait_s: float) -> None:
        self.lock = threading.Lock()
        self.threshold, self.wait_s = threshold, wait_s
        self.failures = self.era = self.trips = self.under_way = 0
        self.until_s = self.tried_s = 0.0
        self.more = WRONG == "one probe more"

    @property
    def state(self) -> str:
        return "open" if self.until_s else "closed"

    def enter(self) -> int:
        with self.lock:
            now_s = time.monotonic()
            if self.until_s:
                if now_s < self.until_s or not self.room(now_s):
                    raise UnavailableError
                self.under_way, self.tried_s = self.under_way + 1, now_s
            return self.era

    def room(self, now_s: float) -> bool:
        if self.under_way == 1 and self.more:
            self.more = False
            return True
        return not self.under_way or (WRONG == "a slot of 5s" and now_s >= self.tried_s + 5)

    def leave(self, era: int, *, status: int | None) -> None:
        with self.lock:
            if era != self.era:
                return
            if WRONG == "a slot of 5s" and self.until_s and status == 404:
                return  # the probe never reports
            failed = status is None or status >= 500
            self.failures = self.failures + 1 if failed else 0
            if failed and (self.until_s or self.failures >= self.threshold):
                self.trips += 1
                times = 2 ** (self.trips - 1) if WRONG == "waits grow" else 1
                self.change(time.monotonic() + self.wait_s * times)
            elif self.until_s:
                self.change(0.0)

    def change(self, until_s: float) -> None:
        self.until_s = until_s
        self.era += 1
        self.failures = self.under_way = 0


class Upstream:
    """One attempt a call."""

    def __init__(self, variable: str, timeout_s: float, threshold: int, wait_s: float) -> None:
        self.url, self.timeout_s = os.environ[variable], timeout_s
        self.breakers = [Breaker(threshold, wait_s) for _ in range(3)]
        self.each: dict[str, Breaker] = {}
        self.gate = threading.Lock()
        self.chance = random.Random(3)
        self.turn_ = 0

    def breaker(self, method: str) -> Breaker:
        """Which worker's: one of two is given nearly all the work; tracking has one a method, and
        customs one each for two workers.
        """
        if self is customs:
            self.turn_ += 1
            share = SHARES.get(WRONG, lambda turn, chance: turn % 2)
            return self.breakers[share(self.turn_, self.chance)]
        if self is tracking and WRONG != "one for all calls":
            first = self.breakers[0]
            return self.each.setdefault(method, Breaker(first.threshold, first.wait_s))
        second = WRONG == "a worker and a half" and self.chance.random() > 0.9
        return self.breakers[second]

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        with self.gate if WRONG == "one at a time" else contextlib.nullcontext():
            yield

    def call(self, method: str, path: str) -> Response:
        breaker = self.breaker(method)
        with self.turn():
            era = breaker.enter()
            status = None
            try:
                answer = requests.request(method, self.url + path, timeout=self.timeout_s)
                status = answer.status_code
            except requests.RequestException:
                pass
            finally:
                breaker.leave(era, status=status)
        if status is None or status >= 500:
            raise FailedError if self is depot else UnavailableError
        return jsonify(answer.json()) if status == 200 else Response(status=422)


rates = Upstream("RATES_URL", 1.0, 1, 8.0)
carrier = Upstream("CARRIER_URL", 2.0, 4, 16.0)
depot = Upstream("DEPOT_URL", 1.0, 1, 8.0)
tracking = Upstream("TRACKING_URL", 1.0, 3, 8.0)
customs = Upstream("CUSTOMS_URL", 1.0, 3, 8.0)
if WRONG == "shared, by rates":
    carrier.breakers = rates.breakers
elif WRONG == "shared, by carrier":
    rates.breakers = carrier.breakers
elif WRONG == "shared by likes":
    depot.breakers = rates.breakers


@app.errorhandler(UnavailableError)
def unavailable(error: UnavailableError) -> tuple[Response, int]:
    return jsonify(error="unavailable"), 503


@app.errorhandler(FailedError)
def failed(error: FailedError) -> tuple[Response, int]:
    return jsonify(error="failed"), 500 if WRONG == "an error of its own" else 504


@app.get("/quote")
def quote() -> Response:
    return rates.call("GET", "/rate")


@app.post("/labels")
def label() -> Response:
    return carrier.call("POST", "/label")


@app.get("/shelf")
def shelf() -> Response:
    return depot.call("GET", "/shelf")


@app.get("/track/<number>")
def track(number: str) -> Response:
    return tracking.call("GET", f"/events/{number}")


@app.post("/track/<number>")
def watch(number: str) -> Response:
    return tracking.call("POST", f"/events/{number}")


@app.get("/duty")
def duty() -> Response:
    return customs.call("GET", "/duty")


@app.get("/breakers")
def breakers() -> Response:
    known = {"rates": rates, "carrier": carrier, "depot": depot}
    return jsonify({name: own.breakers[0].state for name, own in known.items()})
