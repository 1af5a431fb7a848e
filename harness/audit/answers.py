"""Questions that depend on each other, answered until nothing new comes: a least fixed point."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T", bound=Hashable)
_MOST = 48
"""Answers to one question; code that may stand for more stands for anything."""

Key = tuple[Any, ...]


class Answers(Generic[T]):
    """What is known of each question, a question being a method and its arguments.

    A method asks others by `ask`, which gives what is known so far and comes back when that grows.
    Nothing is computed twice for nothing, and nothing recurses, however questions hang together.
    """

    def __init__(self) -> None:
        self._known: dict[Key, dict[T, None]] = {}
        self._readers: dict[Key, dict[Key, None]] = {}
        self._due: deque[Key] = deque()
        self._waiting: set[Key] = set()
        self._asking: Key | None = None

    def settled(self, method: Callable[..., Iterable[T]], *arguments: Hashable) -> Sequence[T]:
        """All answers to a question, from outside."""
        key = (method, *arguments)
        if key not in self._known:
            self._open(key)
            self._settle()
        return tuple(self._known[key])

    def ask(self, method: Callable[..., Iterable[T]], *arguments: Hashable) -> Sequence[T]:
        """The answers known so far, to the question that is being answered just now."""
        key = (method, *arguments)
        if key not in self._known:
            self._open(key)
        if self._asking is not None:
            self._readers[key][self._asking] = None
        return tuple(self._known[key])

    def _open(self, key: Key) -> None:
        self._known[key] = {}
        self._readers[key] = {}
        self._put(key)

    def _put(self, key: Key) -> None:
        if key not in self._waiting:
            self._waiting.add(key)
            self._due.append(key)

    def _settle(self) -> None:
        while self._due:
            # The oldest first, so that all it reads has grown before a question is asked again.
            self._asking = key = self._due.popleft()
            self._waiting.discard(key)
            method, *arguments = key
            known = self._known[key]
            before = len(known)
            for answer in method(*arguments):
                if len(known) >= _MOST:
                    break
                known[answer] = None
            if len(known) > before:
                for reader in self._readers[key]:
                    self._put(reader)
        self._asking = None
