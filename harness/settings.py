"""Breaker and client settings of one upstream: n, T, N and W, and the backoffs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.policy.rules import InARow, Rule, ShareOfCalls, ShareOfSeconds

SettingsJson = dict[str, float | list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """n, T, N and W of one upstream."""

    attempts: int
    """n: attempts a call makes, the first included."""
    timeout_s: float
    """T: deadline of one attempt, in seconds."""
    threshold: int
    """N: consecutive failed attempts that open the breaker."""
    wait_s: float
    """W: seconds from the trip to the probe."""
    per_call: bool = False
    """Whether one failure is counted a call instead of one an attempt (profile `per_call`)."""
    rate: ShareOfCalls | ShareOfSeconds | None = None
    """What opens the breaker instead of N failures in a row."""
    trials: int = 1
    """How many may be under way at once while it is half open."""

    backoffs_s: tuple[float, ...] = (1.0,)
    """Seconds between attempts, in turn; beyond the last each is twice the one before (B7)."""

    @property
    def opens(self) -> Rule:
        """What opens the breaker."""
        return self.rate or InARow(self.threshold)

    def backoff_s(self, attempt: int) -> float:
        """Seconds between attempt number `attempt` (from 1) and the next: 1, 2, 4... (B7)."""
        known = len(self.backoffs_s)
        if attempt <= known:
            return self.backoffs_s[attempt - 1]
        return float(self.backoffs_s[-1] * 2 ** (attempt - known))

    @property
    def longest_call_s(self) -> float:
        """The longest a call may take, all attempts and backoffs (B8)."""
        backoffs = sum(self.backoff_s(attempt) for attempt in range(1, self.attempts))
        return self.attempts * self.timeout_s + backoffs

    def to_json(self) -> SettingsJson:
        """As histories keep them."""
        said: SettingsJson = {
            "attempts": self.attempts,
            "timeout_s": self.timeout_s,
            "threshold": self.threshold,
            "wait_s": self.wait_s,
            "backoffs_s": list(self.backoffs_s),
        }
        if self.per_call:
            said["per_call"] = 1
        if self.trials != 1:
            said["trials"] = self.trials
        match self.rate:
            case ShareOfCalls(share, window, least):
                said |= {"share": share, "window_calls": window, "least": least}
            case ShareOfSeconds(share, window_s, least):
                said |= {"share": share, "window_s": window_s, "least": least}
        return said

    def told(self, own: SettingsJson) -> ServiceSettings:
        """These, where a history says nothing else."""
        said: Any = own
        return ServiceSettings(
            attempts=int(said.get("attempts", self.attempts)),
            timeout_s=said.get("timeout_s", self.timeout_s),
            threshold=int(said.get("threshold", self.threshold)),
            wait_s=said.get("wait_s", self.wait_s),
            backoffs_s=tuple(said.get("backoffs_s", self.backoffs_s)) or self.backoffs_s,
            per_call=bool(said.get("per_call", self.per_call)),
            trials=int(said.get("trials", self.trials)),
            rate=_rate(said) or self.rate,
        )


def _rate(said: Any) -> ShareOfCalls | ShareOfSeconds | None:
    if "share" not in said:
        return None
    share, least = said["share"], int(said.get("least", 1))
    if "window_s" in said:
        return ShareOfSeconds(share, said["window_s"], least)
    return ShareOfCalls(share, int(said.get("window_calls", 1)), least)
