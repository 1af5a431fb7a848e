"""Routes of a Go application, below the groups in which they stand, wherever those are made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from harness.frozen import Frozen
from harness.init.texts import braced

_ROUTE = re.compile(
    r"(\w*)\.?Handle(?:Func)?\(\s*\"(?:([A-Z]+) )?(/[^\"]*)\"(?!,\s*http\.StripPrefix)"
)
_VERB = re.compile(
    r"(\w+)\.(GET|POST|PUT|PATCH|DELETE|Get|Post|Put|Patch|Delete)\(\s*\"(/[^\"]*|)\""
)
_GROUP = re.compile(r"(\w+)\s*:?=\s*(\w+)\.(?:Group|PathPrefix)\(\s*\"(/[^\"]*)\"")
"""`v1 := router.Group("/v1")`, of gin, echo and fiber."""
_BELOW = re.compile(r"(\w+)\.(?:Route|Group)\(\s*\"(/[^\"]*)\",\s*func\((\w*)[^)]*\)\s*\{")
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


class _Function(Frozen):
    """What it is called, the names of its parameters, and its body."""

    name: str
    parameters: tuple[str, ...]
    body: str


class _Block(Frozen):
    """`outer.Route(path, func(inner chi.Router) { ... })`, from where to where."""

    begin: int
    end: int
    outer: str
    inner: str
    path: str


_Router = tuple[int, str]
"""The function in which it has a name, by number, and the name."""


class _Map(Struct):
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
    blocks = _blocks(body)
    for match in _GROUP.finditer(body):
        outer, around = _standing(found, number, blocks, match.start(), match[2])
        found.put((number, match[1]), outer, around + match[3])
    for pattern in (_MOUNT, _STRIPPED):
        for match in pattern.finditer(body):
            outer, around = _standing(found, number, blocks, match.start(), match[1])
            inner = [(other, "") for other in _called(found, match[3])] if match[4] else []
            for router in inner or [(number, match[3])]:
                found.put(router, outer, around + match[2])
    for match in _CALL.finditer(body):
        arguments = [one.strip() for one in match[2].split(",")]
        for other in _called(found, match[1]):
            for own, given in zip(found.functions[other].parameters, arguments, strict=False):
                if given.isidentifier():
                    found.put((other, own), *_standing(found, number, blocks, match.start(), given))
    for match in _HANDED.finditer(body):
        outer, around = _standing(found, number, blocks, match.start(), match[2])
        for other in _called(found, match[1]):
            for own in found.functions[other].parameters[:1]:
                found.put((other, own), outer, around + match[3])


def _blocks(body: str) -> list[_Block]:
    return [
        _Block(match.end(), _closed(body, match.end()), match[1], match[3], match[2].rstrip("/"))
        for match in _BELOW.finditer(body)
    ]


def _standing(
    found: _Map, number: int, blocks: list[_Block], at: int, name: str
) -> tuple[_Router, str]:
    """The router that a name stands for at a place, and the path of the blocks around it."""
    around = [block for block in blocks if block.begin <= at < block.end]
    if not any(block.inner == name for block in around):
        return (number, name), ""
    return (number, around[0].outer), "".join(block.path for block in around)


def _called(found: _Map, name: str) -> list[int]:
    return [number for number, one in enumerate(found.functions) if one.name == name]


def _routes(found: _Map, number: int, body: str) -> Iterator[str]:
    blocks = _blocks(body)
    asked = [
        (match.start(), match[1], match[2] or "GET", match[3].replace("{$}", ""))
        for match in _ROUTE.finditer(body)
    ]
    asked += [(m.start(), m[1], m[2].upper(), m[3]) for m in _VERB.finditer(body)]
    for at, name, verb, path in sorted(asked):
        router, around = _standing(found, number, blocks, at, name)
        for prefix in found.prefixes(router):
            if full := prefix + around + path:
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
