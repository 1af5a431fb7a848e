"""What an OpenAPI file says that an application can be asked: one request for each operation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from harness.openapi.document import Document, Misfit, child
from harness.openapi.responses import example_in, is_json, success
from harness.openapi.smallest import Smallest
from harness.scenario.located import Items, Mapping, Node, Scalar, plain
from harness.scenario.route_spelling import METHODS

_ANY = "1"
"""What a parameter of a path is where nothing better is said."""


def requests_of(document: Document) -> tuple[list[dict[str, Any]], list[str]]:
    """Requests as `routes:` of a target file has them, and what is left out, with the reason."""
    found: list[dict[str, Any]] = []
    left_out: list[str] = []
    for method, path, item, operation in _operations(document):
        try:
            found.append(_request(document, method, path, item, operation))
        except Misfit as error:
            left_out.append(f"{method} {path}: line {error.line}: {error}")
    return found, left_out


def stream_name(request: str, taken: set[str]) -> str:
    """A name for a request: the last word of its path that isn't a number."""
    method, _, path = request.partition(" ")
    words = [w for w in re.split(r"[^A-Za-z]+", path.partition("?")[0]) if w]
    name = (words[-1] if words else "root").lower()
    if name in taken:
        name = f"{method.lower()}_{'_'.join(words).lower()}"
    number, base = 2, name
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name


def named(requests: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Requests by names of their own."""
    taken: set[str] = set()
    return {stream_name(each["request"], taken): each for each in requests}


def _operations(document: Document) -> Iterator[tuple[str, str, Mapping, Mapping]]:
    paths = child(document.root, "paths")
    assert isinstance(paths, Mapping)
    for path, entry in paths.entries.items():
        if not path.startswith("/"):
            continue
        item = document.mapping(entry.node, "a path")
        for method in METHODS:
            operation = child(item, method.lower())
            if operation is not None:
                yield method, path, item, document.mapping(operation, "an operation")


def _request(
    document: Document, method: str, path: str, item: Mapping, operation: Mapping
) -> dict[str, Any]:
    query = []
    for parameter in _parameters(document, item, operation):
        name, place = _text(parameter, "name"), _text(parameter, "in")
        value = quote(_value(document, parameter), safe="")
        if place == "path":
            path = path.replace("{" + name + "}", value)
        elif place == "query" and _is_required(parameter):
            query.append(f"{name}={value}")
    path = re.sub(r"\{[^{}]*\}", _ANY, path)  # those that it doesn't describe
    status, _ = success(document, operation)
    asked: dict[str, Any] = {"request": f"{method} {path}" + ("?" + "&".join(query)) * bool(query)}
    body = _body(document, operation)
    if body is not None:
        asked["json"] = body
    return asked | {"healthy": status}


def _parameters(document: Document, item: Mapping, operation: Mapping) -> Iterator[Mapping]:
    for holder in (item, operation):
        listed = child(holder, "parameters")
        for node in listed.nodes if isinstance(listed, Items) else ():
            yield document.mapping(node, "a parameter")


def _text(node: Node, key: str) -> str:
    found = child(node, key)
    return found.text if isinstance(found, Scalar) else ""


def _is_required(parameter: Mapping) -> bool:
    found = child(parameter, "required")
    return isinstance(found, Scalar) and found.value is True


def _value(document: Document, parameter: Mapping) -> str:
    given = example_in(document, parameter)
    schema = child(parameter, "schema")
    if given is None and schema is not None:
        told = document.mapping(schema, "a schema")
        given = child(told, "example") or child(told, "default") or child(told, "enum")
        if isinstance(given, Items):
            given = given.nodes[0] if given.nodes else None
    value = None if given is None else plain(given)
    return value if isinstance(value, str) and value else _ANY if value is None else str(value)


def _body(document: Document, operation: Mapping) -> Any:
    """The JSON that an operation is asked with; None where it takes none.

    Raises: Misfit.
    """
    said = child(operation, "requestBody")
    if said is None:
        return None
    content = child(document.mapping(said, "a request's body"), "content")
    kinds = content.entries if isinstance(content, Mapping) else {}
    kind = next((each for each in kinds if is_json(each)), None)
    if kind is None:
        return None
    media = document.mapping(kinds[kind].node, "a kind of content")
    given, schema = example_in(document, media), child(media, "schema")
    if given is not None:
        return plain(given)
    return None if schema is None else Smallest(document).value(schema)
