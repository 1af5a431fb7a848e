"""Somebody else's gateway: other routes' habits, other settings, two upstreams, no status endpoint.

It shares nothing with the reference gateway but the wire formats of its upstreams. Its breaker is
hand-made, its client is urllib. It promises less: no charging keys, no log lines, no fallbacks.
"""

import http.client
import sys
import threading
import time

from talking import Address, Down, Gateway, serve

ATTEMPTS, TIMEOUT_S, THRESHOLD, WAIT_S = 2, 1.0, 3, 4.0


class Upstream(Address):
    """A client with a breaker; one lock, never held across a call."""

    def __init__(self, variable: str) -> None:
        super().__init__(variable, TIMEOUT_S)
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

    def leave(self, generation: int, ok: bool | None) -> None:
        """How an attempt ended; None for 429, which is neither and gives a probe's place back."""
        with self.lock:
            if generation != self.generation:
                return
            if ok is None:
                self.probing = False
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
            self.leave(generation, ok=None if answer[0] == 429 else True)
            return answer
        raise Down("attempts exhausted")


application = Gateway(Upstream("AUTH_SERVER_URL"), Upstream("BILLING_SERVER_URL"))

if __name__ == "__main__":
    serve(application, int(sys.argv[1]))
