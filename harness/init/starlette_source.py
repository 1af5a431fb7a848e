"""Routes that a Starlette application lists: `Route`, and `Mount` around them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

_METHODS = ("get", "post", "put", "patch", "delete")
_DEEPEST = 10
"""So many lists may stand in each other."""


def starlette_routes(tree: ast.Module) -> Iterator[str]:
    """Method and path of each `Route(...)` of a module, below the `Mount(...)` that holds it.

    A list that has a name counts where a `Mount` names it; one that none names stands by itself.
    """
    lists = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value, ast.List)
    }
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    mounted = {
        word.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node.func) in ("Mount", "Starlette", "Router")
        for word in node.keywords
        if word.arg == "routes" and isinstance(word.value, ast.Name)
    }
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign) else node
        if not any(value is lists.get(name) for name in mounted):
            yield from _below(value, "", lists, classes, 0)


def _below(
    node: ast.AST,
    prefix: str,
    lists: Mapping[str, ast.expr],
    classes: Mapping[str, ast.ClassDef],
    depth: int,
) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    called = _name(node.func) if isinstance(node, ast.Call) else ""
    if isinstance(node, ast.Call) and called in ("Mount", "Route") and node.args:
        path = _text(node.args[0])
        if path is None:
            return
        if called == "Route":
            yield from (f"{method} {prefix}{path}" for method in _methods(node, classes))
            return
        prefix, depth = prefix + path.rstrip("/"), depth + 1
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.keyword) and child.arg == "routes":
            named = lists.get(child.value.id) if isinstance(child.value, ast.Name) else None
            yield from _below(named or child.value, prefix, lists, classes, depth)
        else:
            yield from _below(child, prefix, lists, classes, depth)


def _methods(route: ast.Call, classes: Mapping[str, ast.ClassDef]) -> list[str]:
    """As said; of an `HTTPEndpoint` those that it has; else GET."""
    for word in route.keywords:
        if word.arg == "methods" and isinstance(word.value, ast.List | ast.Tuple | ast.Set):
            return [said.upper() for one in word.value.elts if (said := _text(one))]
    endpoint = classes.get(_name(route.args[1])) if len(route.args) > 1 else None
    own = [] if endpoint is None else [getattr(one, "name", "") for one in endpoint.body]
    return [name.upper() for name in own if name in _METHODS] or ["GET"]


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
