"""A small gateway whose policy is data: `POLICY` holds it as JSON. Its client is `http.client`.

One route, `GET /price`, asks the upstream `rates` for `GET /rate`. Each rule is written out here by
itself, so that what measures it shares nothing with it.
"""

import ctypes
import http.client
import json
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

POLICY: dict[str, Any] = json.loads(os.environ["POLICY"])
HOST = urlsplit(os.environ["RATES_URL"]).netloc


class Away(Exception):
    """The upstream is not to be had."""


class Breaker:
    """Opens by its rule, waits, lets so many trials through."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.state = "closed"
        self.until = 0.0
        self.wait = POLICY.get("wait", 30.0)
        self.run = 0
        self.results: deque[tuple[float, bool, bool]] = deque()
        self.moved: deque[int] = deque()
        self.bucket, self.moves = -1000.0, 0
        self.trials = 0
        self.wins = 0
        self.judged: list[tuple[bool, bool]] = []
        self.era = 0

    def enter(self) -> int:
        with self.lock:
            if self.state == "open" and time.monotonic() >= self.until:
                self.state, self.trials, self.wins = "half open", 0, 0
                self.judged = []
                self.era += 1
            if self.state == "open":
                raise Away("open")
            if self.state == "half open":
                if self.trials >= POLICY.get("trials", 1):
                    raise Away("half open")
                self.trials += 1
            return self.era

    def leave(self, era: int, outcome: str, took_s: float) -> None:
        slow = took_s > POLICY.get("slow", 1e9)
        if slow and outcome == "success" and "slow_share" not in POLICY:
            outcome = "failure"
        with self.lock:
            if era != self.era:
                if POLICY.get("late") and self.state == "open" and outcome == "failure":
                    self.until = time.monotonic() + self.wait
                return
            if outcome == "neutral":
                if self.state == "half open":
                    self.trials -= 1
                return
            ok = outcome == "success"
            if self.state == "half open" and "trials_share" in POLICY:
                self.judge_together(ok, slow)
            elif self.state == "half open":
                if not ok or slow:
                    self.wait = min(self.wait * POLICY.get("growth", 1.0), POLICY.get("most", 1e9))
                    self.open()
                else:
                    self.trials -= 1
                    self.wins += 1
                    if self.wins >= POLICY.get("successes", 1):
                        self.close()
            elif self.count(ok, slow):
                self.open()

    def judge_together(self, ok: bool, slow: bool) -> None:
        """All trials at once, when the last of them is in."""
        self.judged.append((ok, slow))
        count = POLICY["trials"]
        if len(self.judged) < count:
            return
        failed = sum(not one for one, _ in self.judged) / count
        late = sum(one for _, one in self.judged) / count
        if failed >= POLICY["trials_share"] or late >= POLICY.get("trials_slow_share", 2.0):
            self.wait = min(self.wait * POLICY.get("growth", 1.0), POLICY.get("most", 1e9))
            self.open()
        else:
            self.close()

    def open(self) -> None:
        self.state = "open"
        self.until = time.monotonic() + self.wait
        self.era += 1

    def close(self) -> None:
        self.state = "closed"
        self.era += 1
        self.run = 0
        self.results.clear()
        self.moved.clear()
        self.wait = POLICY.get("wait", 30.0)

    def count(self, ok: bool, slow: bool) -> bool:
        rule, now = POLICY["rule"], time.monotonic()
        self.run = 0 if ok else self.run + 1
        self.results.append((now, ok, slow))
        if rule == "none":
            return False
        if rule == "in a row":
            return self.run >= POLICY["threshold"]
        if rule in ("among", "in a row lately", "in all"):
            return not ok and self.kept(now) >= POLICY["threshold"]
        if rule == "calls":
            while len(self.results) > POLICY["window"]:
                self.results.popleft()
        if rule == "seconds":
            while self.results and self.results[0][0] <= now - POLICY["window"]:
                self.results.popleft()
        if rule == "moved on":
            self.move_on(now)
        bad = sum(not one for _, one, _ in self.results)
        enough = len(self.results) >= POLICY["least"]
        late = sum(one for _, _, one in self.results) / len(self.results)
        if slow and enough and late >= POLICY.get("slow_share", 2.0):
            return True
        return not ok and enough and bad / len(self.results) >= POLICY["share"]

    def move_on(self, now: float) -> None:
        """Each call takes its buckets of a second on by one at the most (cockatiel's)."""
        if now - self.bucket >= 1.0:
            self.bucket, self.moves = now, self.moves + 1
        self.moved.append(self.moves)
        while self.moved[0] <= self.moves - POLICY["window"]:
            self.moved.popleft()
            self.results.popleft()

    def kept(self, now: float) -> int:
        """How many failures still count."""
        last = list(self.results)[-POLICY.get("calls", 100_000) :]
        if POLICY["rule"] == "in a row lately":
            last = last[len(last) - self.run :]
        return sum(not ok and now - at <= POLICY.get("window", 1e9) for at, ok, _ in last)


BREAKER = Breaker()
POOL = threading.Semaphore(POLICY.get("pool", 10_000))
"""So many connections at once, as clients keep them: others wait for one."""


def attempt() -> tuple[int, bytes]:
    client = http.client.HTTPConnection(HOST, timeout=POLICY["timeout"])
    POOL.acquire()
    try:
        client.request("GET", "/rate")
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        POOL.release()
        client.close()


def outcome_of(kind: str) -> str:
    return str(
        POLICY.get("counts", {}).get(kind, "success" if kind in ("404", "429") else "failure")
    )


def tried() -> tuple[str, int]:
    """What an attempt met, by kind (`ok` for a good answer), and its status.

    With `reconnects` its client sends again at once what was cut, as aiohttp and Java's do.
    """
    kind, status = tried_once()
    return tried_once() if kind == "cut" and POLICY.get("reconnects") else (kind, status)


def tried_once() -> tuple[str, int]:
    """One request of it."""
    try:
        status, body = attempt()
        if status == 503 and POLICY.get("escapes"):
            ctypes.CDLL(None).usleep(400_000)
    except TimeoutError:
        return "timeout", 0
    except ConnectionRefusedError:
        return "refused", 0
    except (OSError, http.client.HTTPException):
        return "cut", 0
    if POLICY.get("parses") and status < 400:
        try:
            json.loads(body)
        except ValueError:
            return "malformed", status
    return ("ok" if status < 400 else str(status)), status


def call() -> int:
    """The status of a good answer; raises Away."""
    by_call = POLICY.get("by") == "call"
    began_s = time.monotonic()
    era = BREAKER.enter() if by_call else 0
    outcome = "failure"
    try:
        for number in range(POLICY["attempts"]):
            if number:
                pause(number)
            if not by_call:
                era = BREAKER.enter()
                began_s = time.monotonic()
            kind, status = tried()
            outcome = "success" if kind == "ok" else outcome_of(kind)
            if not by_call:
                BREAKER.leave(era, outcome, time.monotonic() - began_s)
            if kind in ("ok", "404", "429") and kind not in POLICY.get("again", ()):
                return status
            if kind in POLICY.get("final", ()):
                break
        raise Away("gave up")
    finally:
        if by_call:
            BREAKER.leave(era, outcome, time.monotonic() - began_s)


def pause(number: int) -> None:
    backoffs = POLICY.get("backoff", [0.5])
    seconds = backoffs[min(number, len(backoffs)) - 1]
    time.sleep(seconds + random.uniform(0, POLICY.get("jitter", 0.0)))


def app(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
) -> Iterable[bytes]:
    status, said = "404 Not Found", b"no such route"
    if environ["PATH_INFO"] == "/health":
        status, said = "200 OK", b"well"
    if environ["PATH_INFO"] == "/price":
        try:
            answer = call()
            status, said = ("200 OK", b"7") if answer == 200 else ("502 Bad Gateway", b"odd")
        except Away:
            status, said = "503 Service Unavailable", b"away"
    start_response(status, [("Content-Length", str(len(said)))])
    return [said]
