"""What a value is made of: a `msgspec.Struct` that can't be changed.

Beside a frozen dataclass of the standard library, its class is made forty times faster (a command
makes a hundred and fifty), an instance seven times. What is loaded into a target's own Python,
where no library of the harness need be (`engines/sim`, `faults`, stubs), has dataclasses.
"""

from __future__ import annotations

from abc import ABCMeta
from typing import dataclass_transform

from msgspec import Struct, StructMeta, field


@dataclass_transform(field_specifiers=(field,), frozen_default=True)
class Frozen(Struct, frozen=True):
    """Fields and nothing else: equal where these are, hashable where these are, never changed."""


class Abstract(StructMeta, ABCMeta):
    """The metaclass of a base that says what its kinds must have (`abc.abstractmethod`)."""
