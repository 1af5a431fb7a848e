"""Thread-local values that belong to tasks: `_thread._local`.

C's own would die with the OS thread, which here outlives the task and runs the next one.
"""

from __future__ import annotations

from .scheduler import KERNEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_serial = 0


class _Values:
    """What one local object keeps apart from its attributes; dies with it."""

    __slots__ = ("args", "kwargs", "serial", "shown")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        global _serial
        _serial += 1
        self.serial = _serial
        self.args = args
        self.kwargs = kwargs
        self.shown: object = None

    def __del__(self) -> None:
        for task in list(KERNEL.tasks.values()):
            task.locals.pop(self.serial, None)


class Local:
    """An object whose attributes are another set in each task; subclasses' `__init__` runs in each.

    The current task's values are put in `__dict__` at the first access after a switch: without a
    lock, since only the baton's holder gets here.
    """

    __slots__ = ("__dict__", "__weakref__", "_local__values")

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Local:
        """Keep the arguments: each task's first access calls `__init__` with them."""
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError("Initialization arguments are not supported")
        self = object.__new__(cls)
        values = _Values(args, kwargs)
        object.__setattr__(self, "_local__values", values)
        task = KERNEL.current or KERNEL.main
        values.shown = task
        own: dict[str, Any] = {}
        task.locals[values.serial] = own
        object.__setattr__(self, "__dict__", own)
        return self

    def __getattribute__(self, name: str) -> Any:
        _show(self)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "__dict__":
            raise AttributeError("the __dict__ of a thread-local object can't be replaced")
        _show(self)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name == "__dict__":
            raise AttributeError("the __dict__ of a thread-local object can't be deleted")
        _show(self)
        object.__delattr__(self, name)


def _show(self: Local) -> None:
    values = object.__getattribute__(self, "_local__values")
    task = KERNEL.current or KERNEL.main
    if values.shown is task:
        return
    values.shown = task
    own = task.locals.get(values.serial)
    if own is not None:
        object.__setattr__(self, "__dict__", own)
        return
    own = task.locals[values.serial] = {}
    object.__setattr__(self, "__dict__", own)
    cls = type(self)
    if cls.__init__ is not object.__init__:
        cls.__init__(self, *values.args, **values.kwargs)
