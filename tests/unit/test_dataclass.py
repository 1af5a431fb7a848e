"""The harness's `dataclass` is the standard library's but for the time that a class takes."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any, ClassVar

import pytest

from harness.dataclass import _made as ours

Decorator = Callable[..., Callable[[type], Any]]


def samples(dataclass: Decorator) -> dict[str, Any]:
    """Classes of each sort that the harness has."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Frozen:
        """All by name."""

        at_s: float
        names: tuple[str, ...] = ()
        seen: list[int] = field(default_factory=list, compare=False)
        secret: str = field(default="", repr=False)
        KIND: ClassVar[str] = "frozen"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Child(Frozen):
        """Adds to another, and changes one of its fields."""

        more: int = 3
        names: tuple[str, ...] = ("a",)

    @dataclass(frozen=True, slots=True)
    class Placed:
        """By place."""

        low: int
        high: int = 7

        def __post_init__(self) -> None:
            object.__setattr__(self, "high", self.high + 1)

    @dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        """To be sorted."""

        first: int
        second: str = "x"

    @dataclass(slots=True)
    class Open:
        """Can be changed, and has what nobody gives."""

        count: int
        total: int = field(default=4, init=False)
        seen: list[int] = field(default_factory=list, init=False)
        later: str = field(init=False, repr=False, compare=False)

    @dataclass(frozen=True, slots=True, eq=False, repr=False)
    class Itself:
        """Is equal to itself alone, and not shown."""

        count: int = 0

    @dataclass(frozen=True, slots=True)
    class One:
        """A single field."""

        value: int

        def __repr__(self) -> str:
            return "one"

    @dataclass(frozen=True, slots=True)
    class Nothing:
        """No field, and an equality of its own."""

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Nothing)

    return {name: one for name, one in locals().items() if isinstance(one, type)}


STOCK, OURS = samples(dataclasses.dataclass), samples(ours)
GIVEN: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "Frozen": [((), {"at_s": 1.0}), ((), {"at_s": 1.0, "seen": [1]}), ((), {"at_s": 2.0})],
    "Child": [((), {"at_s": 1.0}), ((), {"at_s": 1.0, "names": (), "more": 4})],
    "Placed": [((1,), {}), ((1, 7), {}), ((1,), {"high": 9})],
    "Ordered": [((2, "b"), {}), ((2,), {}), ((1, "z"), {}), ((2, "b"), {})],
    "Open": [((1,), {}), ((2,), {})],
    "Itself": [((1,), {}), ((1,), {})],
    "One": [((1,), {}), ((2,), {})],
    "Nothing": [((), {}), ((), {})],
}


def told(ask: Callable[[], Any]) -> Any:
    """What comes out, or what is raised."""
    try:
        return ask()
    except Exception as error:
        return type(error), str(error)


def facts(cls: Any, given: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
    """All that can be asked of a class and of what it makes."""
    names = [f.name for f in dataclasses.fields(cls)]
    made = [cls(*places, **named) for places, named in given]
    pairs = [(a, b) for a in made for b in made]
    # What has no class of this name to be found by is pickled by its state alone.
    states = [getattr(one, "__getstate__", tuple)() for one in made]
    return [
        [(f.name, f.kw_only, f.init) for f in dataclasses.fields(cls)],
        [str(each.replace(annotation=inspect.Parameter.empty)) for each in signature(cls)],
        cls.__slots__,
        cls.__match_args__,
        [told(lambda one=one: shown(one)) for one in made],
        [told(lambda one=one: hash(one)) for one in made if cls.__hash__ is not object.__hash__],
        [a == b for a, b in pairs],
        [told(lambda a=a, b=b: (a < b, a <= b, a > b, a >= b)) for a, b in pairs],
        [made[0] == 3, made[0] != 3],
        states,
        [told(lambda one=one: shown(copy.copy(one))) for one in made],
        [told(lambda: dataclasses.asdict(made[0]))],
        [told(lambda name=name: setattr(made[-1], name, 0)) for name in names],
        [told(lambda name=name: delattr(made[-1], name)) for name in names],
        [told(lambda: cls(1, 2, 3, 4, 5)), told(lambda: cls(wrong=1))],
    ]


def shown(one: Any) -> str:
    """Without the address of what is not shown."""
    return repr(one).partition(" object at ")[0]


def signature(cls: Any) -> list[inspect.Parameter]:
    """With defaults by value, of which a factory's are told by their kind alone."""
    found = inspect.signature(cls.__init__).parameters.values()
    factories = {
        f.name for f in dataclasses.fields(cls) if f.default_factory is not dataclasses.MISSING
    }
    return [one.replace(default="made") if one.name in factories else one for one in found]


@pytest.mark.parametrize("name", GIVEN)
def test_a_class_is_what_the_standard_library_makes_of_it(name: str) -> None:
    assert facts(OURS[name], GIVEN[name]) == facts(STOCK[name], GIVEN[name])


def test_what_is_frozen_can_be_replaced_and_pickled_and_nothing_else() -> None:
    from harness.errors import Problem

    problem = Problem(file="a.yaml", line=3, message="wrong")
    assert pickle.loads(pickle.dumps(problem)) == problem
    assert dataclasses.replace(problem, line=4).line == 4
    with pytest.raises(FrozenInstanceError):
        problem.line = 5  # type: ignore[misc]


def test_a_factory_makes_a_new_value_for_each() -> None:
    first, second = OURS["Frozen"](at_s=1.0), OURS["Frozen"](at_s=1.0)
    assert first.seen == []
    assert first.seen is not second.seen


def test_what_holds_itself_is_shown() -> None:
    one = OURS["Open"](1)
    one.seen.append(one)
    assert "seen=[...]" in repr(one)
