"""`dataclass`, as the standard library has it, of which a class is made in a fourth of the time.

The standard library compiles up to eight functions for each class, one by one: more than half a
millisecond, and a short command has two hundred classes. Here `__init__` alone is compiled; what
compares, hashes, shows and forbids reads the class's fields. What comes out is a dataclass to
everybody: `fields`, `replace`, `asdict`, `pickle`, and mypy.
"""

from __future__ import annotations

import dataclasses
import operator
import reprlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

_UNSAID = object()
"""What `__init__` is given for a field whose value a factory makes."""
_ORDER = {f"__{name}__": getattr(operator, name) for name in ("lt", "le", "gt", "ge")}


def _made(
    *,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    repr: bool = True,
    eq: bool = True,
    order: bool = False,
) -> Callable[[type], type]:
    """As `dataclasses.dataclass`, with those of its options that the harness uses."""

    def make(cls: type) -> type:
        own_hash = cls.__dict__.get("__hash__")
        made: type = dataclasses.dataclass(
            init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
        )(cls)
        methods: dict[str, Any] = {"__init__": _init(made, frozen)}
        if repr:
            methods["__repr__"] = _shown
        if eq:
            compared = _compared(made)
            methods["__eq__"] = _comparing(operator.eq, compared)
            if own_hash is None:
                methods["__hash__"] = _hashing(compared) if frozen else None
            if order:
                methods |= {name: _comparing(how, compared) for name, how in _ORDER.items()}
        if frozen:
            methods |= _FROZEN
        for name, method in methods.items():
            if made.__dict__.get(name) is None:
                setattr(made, name, method)
        return made

    return make


def _init(cls: type, frozen: bool) -> Any:
    """Gives each field what is said of it, or its default."""
    known: dict[str, Any] = {
        "_put": object.__setattr__,
        "_UNSAID": _UNSAID,
        "__name__": cls.__module__,
    }
    by_place, by_name, lines = ["self"], ["*"], []
    for field in dataclasses.fields(cls):
        name, said, default = field.name, field.name, ""
        if field.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = field.default_factory
            default, unsaid = "=_UNSAID", f"_make_{name}()"
            said = f"{unsaid} if {name} is _UNSAID else {name}"
        elif field.default is not dataclasses.MISSING:
            known[f"_of_{name}"] = field.default
            default, unsaid = f"=_of_{name}", f"_of_{name}"
        if field.init:
            (by_name if field.kw_only else by_place).append(name + default)
        elif default:
            said = unsaid
        else:
            continue
        lines.append(f"_put(self, {name!r}, {said})" if frozen else f"self.{name} = {said}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    taken = ", ".join(by_place + (by_name if len(by_name) > 1 else []))
    exec(f"def __init__({taken}):\n " + "\n ".join(lines or ["pass"]), known)
    init = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _compared(cls: type) -> Callable[[Any], tuple[Any, ...]]:
    """What of an instance is compared and hashed."""
    names = [field.name for field in dataclasses.fields(cls) if field.compare]
    if len(names) == 1:
        only = operator.attrgetter(names[0])
        return lambda instance: (only(instance),)
    return operator.attrgetter(*names) if names else lambda instance: ()


def _comparing(
    how: Callable[[Any, Any], Any], compared: Callable[[Any], tuple[Any, ...]]
) -> Callable[[Any, object], Any]:
    def compare(self: Any, other: object) -> Any:
        if other.__class__ is self.__class__:
            return how(compared(self), compared(other))
        return NotImplemented

    return compare


def _hashing(compared: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    return lambda self: hash(compared(self))


@reprlib.recursive_repr()
def _shown(self: Any) -> str:
    shown = (field.name for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(f'{n}={getattr(self, n)!r}' for n in shown)})"


def _no_setting(self: object, name: str, value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_deleting(self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_FROZEN = {
    "__setattr__": _no_setting,
    "__delattr__": _no_deleting,
    "__getstate__": _state,
    "__setstate__": _set_state,
}
if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _made
