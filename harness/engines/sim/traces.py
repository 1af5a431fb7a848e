"""A target's error as Python would have shown it, had nothing of ours been below."""

from __future__ import annotations

import traceback

from .own_code import OWN_CODE


def own_trace(error: BaseException) -> str:
    """The traceback from the target's first line on; of an error without one, its last lines."""
    shown = traceback.TracebackException.from_exception(error)
    told: traceback.TracebackException | None = shown
    for _ in range(20):
        if told is None:
            break
        told.stack = traceback.StackSummary.from_list(_own(told.stack))
        told = told.__cause__ or told.__context__
    text = "".join(shown.format())
    return text if shown.stack else text.removeprefix("Traceback (most recent call last):\n")


def _own(stack: traceback.StackSummary) -> list[traceback.FrameSummary]:
    """From the first frame of the target's own code; Python hides its importing, too."""
    frames = [frame for frame in stack if not frame.filename.startswith("<frozen importlib")]
    first = next((i for i, f in enumerate(frames) if OWN_CODE.holds(f.filename)), len(frames))
    return frames[first:]


def last_own_line(error: BaseException) -> str:
    """`file:line: ` of the target's own code that an error came through last."""
    found = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if OWN_CODE.holds(frame.filename):
            found = f"{OWN_CODE.short(frame.filename)}:{frame.lineno}: "
    return found
