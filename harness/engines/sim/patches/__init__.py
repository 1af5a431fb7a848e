"""Puts the simulation under everything: builtin modules first, then the libraries on top of them.

The order matters more than the technique. In a bare interpreter nothing holds the real clock or the
real locks yet, so `from time import monotonic` in any module imported later is right by itself.
"""

from __future__ import annotations

import sys

from .chance import CHANCE
from .ledger import REPLACED, changed_since

_TOO_EARLY = (
    "threading",
    "socket",
    "selectors",
    "random",
    "logging",
    "datetime",
    "queue",
    "functools",
    "reprlib",
    "subprocess",
    "tempfile",
)

__all__ = ["CHANCE", "REPLACED", "changed_since", "install", "loaded_too_early"]


def loaded_too_early() -> list[str]:
    """Modules that are loaded already and so hold real clocks and locks."""
    return [name for name in _TOO_EARLY if name in sys.modules]


def install() -> None:
    """Replace everything; once, in a bare interpreter.

    Raises: RuntimeError when something was loaded before.
    """
    early = loaded_too_early()
    if early:
        raise RuntimeError(f"loaded before the simulation's patches: {', '.join(early)}")
    from . import builtin

    builtin.install()
    from . import libraries

    libraries.install()
