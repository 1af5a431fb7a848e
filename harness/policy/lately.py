"""Results of the last seconds, of which there may be thousands."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from operator import le
from typing import NamedTuple


class Lately(NamedTuple):
    """The results of the last seconds, as they were told. There may be thousands, and each event
    asks for them, of each state: none of them is looked at without need.
    """

    instants_s: tuple[float, ...] = ()
    failed: bytes = b""
    """Of each whether it failed: 1 or 0."""
    in_order: bool = True
    """Whether they were told in the order of their instants."""

    def __hash__(self) -> int:
        return hash((self.failed, self.instants_s[-1:]))

    def since(self, at_s: float) -> Lately:
        """Those after an instant."""
        if self.in_order:
            first = bisect_right(self.instants_s, at_s)
            return Lately(self.instants_s[first:], self.failed[first:])
        instants_s = tuple(one_s for one_s in self.instants_s if one_s > at_s)
        in_order = all(map(le, instants_s, instants_s[1:]))
        return Lately(instants_s, self.those(lambda one_s: one_s > at_s), in_order)

    def and_one(self, at_s: float, *, failed: bool) -> Lately:
        """The same and one more."""
        in_order = self.in_order and self.instants_s[-1:] <= (at_s,)
        return Lately((*self.instants_s, at_s), self.failed + bytes([failed]), in_order)

    def those(
        self, are: Callable[[float], bool], are_over: Callable[[float], bool] = lambda at_s: False
    ) -> bytes:
        """Whether each failed of those whose instants are such, and not yet over. Both are true
        from some instant on.
        """
        if self.in_order:
            first, last = (bisect_left(self.instants_s, True, key=each) for each in (are, are_over))
            return self.failed[first:last]
        each = zip(self.failed, self.instants_s, strict=True)
        return bytes(failed for failed, at_s in each if are(at_s) and not are_over(at_s))
