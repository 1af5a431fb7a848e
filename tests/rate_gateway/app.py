"""Somebody's gateway whose breakers open by a share of failures; DEFECT names what is wrong.

Sound: half of the attempts of the last 10 s, from 6 on, opens it for 4 s; one trial; it is asked
again before a retry.
"""

import http.client
import os
import sys
import threading
import time
from collections import deque
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "second_gateway"))
from talking import Address, Down, Gateway, serve

DEFECT = os.environ.get("DEFECT", "")
ATTEMPTS, TIMEOUT_S = 2, 1.0
WAIT_S = {"waits long": 9.0, "waits short": 2.0}.get(DEFECT, 4.0)
SHARE = {"share of 90%": 0.9, "share of 20%": 0.2, "more than half": 0.501}.get(DEFECT, 0.5)
LEAST = {"from 2 on": 2, "from 12 on": 12, "from 5 on": 5, "from 7 on": 7}.get(DEFECT, 6)
WINDOW_S = {"never forgets": 1e9, "forgets after 1s": 1.0}.get(DEFECT, 10.0)


class Upstream(Address):
    """A client with a breaker; one lock, never held across a call."""

    def __init__(self, variable: str) -> None:
        super().__init__(variable, TIMEOUT_S)
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

    def leave(self, generation: int, ok: bool | None) -> None:
        """How an attempt ended; None for 429, which is neither and gives a probe's place back."""
        with self.lock:
            if generation != self.generation:
                return
            if ok is None:
                self.probing = False
                return
            now = time.monotonic()
            if self.probing:
                self.change(0.0 if ok or DEFECT == "closes anyhow" else now + WAIT_S)
                return
            if ok and DEFECT == "hears of failures only":
                return
            self.results.append((now, ok))
            while self.is_over(now):
                self.results.popleft()
            bad = sum(not one for _, one in self.results)
            enough = len(self.results) >= LEAST and DEFECT != "never opens"
            if not ok and enough and bad / len(self.results) >= SHARE:
                self.change(now + WAIT_S)

    def is_over(self, now: float) -> bool:
        if DEFECT == "by results, not seconds":
            return len(self.results) > 4 * LEAST
        return self.results[0][0] <= now - WINDOW_S

    def change(self, open_until: float) -> None:
        self.generation += 1
        if DEFECT != "keeps its window":
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
            self.leave(generation, ok=None if answer[0] == 429 else True)
            return answer
        raise Down("attempts exhausted")


application = Gateway(Upstream("AUTH_SERVER_URL"), Upstream("BILLING_SERVER_URL"))

if __name__ == "__main__":
    serve(application, int(sys.argv[1]))
