"""`datetime` on the virtual clock: C's own classes, whose now is another.

Subclasses in their place would be of a metaclass of their own (C makes objects of the base class,
which `isinstance` must count too), and nobody could derive from one together with a class of yet
another metaclass, as `pydantic.v1` does. So the two methods that read the clock in C are replaced
where they stand. That is possible only before anybody has looked them up: C remembers look-ups.
`date.today` asks Python's `time`, which is virtual already.
"""

from __future__ import annotations

import datetime as module
import gc
import time
from typing import Any


def _now(cls: type[module.datetime], tz: Any = None) -> module.datetime:
    """The wall clock's reading."""
    return cls.fromtimestamp(time.time(), tz)


def _utcnow(cls: type[module.datetime]) -> module.datetime:
    """The wall clock's reading in UTC, naive."""
    return cls.fromtimestamp(time.time(), module.UTC).replace(tzinfo=None)


def install_dates() -> None:
    """Put both in place.

    Raises: RuntimeError where this Python has no such methods.
    """
    (methods,) = gc.get_referents(module.datetime.__dict__)
    for name, method in (("now", _now), ("utcnow", _utcnow)):
        if name not in methods:
            raise RuntimeError(f"datetime.datetime.{name} does not exist on this Python")
        method.__name__ = name
        methods[name] = classmethod(method)
