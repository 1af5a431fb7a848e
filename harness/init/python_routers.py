"""Below which paths the blueprints of Flask and the routers of FastAPI stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

_MADE = {"Blueprint": "url_prefix", "APIRouter": "prefix"}
_STANDS = {"register_blueprint": "url_prefix", "include_router": "prefix"}
_DEEPEST = 10
"""So many may stand in each other."""
_Router = tuple[str, str]
"""The module in which it is made, and its name there."""


class Routers(Struct):
    """All routers of an application's files."""

    own: dict[_Router, str] = field(default_factory=dict)
    """Below which path each says itself that it stands."""
    above: dict[_Router, list[tuple[_Router | None, str | None]]] = field(default_factory=dict)
    """What each stands in, and below which path there, if one is said; None: the application."""
    replaces: bool = True
    """Whether what is said where it stands goes before what it says itself (Flask)."""

    def prefixes(self, router: _Router | None, depth: int = 0) -> Iterator[str]:
        """Below which paths the routes of a router are found."""
        if router not in self.own or depth > _DEEPEST:
            yield ""
            return
        for parent, said in self.above.get(router, [(None, None)]):
            own = self.own[router]
            path = (own if said is None else said) if self.replaces else (said or "") + own
            yield from (f"{outer}{path.rstrip('/')}" for outer in self.prefixes(parent, depth + 1))


def routers_of(modules: Mapping[str, ast.Module], *, replaces: bool) -> Routers:
    """Which routers an application's modules make, and what each of them stands in."""
    found = Routers(replaces=replaces)
    for module, tree in modules.items():
        for name, call in _assigned(tree):
            if (word := _MADE.get(_last(call.func))) is not None:
                found.own[module, name] = _said(call, word) or ""
    names = {module: dict(_imported(module, modules)) for module in modules}
    for module, tree in modules.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            word = _STANDS.get(node.func.attr)
            if word is None or not node.args:
                continue
            child = _meant(node.args[0], module, names)
            parent = _meant(node.func.value, module, names)
            if child in found.own and child != parent:
                inside = parent if parent in found.own else None
                found.above.setdefault(child, []).append((inside, _said(node, word)))
    return found


def module_of(path: Path, folder: Path) -> str:
    """How a file of a folder is imported."""
    return ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                yield target.id, node.value


def _last(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _said(call: ast.Call, word: str) -> str | None:
    for keyword in call.keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg == word and isinstance(value, str):
            return value
    return None


def _imported(
    module: str, modules: Mapping[str, ast.Module]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """The module and the name in it (empty: the module itself), by the name here."""
    for node in ast.walk(modules[module]):
        if isinstance(node, ast.Import):
            yield from ((one.asname or one.name, (one.name, "")) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            outer = module.split(".")
            package = any(other.startswith(f"{module}.") for other in modules)
            kept = len(outer) - node.level + package
            start = ".".join(outer[: max(0, kept)]) if node.level else ""
            source = ".".join(filter(None, (start, node.module)))
            for one in node.names:
                inner = ".".join(filter(None, (source, one.name)))
                there = (inner, "") if inner in modules else (source, one.name)
                yield one.asname or one.name, there


def _meant(
    said: ast.expr, module: str, names: Mapping[str, Mapping[str, tuple[str, str]]]
) -> _Router:
    """The router that an expression stands for: as its own module calls it."""
    text = ast.unparse(said)
    for _ in range(_DEEPEST):
        first, _, rest = text.rpartition(".")
        known = names.get(module, {}).get(first or text)
        if known is None:
            break
        module, text = known[0], ".".join(filter(None, (known[1], rest if first else "")))
    return module, text
