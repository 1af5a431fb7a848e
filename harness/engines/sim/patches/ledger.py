"""Which names were replaced, so that it can be checked later that nobody replaced them again."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

REPLACED: list[tuple[ModuleType, str, Any]] = []
"""Module, name and what now stands there."""


def replace(module: ModuleType, name: str, value: object) -> None:
    """Put something in a name's place.

    Raises: RuntimeError for a name that never existed: a misspelt patch would let real threads run.
    """
    if not hasattr(module, name):
        raise RuntimeError(f"{module.__name__}.{name} does not exist on this Python")
    setattr(module, name, value)
    REPLACED.append((module, name, value))


def changed_since() -> list[str]:
    """The names that somebody replaced after us (gevent's monkey patching does)."""
    return [
        f"{module.__name__}.{name}"
        for module, name, value in REPLACED
        if getattr(module, name, None) is not value
    ]
