"""A check of one's own: how many requests may go without a good answer, whatever the reason."""

from __future__ import annotations

from collections.abc import Iterator

from harness.history.view import History


def budget(history: History, stream: str, most: int) -> Iterator[str] | None:
    """What is wrong, a sentence each; None where nothing was sent, so nothing can be judged."""
    requests = history.stream(stream)
    return _over(requests, most) if requests else None


def _over(requests, most: int) -> Iterator[str]:
    bad = [each for each in requests if each.status is None or each.status >= 400]
    if len(bad) > most:
        first = bad[0]
        yield (
            f"{len(bad)} of {len(requests)} requests without a good answer, {most} allowed; "
            f"the first is #{first.sent.number} at {first.planned_s:g} s: {first.status}"
        )
