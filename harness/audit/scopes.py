"""Scopes of a module: which names are bound where, and to what, without running anything.

Bindings don't know order: a name that is bound twice may be either.
"""

from __future__ import annotations

import ast
from collections import defaultdict

from msgspec import Struct, field

from harness.audit.sources import Source
from harness.frozen import Frozen

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class Imported(Frozen):
    """A name bound by an import: the full name that it stands for."""

    name: str


class Typed(Frozen):
    """A name of which only an annotation is known."""

    annotation: ast.expr | None


class Me(Frozen):
    """The first parameter of a method."""

    of: ast.ClassDef
    instance: bool


Bound = ast.expr | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | Imported | Typed | Me


class Scope(Struct, eq=False):
    """One scope: a module, a class or a function."""

    source: Source
    node: ast.AST
    parent: Scope | None
    bindings: dict[str, list[Bound]] = field(default_factory=lambda: defaultdict(list))
    fields: dict[str, list[tuple[Bound, Scope]]] = field(default_factory=lambda: defaultdict(list))
    """Of a class: its attributes, those that methods set on `self` included."""
    inner: dict[ast.AST, Scope] = field(default_factory=dict)
    returns: list[ast.expr] = field(default_factory=list)
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)
    """Of the whole module: in which scope each node is evaluated."""

    @property
    def is_class(self) -> bool:
        """Whether its names are hidden from the functions inside."""
        return isinstance(self.node, ast.ClassDef)

    def where(self, name: str) -> Scope | None:
        """The scope in which a name that is seen from here is bound."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bindings and (scope is self or not scope.is_class):
                return scope
            scope = scope.parent
        return None


def build(source: Source) -> Scope:
    """The module's scope, with all scopes inside it."""
    module = Scope(source, source.tree, None)
    _fill(module, list(source.tree.body))
    return module


def _fill(scope: Scope, nodes: list[ast.stmt] | list[ast.expr]) -> None:
    pending: list[ast.AST] = list(nodes)
    while pending:
        node = pending.pop()
        scope.scopes[node] = scope
        _bind(scope, node)
        if isinstance(node, _SCOPES):
            _open(scope, node)
            pending += _outside(node)
        else:
            pending += ast.iter_child_nodes(node)


def _outside(node: ast.AST) -> list[ast.AST]:
    """The parts of a function or class that are evaluated in the scope around it."""
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    arguments: ast.arguments = node.args  # type: ignore[attr-defined]
    defaults = [default for default in arguments.kw_defaults if default is not None]
    return [*getattr(node, "decorator_list", []), *arguments.defaults, *defaults]


def _open(scope: Scope, node: ast.AST) -> None:
    inner = Scope(scope.source, node, scope, scopes=scope.scopes)
    scope.inner[node] = inner
    if isinstance(node, ast.ClassDef):
        _fill(inner, node.body)
        for name, bound in inner.bindings.items():
            inner.fields[name] += [(each, inner) for each in bound]
        return
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    _parameters(inner, node)
    _fill(inner, [node.body] if isinstance(node, ast.Lambda) else node.body)
    if isinstance(node, ast.Lambda):
        inner.returns.append(node.body)


def _parameters(inner: Scope, node: Function) -> None:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    around = inner.parent.node if inner.parent else None
    for index, parameter in enumerate(named):
        bound: Bound = Typed(parameter.annotation)
        if index == 0 and isinstance(around, ast.ClassDef) and not isinstance(node, ast.Lambda):
            marks = {getattr(each, "id", "") for each in node.decorator_list}
            if "staticmethod" not in marks:
                bound = Me(around, instance="classmethod" not in marks)
        inner.bindings[parameter.arg].append(bound)
    defaults = zip(named[::-1][len(arguments.kwonlyargs) :], arguments.defaults[::-1], strict=False)
    for parameter, default in defaults:
        inner.bindings[parameter.arg].append(default)
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            inner.bindings[rest.arg].append(Typed(None))


def _bind(scope: Scope, node: ast.AST) -> None:
    match node:
        case ast.Import():
            for alias in node.names:
                first = alias.name.partition(".")[0]
                scope.bindings[alias.asname or first].append(
                    Imported(alias.name if alias.asname else first)
                )
        case ast.ImportFrom():
            base = absolute(scope.source, node)
            for alias in node.names:
                scope.bindings[alias.asname or alias.name].append(Imported(f"{base}.{alias.name}"))
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            scope.bindings[node.name].append(node)
        case ast.Assign():
            for target in node.targets:
                _assign(scope, target, node.value)
        case ast.AnnAssign():
            if node.value is not None:
                _assign(scope, node.target, node.value)
            _assign(scope, node.target, Typed(node.annotation))
        case ast.NamedExpr():
            _assign(scope, node.target, node.value)
        case ast.withitem() if node.optional_vars is not None:
            _assign(scope, node.optional_vars, node.context_expr)
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            _unknown(scope, node.target)
        case ast.Return() if node.value is not None:
            scope.returns.append(node.value)
        case ast.Yield() if node.value is not None:
            scope.returns.append(node.value)


def absolute(source: Source, node: ast.ImportFrom) -> str:
    """The full name of the module that a from-import names."""
    if not node.level:
        return node.module or ""
    parts = source.module.split(".") if source.module else []
    drop = node.level - (1 if source.is_package else 0)
    kept = parts[: len(parts) - drop] if drop else parts
    return ".".join([*kept, *([node.module] if node.module else [])])


def _assign(scope: Scope, target: ast.expr, value: Bound) -> None:
    if isinstance(target, ast.Name):
        scope.bindings[target.id].append(value)
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        where = scope.where(target.value.id)
        for bound in where.bindings[target.value.id] if where else []:
            if isinstance(bound, Me):
                _class_scope(scope, bound).fields[target.attr].append((value, scope))
    elif isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        for index, each in enumerate(target.elts):
            exact = values[index] if len(values) == len(target.elts) else Typed(None)
            _assign(scope, each, exact)


def _class_scope(scope: Scope, me: Me) -> Scope:
    around: Scope = scope
    while around.node is not me.of:
        assert around.parent is not None, "a method's first parameter lives inside its class"
        around = around.parent
    return around


def _unknown(scope: Scope, target: ast.expr) -> None:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            scope.bindings[node.id].append(Typed(None))
