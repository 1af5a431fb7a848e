"""How explorations speak of requests and windows, the same everywhere."""

from __future__ import annotations

from harness.history.view import Request
from harness.units import format_duration


def number_of(request: Request) -> int:
    """A request's number in its stream, from 1."""
    return request.sent.number


def stream_request(request: Request) -> str:
    """`chat #3 (POST /v1/api/chat, sent at 2.0 s)`."""
    sent = request.sent
    return f"{sent.stream} #{sent.number} ({sent.method} {sent.path}, sent at {sent.at_s:.2f} s)"


def window(start_s: float, end_s: float) -> str:
    """A window as a scenario file has it, to a twentieth of a second, never empty."""
    low_s = max(0.0, round(start_s * 20) / 20)
    high_s = max(round(end_s * 20) / 20, low_s + 0.05)
    return f"{format_duration(low_s)}..{format_duration(high_s)}"


def around(start_s: float, end_s: float, margin_s: float = 0.2) -> str:
    """A window with a margin at both ends."""
    return window(start_s - margin_s, end_s + margin_s)
