"""Mistakes in what is logged (B11): who is on call reads what did not happen."""

from __future__ import annotations

import logging

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
    "log-wrong-service",
    "every line names the auth server, whichever failed",
    claims="B11",
    scenarios="billing_refused_50s",
)
def log_wrong_service() -> None:
    _say({"%s Server": "Auth Server%.0s", "%s service": "Auth service%.0s"})
