"""What a command leaves out to begin sooner.

Pydantic looks through everything that is installed for plugins of its own, before the first model
is made: a tenth of a second. The harness's models need none. It is told so by a variable, which
must not reach the target: that one's plugins are its own business.
"""

from __future__ import annotations

import os

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
_told: list[str] = []


def without_plugins() -> None:
    """Let pydantic look for no plugins in this process, if nobody has said which."""
    if PLUGINS not in os.environ:
        os.environ[PLUGINS] = "__all__"
        _told.append(PLUGINS)


def own_variables() -> tuple[str, ...]:
    """The variables that this process set for itself, which are no child's."""
    return tuple(_told)
