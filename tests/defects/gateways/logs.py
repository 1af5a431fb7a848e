"""Mistakes in what is logged (B11): who is on call reads what did not happen."""

from __future__ import annotations

import logging
import threading

from gateway.resilience import client
from tests.defects.gateways.catalogue import defect


class _Edited(logging.LoggerAdapter):  # type: ignore[type-arg]
    """A logger that says some lines otherwise, or not at all."""

    def __init__(self, words: dict[str, str | None]) -> None:
        super().__init__(client.logger, {})
        self._words = words

    def log(self, level, msg, *args, **kwargs):
        for begin, other in self._words.items():
            if begin in msg:
                if other is None:
                    return
                msg = msg.replace(begin, other)
        super().log(level, msg, *args, **kwargs)


def _say(words: dict[str, str | None]) -> None:
    client.logger = _Edited(words)  # type: ignore[assignment]


@defect(
    "log-opening-unsaid", "the breaker opens without a word", claims="B11", scenarios="auth_503_50s"
)
def log_opening_unsaid() -> None:
    _say({"Circuit breaker OPEN": None})


@defect(
    "log-retry-as-failure",
    "a retry that succeeds is logged as a failure of all attempts",
    claims="B11",
    scenarios="auth_one_503",
)
def log_retry_as_failure() -> None:
    _say({"✓ %s Server succeeded after retry": "✗ %s Server - all attempts failed"})


@defect(
    "log-closing-unsaid",
    "the breaker closes without a word",
    claims="B11",
    scenarios="auth_503_50s",
)
def log_closing_unsaid() -> None:
    _say({"Circuit breaker CLOSED": None})


@defect(
    "log-opening-late",
    "the breaker's opening is logged two seconds later, after the calls that it turned away",
    claims="B11",
    scenarios="auth_refused_50s",
)
def log_opening_late() -> None:
    class Late(_Edited):
        def log(self, level, msg, *args, **kwargs):
            wait_s = 2.0 if "Circuit breaker OPEN" in msg else 0.0
            if wait_s:
                threading.Timer(wait_s, super().log, (level, msg, *args), kwargs).start()
            else:
                super().log(level, msg, *args, **kwargs)

    client.logger = Late({})  # type: ignore[assignment]


@defect(
    "log-opening-once",
    "only the first opening of a breaker is logged",
    claims="B11",
    scenarios="auth_fails_three_times",
)
def log_opening_once() -> None:
    class Once(_Edited):
        def log(self, level, msg, *args, **kwargs):
            super().log(level, msg, *args, **kwargs)
            if "Circuit breaker OPEN" in msg:
                self._words["Circuit breaker OPEN"] = None

    client.logger = Once({})  # type: ignore[assignment]


@defect(
    "log-closed-at-once",
    "the breaker is logged as closed when its probe begins",
    claims="B11",
    scenarios="auth_503_150s",
)
def log_closed_at_once() -> None:
    closed = "Circuit breaker CLOSED"
    _say({closed: None, "Circuit breaker entering HALF_OPEN": f"{closed} at once: HALF_OPEN"})


@defect(
    "log-names-exchanged",
    "what happens to git is logged of the external data server, and the other way round",
    claims="B11",
    scenarios="git_refused_50s",
)
def log_names_exchanged() -> None:
    others = {"Git": "External Data", "External Data": "Git"}

    class Exchanged(_Edited):
        def log(self, level, msg, *args, **kwargs):
            told = tuple(others.get(each, each) for each in args)
            super().log(level, msg, *told, **kwargs)

    client.logger = Exchanged({})  # type: ignore[assignment]


@defect(
    "log-wrong-service",
    "every line names the auth server, whichever failed",
    claims="B11",
    scenarios="billing_refused_50s",
)
def log_wrong_service() -> None:
    _say({"%s Server": "Auth Server%.0s", "%s service": "Auth service%.0s"})
