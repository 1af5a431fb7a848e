"""What is wrong with a target file's `stubs:` though each part of it is well formed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.scenario.located import Path
from harness.scenario.names import Misfits
from harness.scenario.spelling import nearest
from harness.scenario.stub_names import place_heads, places_in, problem_of
from harness.upstreams.stub_data import StubAnswer, StubRoute


def check_routes(routes: tuple[StubRoute, ...], path: Path) -> Misfits:
    """Routes given twice, and places in answers that no request can fill."""
    first: dict[str, int] = {}
    for index, route in enumerate(routes):
        plain = route.route.rstrip("/")
        if plain in first:
            known = f"{route.route} is given above already"
            yield (*path, index, "route"), f"{known}; several answers in turn stand in `answers`"
        first.setdefault(plain, index)
        if not route.answers:
            yield from _places(route, (*path, index))
        for turn, answer in enumerate(route.answers):
            yield from _places(answer, (*path, index, "answers", turn))


def _places(answer: StubAnswer, path: Path) -> Misfits:
    said = {"json": answer.json_, "body": answer.body, "headers": dict(answer.headers)}
    for below, text in _texts(said, ()):
        for place in places_in(text):
            problem = _problem(place)
            if problem is not None:
                yield (*path, *below), problem


def _problem(place: str) -> str | None:
    """Why a request can't fill a place, with its nearest spelling; None where it can."""
    head, dot, rest = place.partition(".")
    if head in place_heads():
        problem = problem_of(place)
        return None if problem is None else f"place '{{{place}}}': {problem}"
    meant = nearest(head, place_heads())
    examples = place_heads().values()
    known = f"did you mean '{{{meant}{dot}{rest}}}'?" if meant else f"known: {', '.join(examples)}"
    return (
        f"place '{{{place}}}' is not known; {known} (for the text itself write '{{{{{place}}}}}')"
    )


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text of a JSON value, by its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
