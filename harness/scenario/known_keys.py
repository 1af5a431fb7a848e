"""Which keys a model knows at a path of its file, as files spell them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from harness.scenario.expectations import FORMS
from harness.scenario.faults import KINDS, FaultBase
from harness.scenario.located import Path


def keys_of(model: type[BaseModel]) -> list[str]:
    """A model's keys, in file order; fields that the harness sets itself are left out."""
    fields = model.model_fields.items()
    return [field.alias or name for name, field in fields if not field.exclude]


def keys_at(model: type[BaseModel], path: Path, tag: str) -> list[str]:
    """The keys known at a path; `tag` is the kind of the fault or the form of the expectation."""
    if path[:1] == ("faults",) and len(path) == 2:
        return keys_of(KINDS[tag].model) if tag in KINDS else ["fault", *keys_of(FaultBase)]
    if path[:1] == ("expect",) and len(path) >= 2:
        if tag not in FORMS:
            return list(FORMS)
        return _walked(FORMS[tag], path[2:])
    return _walked(model, path)


def _walked(annotation: Any, path: Path) -> list[str]:
    here = list(_models(annotation))
    if not path:
        return list(dict.fromkeys(key for model in here for key in keys_of(model)))
    below: list[str] = []
    for inner in _below(annotation, here, path[0]):
        below += _walked(inner, path[1:])
    return list(dict.fromkeys(below))


def _below(annotation: Any, models: list[type[BaseModel]], step: str | int) -> Iterator[Any]:
    for model in models:
        for name, field in model.model_fields.items():
            if step in (field.alias, name):
                yield field.annotation
    for part in _unfolded(annotation):
        if get_origin(part) is dict and isinstance(step, str):
            yield get_args(part)[1]
        elif get_origin(part) is tuple and isinstance(step, int):
            yield get_args(part)[0]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for part in _unfolded(annotation):
        if isinstance(part, type) and get_origin(part) is None and issubclass(part, BaseModel):
            yield part


def _unfolded(annotation: Any) -> Iterator[Any]:
    """An annotation without its unions and metadata."""
    origin = get_origin(annotation)
    if origin in (dict, tuple) or origin is None:
        yield annotation
        return
    inner = get_args(annotation)
    for part in inner[:1] if hasattr(annotation, "__metadata__") else inner:
        yield from _unfolded(part)
