"""What is attempted by one request alone, as far as stubs tell: a charge by its key, say."""

from __future__ import annotations

from collections.abc import Container

from harness.wire.attempts import Attempt


class Keys:
    """Which request attempts what, as attempts are given to requests.

    `common`: by upstream, what was attempted before these requests, too (`Attempt.of`).
    """

    def __init__(self, common: Container[tuple[str, str]]) -> None:
        self._common = common
        self._whose: dict[tuple[str, str], int | None] = {}
        """The only request that has attempted something; None where several have."""

    def forget(self) -> None:
        """Nothing has been attempted yet."""
        self._whose.clear()

    def note(self, request: int, upstream: str, attempt: Attempt) -> None:
        """An attempt is a request's."""
        what = upstream, attempt.of
        if attempt.of and what not in self._common:
            self._whose[what] = request if self._whose.get(what, request) == request else None

    def take_back(self, upstream: str, attempt: Attempt) -> None:
        """An attempt was not its request's after all."""
        self._whose.pop((upstream, attempt.of), None)

    def whose(self, upstream: str, attempt: Attempt) -> int | None:
        """The request that alone has attempted just this before; None if there is none."""
        return self._whose.get((upstream, attempt.of))
