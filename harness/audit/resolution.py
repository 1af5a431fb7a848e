"""What an expression stands for: a full name such as `requests.Session().get`, or a definition.

Follows aliases, from-imports, attributes, instances, subclasses, annotations, partials, getattr,
dictionaries of functions, and what functions return, through all audited files.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.audit.catalogue import gives_timeout, is_session
from harness.audit.scopes import Bound, Imported, Me, Scope, Typed, build
from harness.audit.sources import Source

_DEEPEST = 12
_WRAPPERS = {"Optional", "Annotated", "ClassVar", "Final", "Union", "Type", "type"}


@dataclass(frozen=True, slots=True)
class Value:
    """One thing that an expression may stand for."""

    name: str = ""
    """Full name of something imported; `()` marks an instance or result."""
    node: ast.AST | None = None
    """A class or function of the audited code."""
    scope: Scope | None = None
    """The scope in which `node` is defined."""
    instance: bool = False
    """Whether an instance of the class `node` is meant."""
    timeout: bool = False
    """Whether a timeout has been given already, by a session or a partial."""


class Code:
    """All audited files, and what their expressions stand for."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)
        self.modules = {source.module: build(source) for source in sources}

    def module_of(self, source: Source) -> Scope:
        """The scope of a file."""
        return self.modules[source.module]

    def values(self, node: ast.expr, scope: Scope, depth: int = 0) -> frozenset[Value]:
        """All that an expression may stand for, as far as one sees."""
        if depth > _DEEPEST:
            return frozenset()
        return frozenset(self._values(node, scope, depth + 1))

    def _values(self, node: ast.expr, scope: Scope, depth: int) -> Iterator[Value]:
        match node:
            case ast.Name():
                yield from self._name(node.id, scope, depth)
            case ast.Attribute():
                for value in self.values(node.value, scope, depth):
                    yield from self._attribute(value, node.attr, depth)
            case ast.Call():
                yield from self._call(node, scope, depth)
            case ast.Await() | ast.NamedExpr() | ast.Starred():
                yield from self.values(node.value, scope, depth)
            case ast.IfExp():
                yield from self.values(node.body, scope, depth)
                yield from self.values(node.orelse, scope, depth)
            case ast.BoolOp():
                for each in node.values:
                    yield from self.values(each, scope, depth)
            case ast.Subscript():
                for element in self._elements(node.value, scope, depth):
                    yield from element
            case ast.Lambda():
                yield Value(node=node, scope=scope)

    def _name(self, name: str, scope: Scope, depth: int) -> Iterator[Value]:
        found = scope.find(name)
        if found is None:
            if name in ("getattr", "__import__"):
                yield Value(name=name)
            return
        bounds, where = found
        for bound in bounds:
            yield from self._bound(bound, where, depth)

    def _bound(self, bound: Bound, scope: Scope, depth: int) -> Iterator[Value]:
        if depth > _DEEPEST:
            return
        match bound:
            case Imported():
                yield from self._imported(bound.name, depth)
            case Typed():
                yield from self._annotated(bound.annotation, scope, depth)
            case Me():
                around: Scope | None = scope
                while around is not None and around.node is not bound.of:
                    around = around.parent
                if around is not None and around.parent is not None:
                    yield Value(node=bound.of, scope=around.parent, instance=bound.instance)
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield Value(node=bound, scope=scope)
            case _:
                yield from self.values(bound, scope, depth)

    def _imported(self, name: str, depth: int) -> Iterator[Value]:
        """A name of another audited file, or the full name as it is."""
        module, _, attribute = name.rpartition(".")
        scope = self.modules.get(module)
        if scope is not None and name not in self.modules and depth <= _DEEPEST:
            for bound in scope.bindings.get(attribute, []):
                yield from self._bound(bound, scope, depth + 1)
            return
        yield Value(name=name)

    def _attribute(self, value: Value, name: str, depth: int) -> Iterator[Value]:
        if value.node is None:
            full = f"{value.name}.{name}"
            yield from (
                self._imported(full, depth)
                if value.name in self.modules
                else (Value(name=full, timeout=value.timeout),)
            )
        elif isinstance(value.node, ast.ClassDef) and value.scope is not None:
            yield from self._member(value, name, depth, set())

    def _member(self, value: Value, name: str, depth: int, seen: set[int]) -> Iterator[Value]:
        """An attribute of a class, its own or inherited."""
        node, scope = value.node, value.scope
        assert isinstance(node, ast.ClassDef)
        assert scope is not None
        if id(node) in seen or depth > _DEEPEST:
            return
        seen.add(id(node))
        own = scope.inner[node].fields.get(name, [])
        for bound, where in own:
            yield from self._bound(bound, where, depth + 1)
        if own:
            return
        for base in node.bases:
            for inherited in self.values(base, scope, depth):
                if isinstance(inherited.node, ast.ClassDef):
                    yield from self._member(inherited, name, depth + 1, seen)
                elif is_session(inherited.name) and value.instance:
                    yield Value(name=f"{inherited.name}().{name}")

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> Iterator[Value]:
        for value in self.values(node.func, scope, depth):
            if value.name in ("functools.partial", "functools.partialmethod") and node.args:
                for wrapped in self.values(node.args[0], scope, depth):
                    timeout = wrapped.timeout or _has_timeout(node)
                    yield Value(wrapped.name, wrapped.node, wrapped.scope, timeout=timeout)
            elif value.name == "getattr" and len(node.args) >= 2:
                yield from self._getattr(node, scope, depth)
            elif value.name in ("importlib.import_module", "__import__") and node.args:
                if isinstance(node.args[0], ast.Constant):
                    yield Value(name=str(node.args[0].value))
            elif isinstance(value.node, ast.ClassDef):
                yield Value(node=value.node, scope=value.scope, instance=True)
            elif value.node is not None:
                yield from self._returned(value, depth)
            elif value.name:
                yield Value(name=f"{value.name}()", timeout=gives_timeout(value.name, node))

    def _getattr(self, node: ast.Call, scope: Scope, depth: int) -> Iterator[Value]:
        wanted = node.args[1]
        exact = isinstance(wanted, ast.Constant) and isinstance(wanted.value, str)
        name = str(wanted.value) if exact else "*"  # type: ignore[attr-defined]
        for value in self.values(node.args[0], scope, depth):
            yield from self._attribute(value, name, depth)

    def _returned(self, value: Value, depth: int) -> Iterator[Value]:
        assert value.scope is not None
        assert value.node is not None
        inner = value.scope.inner.get(value.node)
        for each in inner.returns if inner is not None else []:
            assert inner is not None
            yield from self.values(each, inner, depth)

    def _elements(self, node: ast.expr, scope: Scope, depth: int) -> Iterator[Iterable[Value]]:
        """What may be inside a dictionary, list or tuple that is written out."""
        if isinstance(node, ast.Name) and (found := scope.find(node.id)) is not None:
            for bound in found[0]:
                if isinstance(bound, ast.Dict | ast.List | ast.Tuple):
                    yield from self._elements(bound, found[1], depth)
        elif isinstance(node, ast.Dict):
            yield from (self.values(each, scope, depth) for each in node.values)
        elif isinstance(node, ast.List | ast.Tuple):
            yield from (self.values(each, scope, depth) for each in node.elts)

    def _annotated(self, annotation: ast.expr | None, scope: Scope, depth: int) -> Iterator[Value]:
        """An instance of what an annotation names."""
        match annotation:
            case ast.Constant(value=str() as text):
                try:
                    yield from self._annotated(ast.parse(text, mode="eval").body, scope, depth)
                except SyntaxError:
                    return
            case ast.BinOp(op=ast.BitOr()):
                yield from self._annotated(annotation.left, scope, depth)
                yield from self._annotated(annotation.right, scope, depth)
            case ast.Subscript():
                wrapper = annotation.value
                if getattr(wrapper, "attr", getattr(wrapper, "id", "")) in _WRAPPERS:
                    inner = annotation.slice
                    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                    for part in parts:
                        yield from self._annotated(part, scope, depth)
            case ast.Name() | ast.Attribute():
                outer = scope if not scope.is_class else scope.parent or scope
                for value in self.values(annotation, outer, depth):
                    if isinstance(value.node, ast.ClassDef):
                        yield Value(node=value.node, scope=value.scope, instance=True)
                    elif value.name:
                        # What its maker gave it can't be seen; requests' sessions keep none.
                        timed = not value.name.startswith("requests.")
                        yield Value(name=f"{value.name}()", timeout=timed)


def _has_timeout(call: ast.Call) -> bool:
    return any(keyword.arg == "timeout" for keyword in call.keywords)


def scope_around(code: Code, source: Source, node: ast.AST) -> Scope:
    """The scope in which an expression is evaluated."""
    chain: list[ast.AST] = []
    child, around = node, source.parents.get(node)
    while around is not None:
        if isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if child in around.body:
                chain.append(around)
        elif isinstance(around, ast.Lambda) and child is around.body:
            chain.append(around)
        child, around = around, source.parents.get(around)
    scope = code.module_of(source)
    for each in reversed(chain):
        scope = scope.inner[each]
    return scope
