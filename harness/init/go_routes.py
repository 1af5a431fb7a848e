"""Routes of a Go application, below the groups in which they stand, wherever those are made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from harness.init.texts import braced

_ROUTE = re.compile(
    r"(\w*)\.?Handle(?:Func)?\(\s*\"(?:([A-Z]+) )?(/[^\"]*)\"(?!,\s*http\.StripPrefix)"
)
_VERB = re.compile(
    r"(\w+)\.(GET|POST|PUT|PATCH|DELETE|Get|Post|Put|Patch|Delete)\(\s*\"(/[^\"]*|)\""
)
_GROUP = re.compile(r"(\w+)\s*:?=\s*(\w+)\.(?:Group|PathPrefix)\(\s*\"(/[^\"]*)\"")
"""`v1 := router.Group("/v1")`, of gin, echo and fiber."""
_BELOW = re.compile(r"(\w+)\.(?:Route|Group)\(\s*\"(/[^\"]*)\",\s*func\([^)]*\)\s*\{")
"""`r.Route("/tickets", func(r chi.Router) { ... })`."""
_MOUNT = re.compile(r"(\w+)\.Mount\(\s*\"(/[^\"]*)\",\s*(?:\w+\.)*(\w+)(\()?")
_STRIPPED = re.compile(r"(\w+)\.Handle\([^\n]*http\.StripPrefix\(\s*\"(/[^\"]*)\",\s*(\w+)(\()?")
"""`mux.Handle("/v2/", http.StripPrefix("/v2", inner))`."""
_HANDED = re.compile(r"(\w+)\((\w+)\.Group\(\s*\"(/[^\"]*)\"\)")
"""`registerItems(router.Group("/items"), store)`."""
_FUNCTION = re.compile(r"^func\s+(?:\([^)]*\)\s*)?(\w+)\(([^)]*)\)[^\n{]*\{", re.MULTILINE)
_CALL = re.compile(r"(\w+)\(([^()\n]*)\)")
_DEEPEST = 10
"""So many groups may stand in each other."""


@dataclass(frozen=True, slots=True)
class _Function:
    """What it is called, the names of its parameters, and its body."""

    name: str
    parameters: tuple[str, ...]
    body: str


_Router = tuple[int, str]
"""The function in which it has a name, by number, and the name."""


@dataclass(slots=True)
class _Map:
    """All functions, and which router stands in which, below which path."""

    functions: list[_Function]
    above: dict[_Router, list[tuple[_Router, str]]] = field(default_factory=dict)

    def put(self, inner: _Router, outer: _Router, path: str) -> None:
        """Say where one stands."""
        if inner != outer:
            self.above.setdefault(inner, []).append((outer, path.rstrip("/")))

    def prefixes(self, router: _Router, depth: int = 0) -> Iterator[str]:
        """Below which paths the routes of one are found."""
        number, name = router
        every = self.above.get(router, ())
        if not every and name not in self.functions[number].parameters:
            every = self.above.get((number, ""), ())  # the one that its function gives back
        if not every or depth > _DEEPEST:
            yield ""
        for outer, path in every if depth <= _DEEPEST else ():
            yield from (before + path for before in self.prefixes(outer, depth + 1))


def go_routes(texts: Iterable[str]) -> Iterator[str]:
    """Method and path of each route of an application's files, in their order."""
    found = _Map([function for text in texts for function in _functions(text)])
    for number, function in enumerate(found.functions):
        _mounts(found, number, function.body)
    for number, function in enumerate(found.functions):
        yield from dict.fromkeys(_routes(found, number, function.body))


def _functions(text: str) -> Iterator[_Function]:
    for match in _FUNCTION.finditer(text):
        names = tuple(one.split()[0] for one in match[2].split(",") if one.split())
        yield _Function(match[1], names, text[match.end() : _closed(text, match.end())])


def _mounts(found: _Map, number: int, body: str) -> None:
    for name, parent, path in _GROUP.findall(body):
        found.put((number, name), (number, parent), path)
    for pattern in (_MOUNT, _STRIPPED):
        for parent, path, name, is_call in pattern.findall(body):
            for other in _called(found, name) if is_call else ():
                found.put((other, ""), (number, parent), path)
            if not is_call:
                found.put((number, name), (number, parent), path)
    for name, said in _CALL.findall(body):
        arguments = [one.strip() for one in said.split(",")]
        for other in _called(found, name):
            for own, given in zip(found.functions[other].parameters, arguments, strict=False):
                if given.isidentifier():
                    found.put((other, own), (number, given), "")
    for name, parent, path in _HANDED.findall(body):
        for other in _called(found, name):
            for own in found.functions[other].parameters[:1]:
                found.put((other, own), (number, parent), path)


def _called(found: _Map, name: str) -> list[int]:
    return [number for number, one in enumerate(found.functions) if one.name == name]


def _routes(found: _Map, number: int, body: str) -> Iterator[str]:
    below = [
        (m.end(), _closed(body, m.end()), m[1], m[2].rstrip("/")) for m in _BELOW.finditer(body)
    ]
    asked = [
        (m.start(), m[1], m[2] or "GET", m[3].replace("{$}", "")) for m in _ROUTE.finditer(body)
    ]
    asked += [(m.start(), m[1], m[2].upper(), m[3]) for m in _VERB.finditer(body)]
    for at, name, verb, path in sorted(asked):
        around = [(own, outer) for begin, end, own, outer in below if begin <= at < end]
        root = around[0][0] if around else name
        inner = "".join(outer for _, outer in around)
        for prefix in found.prefixes((number, root)):
            if full := prefix + inner + path:
                bare = full.rstrip("/") if path == "/" and full != "/" else full
                yield f"{verb} {braced(bare)}"


def _closed(text: str, start: int) -> int:
    """Where the brace is closed that was opened before; strings are not told apart."""
    depth = 1
    for match in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.start()
    return len(text)
