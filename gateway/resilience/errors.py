"""The one exception that callers of a resilient client meet."""

from __future__ import annotations


class ServiceUnavailable(Exception):
    """The upstream gave no usable answer: rejected by its breaker, or all attempts failed (B9).

    `__cause__` is what the last attempt met. `maybe_done` says that the upstream may have carried
    the request out all the same: it was sent, and its answer was lost.
    """

    def __init__(self, service: str, reason: str, *, maybe_done: bool = False) -> None:
        super().__init__(f"{service}: {reason}")
        self.service = service
        self.reason = reason
        self.maybe_done = maybe_done
