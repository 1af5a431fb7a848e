"""Somebody else's gateway: other routes' habits, other settings, two upstreams, no status endpoint.

It shares nothing with the reference gateway but the wire formats of its upstreams. Its breaker is
hand-made, its client is urllib. It promises less: no charging keys, no log lines, no fallbacks.
"""

import contextlib
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from wsgiref.types import StartResponse, WSGIEnvironment

ATTEMPTS, TIMEOUT_S, THRESHOLD, WAIT_S = 2, 1.0, 3, 4.0


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
        self.failures = 0
        self.open_until = 0.0
        self.probing = False
        self.generation = 0

    def enter(self) -> int:
        with self.lock:
            if self.open_until:
                if self.probing or time.monotonic() < self.open_until:
                    raise Down("open")
                self.probing = True
            return self.generation

    def leave(self, generation: int, ok: bool) -> None:
        with self.lock:
            if generation != self.generation:
                return
            self.failures = 0 if ok else self.failures + 1
            if self.probing or self.failures >= THRESHOLD:
                self.generation += 1
                self.failures = 0
                self.open_until = 0.0 if ok else time.monotonic() + WAIT_S
                self.probing = False

    def call(self, path: str, value: object | None = None) -> tuple[int, object]:
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(2.0 ** (attempt - 1))
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
