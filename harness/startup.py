"""What a command leaves out, or puts off, to begin and to end sooner.

Pydantic looks through everything that is installed for plugins of its own, before the first model
is made: a tenth of a second. The harness's models need none. It is told so by a variable, which
must not reach the target: that one's plugins are its own business.
"""

from __future__ import annotations

import gc
import os

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
_told: list[str] = []
_NEW_OBJECTS = 200_000


def without_plugins() -> None:
    """Let pydantic look for no plugins in this process, if nobody has said which."""
    if PLUGINS not in os.environ:
        os.environ[PLUGINS] = "__all__"
        _told.append(PLUGINS)


def collect_seldom() -> None:
    """Look for garbage after so many new objects as a large history has, not after a few hundred:
    what is imported at the start is none, and looking through it again and again is a tenth of it.
    """
    gc.set_threshold(_NEW_OBJECTS)


def end_at_once() -> None:
    """Let the process end without looking for garbage once more: all of it goes with the process.

    Where pydantic's models have been built that look is a fourth of a short command.
    """
    gc.freeze()


def own_variables() -> tuple[str, ...]:
    """The variables that this process set for itself, which are no child's."""
    return tuple(_told)
