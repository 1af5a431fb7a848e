"""`datetime` and `date` on the virtual clock: subclasses of C's own, in their place.

The pure-Python datetime would break C extensions. Objects that C makes are of the base class, so
`isinstance` is answered for both.
"""

from __future__ import annotations

import datetime as module
import time
from typing import Any

from .ledger import replace

_DateTime = module.datetime
_Date = module.date


class _Either(type):
    """Counts objects of the class that is stood in for as its own."""

    def __instancecheck__(cls, instance: object) -> bool:
        base = _stood_in_for(cls)
        return type.__instancecheck__(cls, instance) if base is None else isinstance(instance, base)

    def __subclasscheck__(cls, subclass: type) -> bool:
        base = _stood_in_for(cls)
        return type.__subclasscheck__(cls, subclass) if base is None else issubclass(subclass, base)


def _stood_in_for(cls: type) -> type | None:
    if cls is Date:
        return _Date
    return _DateTime if cls is DateTime else None


class DateTime(_DateTime, metaclass=_Either):
    """`datetime.datetime`, whose now is virtual."""

    __slots__ = ()

    @classmethod
    def now(cls, tz: Any = None) -> DateTime:
        """The wall clock's reading."""
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> DateTime:
        """The wall clock's reading in UTC, naive."""
        return cls.fromtimestamp(time.time(), module.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> DateTime:
        """The wall clock's reading, local and naive."""
        return cls.fromtimestamp(time.time())


class Date(_Date, metaclass=_Either):
    """`datetime.date`, whose today is virtual."""

    __slots__ = ()

    @classmethod
    def today(cls) -> Date:
        """The wall clock's day."""
        return cls.fromtimestamp(time.time())


def install_dates() -> None:
    """Put both in place."""
    for cls, name in ((DateTime, "datetime"), (Date, "date")):
        cls.__module__, cls.__name__, cls.__qualname__ = "datetime", name, name
        replace(module, name, cls)
