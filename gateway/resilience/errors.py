"""The one exception that callers of a resilient client meet."""

from __future__ import annotations


class ServiceUnavailable(Exception):
    """The upstream gave no usable answer: rejected by its breaker, or all attempts failed (B9).

    `__cause__` is what the last attempt met. Whether a request that was sent has been carried out
    all the same, its answer lost, nobody can say.
    """

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(f"{service}: {reason}")
        self.service = service
        self.reason = reason
