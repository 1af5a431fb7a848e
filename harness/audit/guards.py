"""The rule `unguarded-call`: calls of a resilient client whose ServiceUnavailable nobody catches.

Caught means: around the call, around a call of the function that makes it, and so on up to a
function that nobody in the audited code calls; or by an error handler of the application.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from harness.audit.clients import Clients
from harness.audit.findings import Finding
from harness.audit.resolution import Code, Value
from harness.audit.sources import Source, written
from harness.frozen import Frozen

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "request", "call", "send")
_CATCH_ALL = {"Exception", "BaseException"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_HANDLER_WORDS = ("errorhandler", "app_errorhandler", "register_error_handler", "exception_handler")


class _Site(Frozen):
    """A place where something is called."""

    node: ast.Call
    source: Source


def unguarded_calls(code: Code, clients: Clients) -> Iterator[Finding]:
    """Findings in all files."""
    guards = _Guards(code, clients)
    if guards.handled_by_the_application():
        return
    for source in code.sources:
        for node in source.nodes:
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in _METHODS
                and guards.is_client_call(node, source)
                and guards.escapes(_Site(node, source))
                and not source.allows(node)
            ):
                call = written(node.func) or node.func.attr
                yield Finding(
                    file=source.file,
                    line=node.lineno,
                    column=node.col_offset + 1,
                    rule="unguarded-call",
                    message=f"nobody catches {guards.error} of {call}",
                )


class _Guards:
    def __init__(self, code: Code, clients: Clients) -> None:
        self._code = code
        self._clients = clients
        self._catching = clients.errors | _CATCH_ALL | self._parents(clients.errors)
        self._callers = self._all_callers()
        self._handed = self._all_handed()
        self._catchers: dict[ast.AST, bool] = {}

    @property
    def error(self) -> str:
        own = sorted(self._clients.errors)
        return "ServiceUnavailable" if "ServiceUnavailable" in own else own[0]

    def _parents(self, errors: frozenset[str]) -> set[str]:
        """Classes of the audited code that the errors inherit from."""
        bases: dict[str, list[str]] = {}
        for source in self._code.sources:
            for node in source.nodes:
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
            for node in source.nodes
            if isinstance(node, _FUNCTIONS)
        }
        found: dict[ast.AST, list[_Site]] = defaultdict(list)
        for source in self._code.sources:
            for node in source.nodes:
                if isinstance(node, ast.Call) and _last_name(node.func) in names:
                    for value in self._values(node.func, source):
                        if isinstance(value.node, _FUNCTIONS):
                            found[value.node].append(_Site(node, source))
        return found

    def _all_handed(self) -> dict[tuple[str, str], list[_Site]]:
        """Calls of each file that are given a name as an argument, by file and name."""
        found: dict[tuple[str, str], list[_Site]] = defaultdict(list)
        for source in self._code.sources:
            for node in source.nodes:
                if isinstance(node, ast.Call):
                    for name in {each.id for each in node.args if isinstance(each, ast.Name)}:
                        found[source.file, name].append(_Site(node, source))
        return found

    def _values(self, node: ast.expr, source: Source) -> Sequence[Value]:
        return self._code.values(node, source)

    def handled_by_the_application(self) -> bool:
        """Whether an error handler for it is registered, as Flask and others have it."""
        return any(
            _last_name(node.func) in _HANDLER_WORDS
            and any(_last_name(each) in self._catching for each in node.args)
            for source in self._code.sources
            for node in source.nodes
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

    def escapes(self, site: _Site) -> bool:
        """Whether the error can leave the audited code from here, by whichever callers."""
        return self._leaks(self._first_that_matters(site))

    def _leaks(self, around: ast.AST | None) -> bool:
        return around is None or around in self._leaky

    @cached_property
    def _leaky(self) -> set[ast.AST]:
        """Functions and lambdas from which an error can leave the audited code."""
        into: dict[ast.AST, list[ast.AST]] = defaultdict(list)
        """For each function, those whose errors it gets."""
        leaky: set[ast.AST] = set()
        for source in self._code.sources:
            for node in source.nodes:
                if isinstance(node, (ast.Lambda, *_FUNCTIONS)):
                    further = self._around(node, source)
                    ends = [None] if further is None else map(self._first_that_matters, further)
                    for end in ends:
                        if end is None:
                            leaky.add(node)
                        else:
                            into[end].append(node)
        pending = list(leaky)
        while pending:
            for inner in into[pending.pop()]:
                if inner not in leaky:
                    leaky.add(inner)
                    pending.append(inner)
        return leaky

    def _first_that_matters(self, site: _Site) -> ast.AST | None:
        """What catches the error, or the function or lambda it is raised in; None for a module."""
        child: ast.AST = site.node
        around = site.source.parents.get(child)
        while around is not None:
            if self._catches(around, child) or isinstance(around, (ast.Lambda, *_FUNCTIONS)):
                return around
            child, around = around, site.source.parents.get(around)
        return None

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

    def _taker_of(self, node: ast.AST, source: Source) -> list[_Site]:
        """The call that a lambda is an argument of."""
        call = source.parents.get(node)
        if isinstance(call, ast.keyword):
            call = source.parents.get(call)
        return [_Site(call, source)] if isinstance(call, ast.Call) else []

    def _takers(self, calls: Iterable[_Site]) -> Iterator[_Site]:
        """Of calls that a function is handed to, those whose function doesn't catch for it.

        One that can't be seen gets the benefit of the doubt.
        """
        for site in calls:
            for value in self._values(site.node.func, site.source):
                if isinstance(value.node, _FUNCTIONS):
                    if not self._catches_inside(value.node):
                        yield site
                    break

    def _around(self, node: ast.AST, source: Source) -> list[_Site] | None:
        """Where an error goes on that leaves a function; None when nobody can catch it."""
        if not isinstance(node, _FUNCTIONS):
            return list(self._takers(self._taker_of(node, source)))
        if any(self._decorator_catches(each, source) for each in node.decorator_list):
            return []
        if handed := self._handed.get((source.file, node.name)):
            return list(self._takers(handed))
        return self._callers.get(node)

    def _decorator_catches(self, decorator: ast.expr, source: Source) -> bool:
        """A decorator of the audited code with a handler for it inside."""
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        return any(
            isinstance(value.node, _FUNCTIONS) and self._catches_inside(value.node)
            for value in self._values(called, source)
        )

    def _catches_inside(self, function: ast.AST) -> bool:
        if function not in self._catchers:
            handlers = (n for n in ast.walk(function) if isinstance(n, ast.ExceptHandler))
            self._catchers[function] = any(self._catching_handler(each) for each in handlers)
        return self._catchers[function]


def _last_name(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))
