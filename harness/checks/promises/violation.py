"""A broken promise: what was seen, when, and by which request."""

from __future__ import annotations

from harness.checks.wording import stream_request
from harness.frozen import Frozen
from harness.history.requests import Request


class Violation(Frozen, kw_only=True):
    """One broken promise in one play."""

    promise: str
    """What it is called: `never 5xx`, `one probe`."""
    about: str
    """The upstream or stream that it concerns."""
    claims: tuple[str, ...]
    at_s: float
    """When it showed, seconds after 0s."""
    says: str
    """What was seen, in one sentence."""
    request: int | None = None
    """Id of the first offending request (`Sent.id`), where there is one."""
    evidence: str = ""
    """By what it is known, where that is more than answers and calls."""

    @classmethod
    def of(
        cls,
        request: Request,
        promise: str,
        about: str,
        claims: tuple[str, ...],
        says: str,
        *,
        evidence: str = "",
    ) -> Violation:
        """One that a request shows; `says` goes on where its name and instant have been told."""
        return cls(
            promise=promise,
            about=about,
            claims=claims,
            at_s=request.at_s,
            says=f"{stream_request(request)} {says}",
            request=request.id,
            evidence=evidence,
        )

    @property
    def key(self) -> tuple[str, str]:
        """By which violations are kept apart."""
        return self.promise, self.about

    @property
    def name(self) -> str:
        """The same as a finding's name: `never 5xx (chat)`."""
        return f"{self.promise} ({self.about})"
