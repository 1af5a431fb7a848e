"""Reads a target's log lines for their marks, while they come in."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from harness.engines.redact import Redactor
from harness.history.events import Event, Logged, Trouble
from harness.log_patterns import LONGEST_LINE, MOST_LINES
from harness.target import Target

_SLOW_S = 0.1


class LogReader:
    """Makes events of lines; a pattern that takes long on one is given up, and that is trouble."""

    def __init__(self, target: Target, redactor: Redactor) -> None:
        self._redactor = redactor
        log = target.log
        self._lines = 0
        self._patterns = (
            {} if log is None else {mark: re.compile(getattr(log, mark)) for mark in log.marks}
        )
        self._names = {_flat(name): name for name in target.upstream_names}
        if log is not None:
            self._names |= {_flat(said): name for said, name in log.names.items()}

    def events(self, line: str, at_s: float) -> Iterator[Event]:
        """The line with its marks and the upstream that it names, without secrets.

        Nothing for an empty line, nor for more than `MOST_LINES`.
        """
        if not line or self._lines >= MOST_LINES:
            return
        self._lines += 1
        line = line[:LONGEST_LINE]
        began_s = time.thread_time()
        found = {mark: pattern.search(line) for mark, pattern in self._patterns.items()}
        if time.thread_time() - began_s > _SLOW_S:
            yield from self._given_up(line, at_s)
        marks = [mark for mark, match in found.items() if match is not None]
        named = (match.groupdict().get("upstream") for match in found.values() if match is not None)
        upstream = next(filter(None, named), None)
        if upstream is not None:
            upstream = self._names.get(_flat(upstream), self._redactor.text(upstream.strip()))
        yield Logged(
            at_s=at_s,
            by="target",
            source="target",
            line=self._redactor.text(line),
            marks=tuple(marks),
            upstream=upstream,
        )

    def _given_up(self, line: str, at_s: float) -> Iterator[Trouble]:
        """The patterns that take long on a line, each asked by itself: reading the clock between
        two that don't would take longer than these.
        """
        for mark, pattern in tuple(self._patterns.items()):
            began_s = time.thread_time()
            pattern.search(line)
            took_s = time.thread_time() - began_s
            if took_s > _SLOW_S:
                del self._patterns[mark]
                what = f"the log pattern `{mark}` took {took_s:.1f} s for one line and is given up"
                yield Trouble(at_s=at_s, by="engine", what=what)


def _flat(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.strip()).lower()
