"""The second gateway with one mistake; DEFECT says which: small things to be found by exploring."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "second_gateway"))
import app as sound  # type: ignore[import-not-found]


def trips_late() -> None:
    """One failure more than promised."""
    sound.THRESHOLD += 1


def all_probe() -> None:
    """Everyone is let through once the wait is over."""

    def enter(self: Any) -> int:
        with self.lock:
            if self.open_until and time.monotonic() < self.open_until:
                raise sound.Down("open")
            self.probing = bool(self.open_until)
            return int(self.generation)

    sound.Upstream.enter = enter


def count_kept() -> None:
    """The count isn't cleared when the breaker closes: one more failure opens it again."""
    leave = sound.Upstream.leave

    def kept(self: Any, generation: int, ok: bool | None) -> None:
        probing = self.probing
        leave(self, generation, ok)
        if probing and ok and not self.probing:
            self.failures = sound.THRESHOLD - 1

    sound.Upstream.leave = kept


def no_backoff() -> None:
    """Retries at once."""

    class Hasty:
        monotonic = time.monotonic

        @staticmethod
        def sleep(seconds: float) -> None:
            del seconds

    sound.time = Hasty


def fails_open() -> None:
    """Lets everybody in while auth can't say who they are."""
    honest = application.user_of

    def user_of(environ: dict[str, Any]) -> str | None:
        token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        try:
            application.auth.call("/health")
        except sound.Down:
            return "somebody"
        found: str | None = honest(environ)
        return found if token else None

    application.user_of = user_of


def billing_matters() -> None:
    """A chat fails when its balance can't be known."""
    down = sound.Down

    def chat(environ: dict[str, Any]) -> tuple[int, object]:
        user = application.user_of(environ)
        if user is None:
            return 401, {"error": "who are you?"}
        try:
            application.billing.call(f"/balance/{user}")
        except down:
            return 500, {"error": "billing is down"}
        return 200, {"response": "hello to you too"}

    application.chat = chat


def opening_logged_late() -> None:
    """Says that a breaker opened two seconds after it did, and at once whom it turns away."""
    enter, leave = sound.Upstream.enter, sound.Upstream.leave

    def entering(self: Any) -> int:
        try:
            return int(enter(self))
        except sound.Down:
            print("rejected by", self.variable, flush=True)
            raise

    def late(self: Any, generation: int, ok: bool | None) -> None:
        before_s = self.open_until
        leave(self, generation, ok)
        if self.open_until > before_s:
            said = threading.Timer(2.0, print, ("opened:", self.variable), {"flush": True})
            said.start()

    sound.Upstream.enter, sound.Upstream.leave = entering, late
    application.auth.variable, application.billing.variable = "auth", "billing"


def opening_shown_late() -> None:
    """Its status page shows a breaker closed for two seconds more than it is."""
    answer = type(application).__call__

    def shown(upstream: Any) -> str:
        if upstream.probing:
            return "half_open"
        late_s = upstream.open_until - sound.WAIT_S + 2.0
        return "open" if upstream.open_until and time.monotonic() > late_s else "closed"

    def paged(self: Any, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/status":
            return answer(self, environ, start_response)
        states = {"auth": shown(self.auth), "billing": shown(self.billing)}
        start_response("200 -", [("Content-Type", "application/json")])
        return [json.dumps(states).encode()]

    type(application).__call__ = paged


application = sound.application
DEFECTS: dict[str, Callable[[], None]] = {
    made.__name__: made
    for made in (
        trips_late, all_probe, count_kept, no_backoff, fails_open, billing_matters,
        opening_logged_late, opening_shown_late,
    )
}  # fmt: skip
if os.environ.get("DEFECT"):
    DEFECTS[os.environ["DEFECT"]]()
