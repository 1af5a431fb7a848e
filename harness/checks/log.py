"""Expectations on what the target logs, in order (B11): the first lines that follow one another.

A line that names no upstream may be about any: many targets log `retrying in 1s` and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.checks.case import Case
from harness.checks.selection import requests_in, span_of
from harness.checks.wording import seconds
from harness.frozen import Frozen
from harness.history.events import Logged
from harness.log_patterns import MOST_LINES
from harness.scenario.expectations.log import ExpectLog
from harness.units import Window, plural
from harness.verdict import Finding, Verdict

_LONGEST_QUOTE = 80
Shows = Callable[[Logged, str], bool]
"""Whether a line is a step."""


class _Found(Frozen, kw_only=True):
    """The steps that were found in order, each in its line, and the first that was not."""

    lines: tuple[Logged, ...]
    missing: str | None


def check(expectation: ExpectLog, case: Case) -> tuple[Finding, ...]:
    """One finding: whether the lines came, and those that did."""
    span = span_of(expectation, case)
    written = [event for event in case.history.logs if event.by == "target"]
    windows = [_as_read(each, case) for each in span.windows]
    lines = [line for line in written if any(line.at_s in each for each in windows)]
    upstream = expectation.log if isinstance(expectation.log, str) else None
    steps, excuse = _seen(expectation, case)
    found = _follow(lines, steps, _marked(upstream) if upstream else _holds)
    verdict, why = Verdict.PASSED if found.missing is None else Verdict.FAILED, ""
    if excuse and (found.missing is None or not written):
        verdict, why = Verdict.OUT_OF_SCOPE, excuse
    elif found.missing is not None:
        why = span.nothing if not span.windows else _unproved(written, upstream, case)
        if not why and not requests_in(case, span):
            why = "no request was sent in this window"
        verdict = Verdict.INCONCLUSIVE if why else verdict
    quoted = "; ".join(_quote(line) for line in dict.fromkeys(found.lines))
    counted = f"{plural(len(lines), 'line')} of the target's output"
    return (
        Finding(
            name=f"{_subject(upstream)} shows {', '.join(expectation.steps)} {span.words}",
            verdict=verdict,
            expected=", then ".join(steps or expectation.steps),
            observed=_observed(steps, found),
            evidence=why or (f"{counted}: {quoted}" if quoted else counted),
        ),
    )


def _as_read(window: Window, case: Case) -> Window:
    """When the lines of a window may have been read."""
    return Window(window.start_s, window.end_s + case.late_at_s(window.end_s))


def _subject(upstream: str | None) -> str:
    return "the log" if upstream is None else f"the log of {upstream}"


def _marked(upstream: str) -> Shows:
    def shows(line: Logged, mark: str) -> bool:
        return mark in line.marks and line.upstream in (None, upstream)

    return shows


def _holds(line: Logged, text: str) -> bool:
    return text in line.line


def _follow(lines: Sequence[Logged], steps: Sequence[str], shows: Shows) -> _Found:
    """The earliest lines that are the steps, in order; one line may be several different steps."""
    found: list[Logged] = []
    for line in lines:
        here: list[str] = []
        while len(found) < len(steps) and steps[len(found)] not in here:
            step = steps[len(found)]
            if not shows(line, step):
                break
            here.append(step)
            found.append(line)
    missing = steps[len(found)] if len(found) < len(steps) else None
    return _Found(lines=tuple(found), missing=missing)


def _seen(expectation: ExpectLog, case: Case) -> tuple[tuple[str, ...], str]:
    """The steps that this target, or this engine, has a log of; and why not all of them are proved
    where these came: empty where they are.
    """
    run = case.history.run
    if "output" not in run.evidence:
        return (), "the target's output can't be read in this run"
    without = [mark for mark in dict.fromkeys(expectation.marks) if mark not in run.marks]
    known = tuple(step for step in expectation.steps if step not in without)
    unknown = f"the target file's `log:` has no pattern for {', '.join(without)}"
    return known, unknown if without else ""


def _unproved(written: Sequence[Logged], upstream: str | None, case: Case) -> str:
    """Why that a line was not seen proves nothing."""
    if not written:
        return "the target wrote nothing in the whole run"
    if len(written) >= MOST_LINES:
        return f"only the first {MOST_LINES} lines of the target's output were kept"
    named = {line.upstream for line in written if line.upstream is not None}
    if upstream is not None and named and not named & set(case.history.run.upstreams):
        shown = ", ".join(sorted(named)[:3])
        return f"the log names {shown}, none of them an upstream; `log: names:` can say which is"
    return ""


def _observed(steps: Sequence[str], found: _Found) -> str:
    shown = ", ".join(
        f"{step} {seconds(line.at_s)}" for step, line in zip(steps, found.lines, strict=False)
    )
    if found.missing is None:
        return shown
    return f"{shown}, then no {found.missing}" if shown else f"no {found.missing}"


def _quote(line: Logged) -> str:
    text = line.line.strip()
    cut = text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."
    return f"{seconds(line.at_s)} {cut!r}"
