"""Somebody's gateway whose breakers open by a share of failures; DEFECT names what is wrong.

Sound: half of the attempts of the last 10 s, from 6 on, opens it for 4 s; one trial; it is asked
again before a retry.
"""

import contextlib
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from wsgiref.types import StartResponse, WSGIEnvironment

DEFECT = os.environ.get("DEFECT", "")
ATTEMPTS, TIMEOUT_S = 2, 1.0
WAIT_S = {"waits long": 9.0, "waits short": 2.0}.get(DEFECT, 4.0)
SHARE = {"share of 90%": 0.9, "share of 20%": 0.2}.get(DEFECT, 0.5)
LEAST = {"from 2 on": 2, "from 12 on": 12}.get(DEFECT, 6)
WINDOW_S = {"never forgets": 1e9, "forgets after 1s": 1.0}.get(DEFECT, 10.0)


class Down(Exception):
    """The upstream is not to be had."""


def parsed(body: bytes) -> object:
    """The JSON of an answer; None for anything else, which is an answer all the same."""
    try:
        return json.loads(body)
    except ValueError:
        return None


class Upstream:
    """A client with a breaker; one lock, never held across a call."""

    def __init__(self, variable: str) -> None:
        self.base = os.environ[variable]
        self.lock = threading.Lock()
        self.results: deque[tuple[float, bool]] = deque()
        self.open_until = 0.0
        self.probing = False
        self.generation = 0

    def enter(self) -> int:
        with self.lock:
            if self.open_until:
                busy = self.probing and DEFECT != "everybody tries"
                if busy or time.monotonic() < self.open_until:
                    raise Down("open")
                self.probing = True
            return self.generation

    def leave(self, generation: int, ok: bool) -> None:
        with self.lock:
            if generation != self.generation:
                return
            now = time.monotonic()
            if self.probing:
                self.change(0.0 if ok or DEFECT == "closes anyhow" else now + WAIT_S)
                return
            self.results.append((now, ok))
            while self.results[0][0] <= now - WINDOW_S:
                self.results.popleft()
            bad = sum(not one for _, one in self.results)
            enough = len(self.results) >= LEAST and DEFECT != "never opens"
            if not ok and enough and bad / len(self.results) >= SHARE:
                self.change(now + WAIT_S)

    def change(self, open_until: float) -> None:
        self.generation += 1
        self.results.clear()
        self.open_until = open_until
        self.probing = False

    def call(self, path: str, value: object | None = None) -> tuple[int, object]:
        generation = 0
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(2.0 ** (attempt - 1))
            if not (attempt and DEFECT == "never asks again"):
                generation = self.enter()
            try:
                answer = self.attempt(path, value)
            except (OSError, ValueError, http.client.HTTPException):
                self.leave(generation, ok=False)
                continue
            self.leave(generation, ok=True)
            return answer
        raise Down("attempts exhausted")

    def attempt(self, path: str, value: object | None) -> tuple[int, object]:
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(
            self.base + path, data, {"Content-Type": "application/json"} if data else {}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
                return reply.status, parsed(reply.read())
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                raise
            return error.code, None


AUTH = Upstream("AUTH_SERVER_URL")
BILLING = Upstream("BILLING_SERVER_URL")


def user_of(environ: WSGIEnvironment) -> str | None:
    token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
    try:
        _, said = AUTH.call("/verify_token", {"token": token})
    except Down:
        return None
    return said.get("user_id") if isinstance(said, dict) and said.get("valid") is True else None


def chat(environ: WSGIEnvironment) -> tuple[int, object]:
    user = user_of(environ)
    if user is None:
        return 401, {"error": "who are you?"}
    with contextlib.suppress(Down):
        BILLING.call(f"/balance/{user}")
    return 200, {"response": "hello to you too"}


def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    if environ["PATH_INFO"] == "/v1/api/chat":
        status, value = chat(environ)
    elif environ["PATH_INFO"] == "/ready":
        status, value = 200, "yes"
    else:
        status, value = 404, {"error": "no such route"}
    body = json.dumps(value).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status} -", headers)
    return [body]


if __name__ == "__main__":
    import sys

    import waitress

    waitress.serve(application, host="127.0.0.1", port=int(sys.argv[1]), threads=32)
