"""The rules `direct-call` and `no-timeout`: HTTP calls that no resilient client makes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness.audit.breakers import guarded, is_breakers
from harness.audit.catalogue import gives_timeout, is_http_call, readable, refuses_timeout
from harness.audit.clients import Clients
from harness.audit.findings import Finding
from harness.audit.resolution import Code, Value
from harness.audit.sources import Source, written
from harness.frozen import Frozen


class _Excuses(Frozen):
    """Where a direct call is somebody's business who knows."""

    clients: Clients
    guarded: frozenset[ast.AST]


def direct_calls(code: Code, clients: Clients) -> Iterator[Finding]:
    """Findings in all files that are not a client's own."""
    excuses = _Excuses(clients, guarded(code))
    for source in code.sources:
        if source.file in clients.files:
            continue
        for node in source.nodes:
            if isinstance(node, ast.Call):
                yield from _called(node, source, code, excuses)
            elif isinstance(node, ast.Name | ast.Attribute):
                yield from _handed_on(node, source, code, excuses)


def _called(node: ast.Call, source: Source, code: Code, excuses: _Excuses) -> Iterator[Finding]:
    names = _http_names(node.func, source, code)
    if not names or _excused(node, source, excuses):
        return
    value = names[0]
    yield _finding(
        "direct-call",
        node,
        source,
        f"{readable(value.name)} is called directly, past the resilient client",
    )
    timed = gives_timeout(value.name, node) or (value.timeout and not refuses_timeout(node))
    if not timed:
        message = f"{readable(value.name)} is called without a timeout and may hang for ever"
        yield _finding("no-timeout", node, source, message)


def _handed_on(
    node: ast.Name | ast.Attribute, source: Source, code: Code, excuses: _Excuses
) -> Iterator[Finding]:
    """An HTTP function that is given away rather than called: to a pool, a partial, a table."""
    around = source.parents.get(node)
    if not isinstance(node.ctx, ast.Load) or not _given_away(node, around):
        return
    if isinstance(around, ast.Call) and _is_run(around, source, code):
        return
    names = _http_names(node, source, code)
    if names and not _excused(node, source, excuses):
        message = f"{readable(names[0].name)} is handed on, to be called past the resilient client"
        yield _finding("direct-call", node, source, message)


def _given_away(node: ast.expr, around: ast.AST | None) -> bool:
    match around:
        case ast.Call():
            return node is not around.func
        case ast.keyword() | ast.Return() | ast.Dict() | ast.List() | ast.Tuple() | ast.Set():
            return True
        case _:
            return False


def _is_run(call: ast.Call, source: Source, code: Code) -> bool:
    """`breaker.call(requests.get, url)`, as breaker libraries have it; or a getattr's object."""
    return written(call.func) == "getattr" or is_breakers(call.func, source, code)


def _http_names(node: ast.expr, source: Source, code: Code) -> list[Value]:
    values = code.values(node, source)
    found = [value for value in values if value.name and is_http_call(value.name)]
    return sorted(found, key=lambda value: (value.timeout, value.name))


def _excused(node: ast.AST, source: Source, excuses: _Excuses) -> bool:
    """Inside a client's class, behind a breaker, or allowed by a comment."""
    around: ast.AST | None = node
    while around is not None:
        if around in excuses.clients.classes or around in excuses.guarded:
            return True
        around = source.parents.get(around)
    return source.allows(node)


def _finding(rule: str, node: ast.expr, source: Source, message: str) -> Finding:
    return Finding(
        file=source.file,
        line=node.lineno,
        column=node.col_offset + 1,
        rule=rule,
        message=message,
    )
