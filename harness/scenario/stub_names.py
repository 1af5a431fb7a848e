"""Which services the stubs play of themselves, and which routes: they plug in by name."""

from __future__ import annotations

from functools import cache
from importlib import import_module

_STUBS = "stub_services"
"""The package of the stubs; loaded only where a name or a route is to be checked."""


@cache
def stub_names() -> tuple[str, ...]:
    """The services that have routes of their own."""
    return tuple(import_module(_STUBS).SERVICES)


@cache
def stub_routes_of(name: str) -> tuple[str, ...]:
    """The routes of one of them, `*` for any segment."""
    own: tuple[str, ...] = import_module(_STUBS).routes_of(name)
    return own


def place_heads() -> dict[str, str]:
    """How places in a stub's answers begin, and an example of each: `path`, `{path.2}`."""
    heads: dict[str, str] = import_module(f"{_STUBS}.places").HEADS
    return heads


def places_in(text: str) -> tuple[str, ...]:
    """The places in a text of a stub's answer, without their braces."""
    found: tuple[str, ...] = import_module(f"{_STUBS}.places").places_in(text)
    return found


def problem_of(place: str) -> str | None:
    """What is wrong with a place whose beginning is known; None where nothing is."""
    problem: str | None = import_module(f"{_STUBS}.places").problem_of(place)
    return problem


def escaped(text: str) -> str:
    """A text of a stub's answer in which nothing is taken for a place."""
    spelt: str = import_module(f"{_STUBS}.places").escaped(text)
    return spelt
