"""Which classes are resilient clients, and where direct calls are their own business.

A class is one by its name and its words (attempts behind a breaker), or because the user says so.
Its module, and the audited modules that this one is built on, may call directly.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from harness.audit.resolution import Code, Value
from harness.audit.scopes import absolute
from harness.audit.sources import Source
from harness.frozen import Frozen

_CALLED_SO = re.compile(r"resilien|circuit|breaker", re.IGNORECASE)
_IMPORTED_SO = re.compile(r"(Resilient\w*(Client|Session|Http)|\w*Resilient\w*Client)")
_BREAKER_WORD = re.compile(
    r"breaker|circuit|half_?open|failure_?(count|threshold)|\bOPEN\b", re.IGNORECASE
)
_METHODS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "request", "call", "send"}
)
SERVICE_UNAVAILABLE = "ServiceUnavailable"


class Clients(Frozen):
    """The resilient clients of the audited code."""

    classes: frozenset[ast.ClassDef]
    files: frozenset[str]
    """Files that may call directly: those that the clients are built on."""
    errors: frozenset[str]
    """What they raise when the service is not available."""
    names: frozenset[str]
    """Names given by the user, for classes that are not in the audited code."""

    def is_call(self, value: Value) -> bool:
        """Whether a value is a method that makes a client's call: `auth_client.post`."""
        owner, _, method = value.name.rpartition(".")
        if not owner.endswith("()") or method not in _METHODS:
            return False
        name = owner.removesuffix("()").rpartition(".")[2]
        return name in self.names or _IMPORTED_SO.fullmatch(name) is not None

    def is_client(self, value: Value) -> bool:
        """Whether a value is an instance of a client class in the audited code."""
        return value.instance and value.node in self.classes


def find_clients(code: Code, names: Iterable[str]) -> Clients:
    """All resilient clients: classes with such a name and such words, or named by the user."""
    wanted = frozenset(names)
    found: dict[ast.ClassDef, Source] = {}
    for source in code.sources:
        for node in source.nodes:
            if isinstance(node, ast.ClassDef) and (node.name in wanted or _looks_like_one(node)):
                found[node] = source
    return Clients(
        classes=frozenset(found),
        files=frozenset(_foundations(code, {source.file for source in found.values()})),
        errors=frozenset({SERVICE_UNAVAILABLE, *_raised(found)}),
        names=wanted,
    )


def _looks_like_one(node: ast.ClassDef) -> bool:
    """Methods that call, a breaker's words inside, and a name or an error that says so."""
    methods = {each.name for each in node.body if isinstance(each, _FUNCTIONS)}
    if not methods & _METHODS:
        return False
    words = " ".join(_words(node))
    if _BREAKER_WORD.search(words) is None:
        return False
    return bool(_CALLED_SO.search(node.name)) or SERVICE_UNAVAILABLE in words.split()


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _words(node: ast.ClassDef) -> Iterator[str]:
    """The identifiers inside a class."""
    for each in ast.walk(node):
        match each:
            case ast.Name():
                yield each.id
            case ast.Attribute():
                yield each.attr
            case ast.arg():
                yield each.arg


def _raised(classes: Iterable[ast.ClassDef]) -> Iterator[str]:
    for node in classes:
        for each in ast.walk(node):
            if isinstance(each, ast.Raise) and isinstance(each.exc, ast.Call):
                name = getattr(each.exc.func, "attr", getattr(each.exc.func, "id", ""))
                if re.search(r"unavailable|circuit|open|breaker", name, re.IGNORECASE):
                    yield name


def _foundations(code: Code, files: set[str]) -> Iterator[str]:
    """Modules that the clients' modules import from, and those that these import from, ..."""
    by_module = {source.module: source for source in code.sources}
    by_file = {source.file: source for source in code.sources}
    clients = set(files)
    pending, seen = list(files), set(files)
    while pending:
        source = by_file[pending.pop()]
        for name in _imports(source):
            found = by_module.get(name) or by_module.get(name.rpartition(".")[0])
            if found is not None and found.file not in seen:
                seen.add(found.file)
                pending.append(found.file)
    yield from seen - clients


def _imports(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(source, node)
            yield from (f"{base}.{alias.name}" for alias in node.names)
