"""The rule `unguarded-call`: calls of a resilient client whose ServiceUnavailable nobody catches.

Caught means: around the call, around a call of the function that makes it, and so on up to a
function that nobody in the audited code calls; or by an error handler of the application.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from harness.audit.clients import Clients
from harness.audit.findings import Finding
from harness.audit.resolution import Code, Value, scope_around
from harness.audit.sources import Source

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "request", "call", "send")
_CATCH_ALL = {"Exception", "BaseException"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_HANDLER_WORDS = ("errorhandler", "app_errorhandler", "register_error_handler", "exception_handler")


@dataclass(frozen=True, slots=True)
class _Site:
    """A place where something is called."""

    node: ast.Call
    source: Source


def unguarded_calls(code: Code, clients: Clients) -> Iterator[Finding]:
    """Findings in all files."""
    guards = _Guards(code, clients)
    if guards.handled_by_the_application():
        return
    for source in code.sources:
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in _METHODS
                and guards.is_client_call(node, source)
                and guards.escapes(_Site(node, source), set())
                and not source.allows(node)
            ):
                yield Finding(
                    file=source.file,
                    line=node.lineno,
                    column=node.col_offset + 1,
                    rule="unguarded-call",
                    message=f"nobody catches {guards.error} of {ast.unparse(node.func)}",
                )


class _Guards:
    def __init__(self, code: Code, clients: Clients) -> None:
        self._code = code
        self._clients = clients
        self._catching = clients.errors | _CATCH_ALL | self._parents(clients.errors)
        self._callers = self._all_callers()

    @property
    def error(self) -> str:
        own = sorted(self._clients.errors)
        return "ServiceUnavailable" if "ServiceUnavailable" in own else own[0]

    def _parents(self, errors: frozenset[str]) -> set[str]:
        """Classes of the audited code that the errors inherit from."""
        bases: dict[str, list[str]] = {}
        for source in self._code.sources:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.ClassDef):
                    bases[node.name] = [_last_name(base) for base in node.bases]
        found: set[str] = set()
        pending = list(errors)
        while pending:
            for base in bases.get(pending.pop(), []):
                if base in bases and base not in found:
                    found.add(base)
                    pending.append(base)
        return found

    def _all_callers(self) -> dict[ast.AST, list[_Site]]:
        """Where each function of the audited code is called."""
        names = {
            node.name
            for source in self._code.sources
            for node in ast.walk(source.tree)
            if isinstance(node, _FUNCTIONS)
        }
        found: dict[ast.AST, list[_Site]] = defaultdict(list)
        for source in self._code.sources:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.Call) and _last_name(node.func) in names:
                    for value in self._values(node.func, source):
                        if isinstance(value.node, _FUNCTIONS):
                            found[value.node].append(_Site(node, source))
        return found

    def _values(self, node: ast.expr, source: Source) -> frozenset[Value]:
        return self._code.values(node, scope_around(self._code, source, node))

    def handled_by_the_application(self) -> bool:
        """Whether an error handler for it is registered, as Flask and others have it."""
        return any(
            _last_name(node.func) in _HANDLER_WORDS
            and any(_last_name(each) in self._catching for each in node.args)
            for source in self._code.sources
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Call)
        )

    def is_client_call(self, node: ast.Call, source: Source) -> bool:
        assert isinstance(node.func, ast.Attribute)
        if self._inside_client(node, source):
            return False
        if any(self._clients.is_call(value) for value in self._values(node.func, source)):
            return True
        return any(
            self._clients.is_client(value) for value in self._values(node.func.value, source)
        )

    def _inside_client(self, node: ast.AST, source: Source) -> bool:
        around = source.parents.get(node)
        while around is not None:
            if around in self._clients.classes:
                return True
            around = source.parents.get(around)
        return False

    def escapes(self, site: _Site, seen: set[int]) -> bool:
        """Whether the error can leave the audited code from here."""
        child: ast.AST = site.node
        around = site.source.parents.get(child)
        while around is not None:
            if self._catches(around, child):
                return False
            if isinstance(around, ast.Lambda):
                return self._escapes_lambda(around, site.source, seen)
            if isinstance(around, _FUNCTIONS):
                return self._escapes_function(around, site.source, seen)
            child, around = around, site.source.parents.get(around)
        return True

    def _catches(self, around: ast.AST, child: ast.AST) -> bool:
        if isinstance(around, ast.Try) and child in around.body:
            return any(self._catching_handler(handler) for handler in around.handlers)
        if isinstance(around, ast.With | ast.AsyncWith) and child in around.body:
            return any(self._suppresses(item.context_expr) for item in around.items)
        return False

    def _catching_handler(self, handler: ast.ExceptHandler) -> bool:
        if handler.type is None:
            return True
        types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        return any(_last_name(each) in self._catching for each in types)

    def _suppresses(self, node: ast.expr) -> bool:
        return (
            isinstance(node, ast.Call)
            and _last_name(node.func) == "suppress"
            and any(_last_name(each) in self._catching for each in node.args)
        )

    def _escapes_lambda(self, node: ast.AST, source: Source, seen: set[int]) -> bool:
        """A function that is handed on is guarded by whoever calls it, if that one catches."""
        call = source.parents.get(node)
        if isinstance(call, ast.keyword):
            call = source.parents.get(call)
        if not isinstance(call, ast.Call):
            return False
        return self._taker_lets_through(call, source, seen)

    def _taker_lets_through(self, call: ast.Call, source: Source, seen: set[int]) -> bool:
        for value in self._values(call.func, source):
            if isinstance(value.node, _FUNCTIONS):
                handlers = (n for n in ast.walk(value.node) if isinstance(n, ast.ExceptHandler))
                if any(self._catching_handler(handler) for handler in handlers):
                    return False
                return self.escapes(_Site(call, source), seen)
        return False  # one that can't be seen gets the benefit of the doubt

    def _escapes_function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, source: Source, seen: set[int]
    ) -> bool:
        if id(node) in seen:
            return False
        seen.add(id(node))
        if any(self._decorator_catches(each, source) for each in node.decorator_list):
            return False
        callers = self._callers.get(node, [])
        handed = self._handed_on(node, source)
        if handed:
            return any(self._taker_lets_through(call, source, seen) for call in handed)
        return not callers or any(self.escapes(site, seen) for site in callers)

    def _decorator_catches(self, decorator: ast.expr, source: Source) -> bool:
        """A decorator of the audited code with a handler for it inside."""
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        for value in self._values(called, source):
            if value.node is not None and isinstance(value.node, _FUNCTIONS):
                handlers = (n for n in ast.walk(value.node) if isinstance(n, ast.ExceptHandler))
                if any(self._catching_handler(handler) for handler in handlers):
                    return True
        return False

    def _handed_on(self, node: ast.AST, source: Source) -> list[ast.Call]:
        """Calls in the same file that are given the function as an argument."""
        name = getattr(node, "name", "")
        return [
            call
            for call in ast.walk(source.tree)
            if isinstance(call, ast.Call)
            and any(isinstance(each, ast.Name) and each.id == name for each in call.args)
        ]


def _last_name(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))
