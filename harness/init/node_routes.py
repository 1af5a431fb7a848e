"""Routes of a Node application, below the routers and plugins in which they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from harness.init.javascript import Script
from harness.init.node_modules import Files, Place, read_file
from harness.init.texts import braced

_VERB = re.compile(r"\b(\w+)(\s*\.)(?:get|post|put|patch|delete)\s*\(")
_CHAINED = re.compile(r"\s*\.(get|post|put|patch|delete)\s*\(")
_OWN_PATH = re.compile(r"\b(\w+)\s*\.route\s*\(")
_MOUNT = re.compile(r"\b(\w+)\s*\.(use|register|route|mount)\s*\(")
_CALL = re.compile(r"(\brequire\s*\([^()]*\)\s*|(?<![.\w])\w+\s*)\(")
_PREFIX = re.compile(r"\b(\w+)\s*\.(?:prefix|basePath|setPrefix)\s*\(")
_URL = re.compile(r"(?:\.url|pathname|path)\s*[!=]={1,2}\s*['\"`](/[^'\"`]*)")
_USUAL = ("app", "router", "server", "fastify")
"""Names of what answers routes, wherever it is made."""
_DEEPEST = 10
"""So many routers may stand in each other."""


class _Map(Struct):
    """What stands where."""

    files: Files
    routes: list[tuple[Place | None, str, str]] = field(default_factory=list)
    """The router, the method and the path below it."""
    above: dict[Place, list[tuple[Place | None, str]]] = field(default_factory=dict)
    """The routers in which one is mounted, and where; None: the application itself."""
    own: dict[Place, str] = field(default_factory=dict)
    """Where a router says itself that it stands."""

    def prefixes(self, place: Place | None, depth: int = 0) -> Iterator[str]:
        """Below which paths a router stands."""
        if place is None or depth > _DEEPEST:
            yield ""
            return
        own = self.own.get(place, "")
        for parent, path in self.above.get(place, [(None, "")]):
            yield from (f"{outer}{path}{own}" for outer in self.prefixes(parent, depth + 1))


def node_routes(texts: Mapping[str, str]) -> Iterator[str]:
    """Method and path of each route of an application's files, in their order."""
    files = Files({name: read_file(name, text) for name, text in texts.items()})
    found = _Map(files)
    for name, file in files.files.items():
        _mounts(found, name, file.script)
        _routes(found, name, file.script)
    for place, method, path in found.routes:
        for prefix in dict.fromkeys(found.prefixes(place)):
            full = prefix + (path if path.startswith("/") or not path else f"/{path}")
            yield f"{method} {braced(full.rstrip('/') if prefix else full) or '/'}"
    for text in texts.values():
        yield from (f"GET {braced(path)}" for path in _URL.findall(text))


def _meant(found: _Map, file: str, match: re.Match[str]) -> tuple[bool, Place | None]:
    """Whether a name stands for something that answers routes, and for which router, if for one."""
    place = found.files.router(file, match.span(1))
    return place is not None or match[1] in _USUAL, place


def _routes(found: _Map, file: str, script: Script) -> None:
    for match in _VERB.finditer(script.code):
        known, place = _meant(found, file, match)
        for verb, pieces in _chain(script, match.start(2)) if known else ():
            path = script.string(pieces[0]) if len(pieces) > 1 else None
            if path is not None and (path.startswith("/") or not path):
                found.routes.append((place, verb, path))
    for match in _OWN_PATH.finditer(script.code):
        known, place = _meant(found, file, match)
        pieces = script.arguments(match.end() - 1)
        if not known or len(pieces) != 1:
            continue
        if (path := script.string(pieces[0])) is not None:
            chain = _chain(script, script.closed(match.end() - 1) + 1)
            found.routes += [(place, verb, path) for verb, _ in chain]
        else:
            found.routes += [(place, *one) for one in _as_object(script, pieces[0])]


def _chain(script: Script, index: int) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Method and arguments of each call of `.get(...).post(...)`, from an index on."""
    while (match := _CHAINED.match(script.code, index)) is not None:
        yield match[1].upper(), script.arguments(match.end() - 1)
        index = script.closed(match.end() - 1) + 1


def _as_object(script: Script, piece: tuple[int, int]) -> Iterator[tuple[str, str]]:
    """Methods and path of `{ method: "GET", url: "/items" }`."""
    opened = script.code.find("{", *piece)
    members = dict(script.members(opened)) if opened >= 0 else {}
    where = members.get("url") or members.get("path")
    path = script.string(where) if where else None
    if path is not None and "method" in members:
        methods = re.findall(r"['\"`](\w+)['\"`]", script.text[slice(*members["method"])])
        yield from ((method.upper(), path) for method in methods)


def _mounts(found: _Map, file: str, script: Script) -> None:
    for place, opened in found.files.files[file].routers.items():
        if (prefix := _said_prefix(script, script.arguments(opened))) is not None:
            found.own[place] = prefix
    for match in _PREFIX.finditer(script.code):
        renamed = found.files.router(file, match.span(1))
        said = script.string((match.end(), script.closed(match.end() - 1)))
        if renamed is not None and said is not None:
            found.own[renamed] = said.rstrip("/")
    for match in _MOUNT.finditer(script.code):
        known, parent = _meant(found, file, match)
        if known:
            _mount(found, file, parent, match[2], script.arguments(match.end() - 1))
    for match in _CALL.finditer(script.code):
        _handed(found, file, script, match)


def _mount(
    found: _Map, file: str, parent: Place | None, verb: str, pieces: list[tuple[int, int]]
) -> None:
    """`app.use("/api", guard, router)`, or `app.register(plugin, { prefix: "/api" })`."""
    script = found.files.files[file].script
    first = script.string(pieces[0]) if pieces else None
    path = (first if first is not None else _said_prefix(script, pieces[1:]) or "").rstrip("/")
    for piece in pieces:
        child = found.files.router(file, piece)
        if child is None and verb == "register":
            function = found.files.function(file, piece)
            child = function.parameter(0) if function else None
        if child is not None and child != parent:
            found.above.setdefault(child, []).append((parent, path))


def _said_prefix(script: Script, pieces: list[tuple[int, int]]) -> str | None:
    """What `{ prefix: "/api" }` says, where it stands among arguments."""
    for begin, end in pieces:
        if script.code[begin:end].lstrip().startswith("{"):
            members = dict(script.members(script.code.index("{", begin)))
            if "prefix" in members:
                return (script.string(members["prefix"]) or "").rstrip("/")
    return None


def _handed(found: _Map, file: str, script: Script, match: re.Match[str]) -> None:
    """`routes(app)`, `require("./routes")(app)`: what the function calls it is the same router."""
    pieces = script.arguments(match.end() - 1)
    names = {n: p for n, p in enumerate(pieces) if script.code[slice(*p)].strip().isidentifier()}
    places = {n: place for n, p in names.items() if (place := found.files.router(file, p))}
    function = found.files.function(file, match.span(1)) if places else None
    for number, place in places.items() if function else ():
        inner = function.parameter(number) if function else None
        if inner is not None and inner != place:
            found.above.setdefault(inner, []).append((place, ""))
