"""The target's application, found by its name, and a server for its kind."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any, Protocol

from .plan import RequestPlan

Answer = tuple[int | None, list[tuple[str, str]], bytes, str | None]
"""Status, headers, body, error."""
Done = Callable[[Answer], None]

_ASGI_ARGUMENTS = 3
"""scope, receive, send; WSGI has two."""


class Server(Protocol):
    """Gives requests to an application on virtual time."""

    def start(self, within_s: float) -> None:
        """Everything that comes before the first request; called by the main task.

        Raises: NotStarted when the application says no, or nothing in `within_s` seconds.
        """
        ...

    def give(self, request: RequestPlan, done: Done) -> None:
        """Have a request answered; `done` gets the answer. Never waits."""
        ...

    def hang_up(self, request: RequestPlan) -> None:
        """A request's client is gone; whoever works on it may hear of that."""
        ...


class NotStarted(Exception):
    """The application's own startup failed; `said` is all that it had to say, as it was."""

    def __init__(self, why: str, said: str = "") -> None:
        super().__init__(why)
        self.said = said


def load(spec: str) -> Any:
    """The application that `module:attr` or `module:factory()` names.

    Raises: whatever the target's own import raises; ValueError for a name that isn't there.
    """
    module_name, _, attribute = spec.partition(":")
    attribute = attribute or "app"
    call = attribute.endswith("()")
    value: Any = importlib.import_module(module_name)
    for part in attribute.removesuffix("()").split("."):
        if not hasattr(value, part):
            raise ValueError(f"{module_name} has no {attribute!r}")
        value = getattr(value, part)
    if call:
        value = value()
    if not callable(value):
        raise ValueError(f"{spec} is neither a WSGI nor an ASGI application: it can't be called")
    return value


def libraries_since(before: set[str], target: str) -> list[str]:
    """What the target's import loaded beyond its own code: standard library and site-packages."""
    found = []
    for name, module in list(sys.modules.items()):
        if name in before or name.partition(".")[0] == target:
            continue
        file = getattr(module, "__file__", None) or ""
        if "/site-packages/" in file or "/lib/python" in file:
            found.append(name)
    return found


def is_asgi(app: Any) -> bool:
    """Whether an application speaks ASGI: it is awaited, or takes scope, receive and send."""
    plain = inspect.isroutine(app) or inspect.isclass(app) or isinstance(app, functools.partial)
    call = app if plain else app.__call__
    if inspect.iscoroutinefunction(call) or (inspect.isclass(app) and hasattr(app, "__await__")):
        return True
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return False
    required = [p for p in parameters if p.default is p.empty and p.kind in _POSITIONAL]
    return len(required) == _ASGI_ARGUMENTS


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
