"""What runs behind a breaker: functions handed to its call, and what stands in its `with`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from harness.audit.resolution import Code
from harness.audit.sources import Source, written

_CALLED_SO = re.compile(r"circuit|breaker", re.IGNORECASE)


def guarded(code: Code) -> frozenset[ast.AST]:
    """Functions, lambdas and blocks of the audited code that a breaker runs."""
    return frozenset(_guarded(code))


def is_breakers(node: ast.expr, source: Source, code: Code) -> bool:
    """Whether an expression is a breaker or its method, by how it is written or what it is."""
    if _CALLED_SO.search(written(node)):
        return True
    return any(_CALLED_SO.search(value.name) for value in code.values(node, source))


def _guarded(code: Code) -> Iterator[ast.AST]:
    for source in code.sources:
        for node in source.nodes:
            match node:
                case ast.Call():
                    yield from _run_by(node, source, code)
                case ast.With() | ast.AsyncWith():
                    if any(is_breakers(item.context_expr, source, code) for item in node.items):
                        yield node
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    if any(is_breakers(each, source, code) for each in node.decorator_list):
                        yield node


def _run_by(call: ast.Call, source: Source, code: Code) -> Iterator[ast.AST]:
    """`breaker.call(ask, url)`: what it may run, if it is a breaker's call."""
    if not call.args or not is_breakers(call.func, source, code):
        return
    for argument in call.args:
        for value in code.values(argument, source):
            if isinstance(value.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield value.node
