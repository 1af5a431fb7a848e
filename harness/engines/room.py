"""How many open files this system grants, and how many worlds fit side by side into them."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Sequence

from harness.scenario.model import Scenario
from harness.timeline import Send, compile_timeline

ENOUGH = 16_384
"""More are not asked for: some programs go through all that they might have."""
_OWN = 40
"""Of the harness itself: terminal, loop, libraries, reports, and a few at hand."""
_WORLD = 16
"""Of a world at rest: its children's output, the stubs' records, control, a history."""
_ANSWER_WITHIN_S = 10.0
"""A request holds its connection for about so long at the worst."""


def granted_files() -> int:
    """Open files that this process may have, once it has asked for what it may ask for.

    Children get the same; they may need twice as many, as a proxy holds two for each connection.
    """
    if sys.platform == "win32":
        return ENOUGH
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return ENOUGH if soft == resource.RLIM_INFINITY else soft
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def files_of(scenario: Scenario) -> int:
    """Open files that the harness needs at most while it plays a scenario in real time."""
    sent = [step.at_s for step in compile_timeline(scenario) if isinstance(step, Send)]
    most = first = 0
    for last, at_s in enumerate(sent):
        while sent[first] < at_s - _ANSWER_WITHIN_S:
            first += 1
        most = max(most, last - first + 1)
    return _WORLD + most


def worlds_that_fit(scenarios: Sequence[Scenario], files: int) -> int:
    """How many of these may be played at once, whichever they are; at least one."""
    needs = sorted(map(files_of, scenarios), reverse=True)
    fit = sum(total <= files - _OWN for total in itertools.accumulate(needs))
    return max(1, fit)
