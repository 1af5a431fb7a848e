"""What each operation of an OpenAPI file answers when all is well: an example or a small value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from harness.errors import InvalidFile, Problem
from harness.openapi.document import Document, Misfit, child, load_document
from harness.openapi.smallest import Smallest
from harness.scenario.located import Mapping, Node, Scalar, plain
from harness.scenario.route_spelling import METHODS
from harness.scenario.stub_names import escaped
from harness.upstreams.stub_data import StubRoute

MOST_ROUTES = 1_000
"""Of one stub."""
_UNSAID = ("content-type", "content-length", "transfer-encoding", "connection", "set-cookie")
"""Headers that aren't taken from a file: the stub's own, and sessions that nobody has."""
_VARIABLE = re.compile(r"\{([^{}]*)\}")


def routes_of(path: FilePath, *, besides: tuple[str, ...] = ()) -> tuple[StubRoute, ...]:
    """The routes of a file, each answered as its operation's success says.

    Where the first server's URL has a path, each route is there with that path and without.
    `besides`: routes that are answered otherwise, whatever the file says of them.

    Raises: UsageError when it can't be read, InvalidFile with all that no answer can be made of.
    """
    try:
        stat = path.stat()
        changed = (stat.st_mtime_ns, stat.st_size)
    except (OSError, ValueError):
        changed = (0, 0)
    return _routes_of(path, besides, changed)


@lru_cache(maxsize=32)
def _routes_of(
    path: FilePath, besides: tuple[str, ...], changed: tuple[int, int]
) -> tuple[StubRoute, ...]:
    del changed  # a file that was written again is read again
    file = _File(load_document(path), str(path))
    routes = file.routes(frozenset(besides))
    if len(routes) > MOST_ROUTES:
        file.wrong(1, f"makes {len(routes)} routes; a stub has {MOST_ROUTES} at most")
    if file.problems:
        raise InvalidFile(list(dict.fromkeys(file.problems)))
    return tuple(routes.values())


class _File:
    """One file on its way to routes, with what is wrong with it."""

    def __init__(self, document: Document, name: str) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._name = name

    def wrong(self, line: int, message: str) -> None:
        self.problems.append(Problem(file=self._name, line=line, message=message))

    def routes(self, besides: frozenset[str]) -> dict[str, StubRoute]:
        """All routes by their name."""
        base = self._base()
        found: dict[str, StubRoute] = {}
        for method, path, operation in self._operations():
            names = [f"{method} {path}"]
            if base:
                names.append(f"{method} {base}{path}")
            if besides & set(names):
                continue
            try:
                answer = _answer(self._document, operation)
                for name in names:
                    found.setdefault(name, StubRoute(route=name, **answer))
            except Misfit as error:
                self.wrong(error.line, f"{names[0]}: {error}")
            except ValidationError as error:
                said = error.errors()[0]
                why = said.get("ctx", {}).get("error") or said["msg"]
                self.wrong(operation.line, f"{names[0]} can't be a stub's route: {why}")
        return found

    def _operations(self) -> Iterator[tuple[str, str, Mapping]]:
        """Each operation with its method and its path, `*` for its parameters."""
        paths = child(self._document.root, "paths")
        assert isinstance(paths, Mapping)
        for path, entry in paths.entries.items():
            if path.startswith("x-"):
                continue
            if not path.startswith("/"):
                self.wrong(entry.line, f"the path '{path[:80]}' doesn't begin with /")
                continue
            starred = "/".join("*" if "{" in part else part for part in path.split("/"))
            try:
                item = self._document.mapping(entry.node, "a path")
                for method in METHODS:
                    operation = child(item, method.lower())
                    if operation is not None:
                        yield method, starred, self._document.mapping(operation, "an operation")
            except Misfit as error:
                self.wrong(error.line, f"{path}: {error}")

    def _base(self) -> str:
        """The path of the first server's URL, without a slash at its end."""
        base = child(self._document.root, "basePath")
        if self._document.is_swagger:
            return "" if not isinstance(base, Scalar) else base.text.rstrip("/")
        servers = child(self._document.root, "servers")
        first = child(servers, "0") if servers is not None else None
        url = None if first is None else child(first, "url")
        if first is None or not isinstance(url, Scalar):
            return ""

        def default(found: re.Match[str]) -> str:
            said = child(first, "variables")
            own = None if said is None else child(said, found[1])
            value = None if own is None else child(own, "default")
            return value.text if isinstance(value, Scalar) else ""

        try:
            path = urlsplit(_VARIABLE.sub(default, url.text)).path.rstrip("/")
        except ValueError:
            self.wrong(url.line, f"the server's address '{url.text[:80]}' is none")
            return ""
        return path if not path or path.startswith("/") else f"/{path}"


def _answer(document: Document, operation: Mapping) -> dict[str, Any]:
    """The fields of a route that answers as an operation says.

    Raises: Misfit.
    """
    status, response = success(document, operation)
    answer: dict[str, Any] = {"status": status, "headers": _headers(document, response)}
    if document.is_swagger:
        examples, schema = child(response, "examples"), child(response, "schema")
        kind = next(iter(examples.entries), "") if isinstance(examples, Mapping) else ""
        kind = kind or "application/json"
        given = None if examples is None else child(examples, kind)
    else:
        content = child(response, "content")
        kinds = content.entries if isinstance(content, Mapping) else {}
        kind = next((each for each in kinds if is_json(each)), next(iter(kinds), ""))
        if not kind:
            return answer
        media = document.mapping(kinds[kind].node, "a kind of content")
        given, schema = example_in(document, media), child(media, "schema")
    if given is not None:
        value = plain(given)
    elif schema is not None:
        value = Smallest(document).value(schema)
    else:
        return answer
    if is_json(kind):
        return answer | {"json": _literally(value)}
    if "*" not in kind:
        answer["headers"]["Content-Type"] = kind
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return answer | {"body": escaped(text)}


def success(document: Document, operation: Mapping) -> tuple[int, Mapping]:
    """The status and the answer when all is well: the least of 2xx, `default`, the least of 3xx."""
    found = child(operation, "responses")
    if found is None:
        raise Misfit(operation, "has no `responses`")
    responses = document.mapping(found, "`responses`").entries
    for first in ("2", "d", "3"):
        for said in sorted(key for key in responses if key.lower().startswith(first)):
            status = int(said) if said.isdecimal() else int(f"{first}00") if first != "d" else 200
            if 200 <= status <= 399:
                return status, document.mapping(responses[said].node, "an answer")
    raise Misfit(found, "has no answer for success (2xx, 3xx or default)")


def example_in(document: Document, media: Mapping) -> Node | None:
    """The example of a kind of content, or the first of its examples."""
    if (given := child(media, "example")) is not None:
        return given
    several = child(media, "examples")
    for entry in several.entries.values() if isinstance(several, Mapping) else ():
        value = child(document.followed(entry.node), "value")
        if value is not None:
            return value
    return None


def _headers(document: Document, response: Mapping) -> dict[str, str]:
    """The headers that an answer must have, or shows."""
    found: dict[str, str] = {}
    said = child(response, "headers")
    for name, entry in said.entries.items() if isinstance(said, Mapping) else ():
        if name.lower() in _UNSAID:
            continue
        header = document.mapping(entry.node, "a header")
        given, schema = example_in(document, header), child(header, "schema")
        required = child(header, "required")
        if given is None and isinstance(required, Scalar) and required.value is True and schema:
            value = Smallest(document).value(schema)
        elif given is None:
            continue
        else:
            value = plain(given)
        found[name] = escaped(value if isinstance(value, str) else json.dumps(value))
    return found


def _literally(value: Any) -> Any:
    """A JSON value in which nothing is taken for a place."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return {key: _literally(item) for key, item in value.items()}
    return [_literally(item) for item in value] if isinstance(value, list) else value


def is_json(kind: str) -> bool:
    """Whether a kind of content is JSON, or may be."""
    plainly = kind.partition(";")[0].strip().lower()
    return plainly in ("application/json", "*/*", "application/*") or plainly.endswith("+json")
