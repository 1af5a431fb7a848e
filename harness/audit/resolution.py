"""What an expression stands for: a full name such as `requests.Session().get`, or a definition.

Follows aliases, from-imports, attributes, instances, subclasses, annotations, partials, getattr,
dictionaries of functions, and what functions return, through all audited files.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from harness.audit.answers import Answers
from harness.audit.catalogue import gives_timeout, is_session
from harness.audit.scopes import Bound, Imported, Me, Scope, Typed, build
from harness.audit.sources import Source
from harness.frozen import Frozen

_LONGEST_NAME = 16
"""Dots in a full name; nothing that is looked for has more."""
_MOST_CALLS = 3
"""Calls in one (`a().b().c()`); a loop's `node = node.next()` would go on for ever."""
_WRAPPERS = {"Optional", "Annotated", "ClassVar", "Final", "Union", "Type", "type"}


class Value(Frozen):
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
    """All audited files, and what their expressions stand for.

    Questions are answered once each. One that waits for itself, as `s = s.strip()` makes it, is
    asked again when what it read has grown, until nothing grows: linear in the code's size.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)
        self.modules = {source.module: build(source) for source in sources}
        self._answers: Answers[Value] = Answers()
        self._strings: dict[str, ast.expr | None] = {}

    def values(self, node: ast.expr, source: Source) -> Sequence[Value]:
        """All that an expression of a file may stand for, as far as one sees."""
        return self._answers.settled(self._of, node, self._scope_of(node, source))

    def _scope_of(self, node: ast.AST, source: Source) -> Scope:
        """The scope in which an expression is evaluated."""
        scopes = self.modules[source.module].scopes
        around: ast.AST | None = node
        while around is not None and around not in scopes:
            around = source.parents.get(around)
        return self.modules[source.module] if around is None else scopes[around]

    def _values(self, node: ast.expr, scope: Scope) -> Sequence[Value]:
        return self._answers.ask(self._of, node, scope)

    def _of(self, node: ast.expr, scope: Scope) -> Iterator[Value]:
        match node:
            case ast.Name():
                yield from self._name(node.id, scope)
            case ast.Attribute():
                for value in self._values(node.value, scope):
                    yield from self._attribute(value, node.attr)
            case ast.Call():
                yield from self._call(node, scope)
            case ast.Await() | ast.NamedExpr() | ast.Starred():
                yield from self._values(node.value, scope)
            case ast.IfExp():
                yield from self._values(node.body, scope)
                yield from self._values(node.orelse, scope)
            case ast.BoolOp():
                for each in node.values:
                    yield from self._values(each, scope)
            case ast.Subscript():
                yield from self._answers.ask(self._elements, node.value, scope)
            case ast.Lambda():
                yield Value(node=node, scope=scope)

    def _name(self, name: str, scope: Scope) -> Iterator[Value]:
        where = scope.where(name)
        if where is not None:
            yield from self._answers.ask(self._named, name, where)
        elif name in ("getattr", "__import__"):
            yield Value(name=name)

    def _named(self, name: str, scope: Scope) -> Iterator[Value]:
        """All that a scope binds to a name."""
        for bound in scope.bindings.get(name, ()):
            yield from self._bound(bound, scope)

    def _bound(self, bound: Bound, scope: Scope) -> Iterator[Value]:
        match bound:
            case Imported():
                yield from self._imported(bound.name)
            case Typed():
                if bound.annotation is not None:
                    yield from self._answers.ask(self._annotated, bound.annotation, scope)
            case Me():
                around: Scope | None = scope
                while around is not None and around.node is not bound.of:
                    around = around.parent
                if around is not None and around.parent is not None:
                    yield Value(node=bound.of, scope=around.parent, instance=bound.instance)
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield Value(node=bound, scope=scope)
            case _:
                yield from self._values(bound, scope)

    def _imported(self, name: str) -> Iterator[Value]:
        """A name of another audited file, or the full name as it is."""
        module, _, attribute = name.rpartition(".")
        scope = self.modules.get(module)
        if scope is not None and name not in self.modules:
            yield from self._answers.ask(self._named, attribute, scope)
        else:
            yield Value(name=name)

    def _attribute(self, value: Value, name: str) -> Iterator[Value]:
        if value.node is None:
            full = f"{value.name}.{name}"
            if value.name in self.modules:
                yield from self._imported(full)
            elif full.count(".") <= _LONGEST_NAME:
                yield Value(name=full, timeout=value.timeout)
        elif isinstance(value.node, ast.ClassDef) and value.scope is not None:
            yield from self._answers.ask(
                self._member, value.node, value.scope, value.instance, name
            )

    def _member(
        self, node: ast.ClassDef, scope: Scope, instance: bool, name: str
    ) -> Iterator[Value]:
        """An attribute of a class, its own or inherited."""
        own = scope.inner[node].fields.get(name, ())
        for bound, where in own:
            yield from self._bound(bound, where)
        if own:
            return
        for base in node.bases:
            for inherited in self._values(base, scope):
                if isinstance(inherited.node, ast.ClassDef) and inherited.scope is not None:
                    yield from self._answers.ask(
                        self._member, inherited.node, inherited.scope, instance, name
                    )
                elif is_session(inherited.name) and instance:
                    yield Value(name=f"{inherited.name}().{name}")

    def _call(self, node: ast.Call, scope: Scope) -> Iterator[Value]:
        for value in self._values(node.func, scope):
            if value.name in ("functools.partial", "functools.partialmethod") and node.args:
                for wrapped in self._values(node.args[0], scope):
                    timeout = wrapped.timeout or _has_timeout(node)
                    yield Value(wrapped.name, wrapped.node, wrapped.scope, timeout=timeout)
            elif value.name == "getattr" and len(node.args) >= 2:
                yield from self._getattr(node, scope)
            elif value.name in ("importlib.import_module", "__import__") and node.args:
                if isinstance(node.args[0], ast.Constant):
                    yield Value(name=str(node.args[0].value))
            elif isinstance(value.node, ast.ClassDef):
                yield Value(node=value.node, scope=value.scope, instance=True)
            elif value.node is not None:
                yield from self._returned(value)
            elif value.name and value.name.count("()") < _MOST_CALLS:
                yield Value(name=f"{value.name}()", timeout=gives_timeout(value.name, node))

    def _getattr(self, node: ast.Call, scope: Scope) -> Iterator[Value]:
        wanted = node.args[1]
        exact = isinstance(wanted, ast.Constant) and isinstance(wanted.value, str)
        name = str(wanted.value) if exact else "*"  # type: ignore[attr-defined]
        for value in self._values(node.args[0], scope):
            yield from self._attribute(value, name)

    def _returned(self, value: Value) -> Iterator[Value]:
        assert value.scope is not None
        assert value.node is not None
        inner = value.scope.inner.get(value.node)
        for each in inner.returns if inner is not None else []:
            assert inner is not None
            yield from self._values(each, inner)

    def _elements(self, node: ast.expr, scope: Scope) -> Iterator[Value]:
        """What may be inside a dictionary, list or tuple that is written out."""
        if isinstance(node, ast.Name) and (where := scope.where(node.id)) is not None:
            for bound in where.bindings[node.id]:
                if isinstance(bound, ast.Dict | ast.List | ast.Tuple):
                    yield from self._answers.ask(self._elements, bound, where)
        elif isinstance(node, ast.Dict):
            for each in node.values:
                yield from self._values(each, scope)
        elif isinstance(node, ast.List | ast.Tuple):
            for each in node.elts:
                yield from self._values(each, scope)

    def _annotated(self, annotation: ast.expr, scope: Scope) -> Iterator[Value]:
        """An instance of what an annotation names."""
        match annotation:
            case ast.Constant(value=str() as text):
                parsed = self._parsed(text)
                if parsed is not None:
                    yield from self._answers.ask(self._annotated, parsed, scope)
            case ast.BinOp(op=ast.BitOr()):
                yield from self._answers.ask(self._annotated, annotation.left, scope)
                yield from self._answers.ask(self._annotated, annotation.right, scope)
            case ast.Subscript():
                wrapper = annotation.value
                if getattr(wrapper, "attr", getattr(wrapper, "id", "")) in _WRAPPERS:
                    inner = annotation.slice
                    for part in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                        yield from self._answers.ask(self._annotated, part, scope)
            case ast.Name() | ast.Attribute():
                outer = scope if not scope.is_class else scope.parent or scope
                for value in self._values(annotation, outer):
                    if isinstance(value.node, ast.ClassDef):
                        yield Value(node=value.node, scope=value.scope, instance=True)
                    elif value.name:
                        # What its maker gave it can't be seen; requests' sessions keep none.
                        timed = not value.name.startswith("requests.")
                        yield Value(name=f"{value.name}()", timeout=timed)

    def _parsed(self, text: str) -> ast.expr | None:
        """An annotation that was written as a string; the same tree each time it is asked for."""
        if text not in self._strings:
            try:
                self._strings[text] = ast.parse(text, mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self._strings[text] = None
        return self._strings[text]


def _has_timeout(call: ast.Call) -> bool:
    return any(keyword.arg == "timeout" for keyword in call.keywords)
