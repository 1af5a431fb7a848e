"""Django projects, read from their code without importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.init.application import Application

Trees = Sequence[tuple[Path, ast.Module]]
_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE[\"'],\s*[\"']([\w.]+)")
_ADMIN = "admin/"
_DEEPEST = 10
"""So many lists may include each other."""


def django_of(folder: Path, trees: Trees) -> Application | None:
    """The project of a folder with a `manage.py`, and what its lists of URLs say; None without."""
    try:
        said = _SETTINGS.search((folder / "manage.py").read_text(encoding="utf-8"))
    except OSError:
        return None
    if said is None:
        return None
    package = said[1].partition(".")[0]
    found = Application(kind="Django", read="manage.py")
    found.command = ["{python}", "manage.py", "runserver", "127.0.0.1:{port}", "--noreload"]
    if (folder / package / "wsgi.py").is_file():
        found.wsgi = f"{package}.wsgi:application"
    modules = {".".join(path.relative_to(folder).with_suffix("").parts): t for path, t in trees}
    methods = {
        node.name: _method(node)
        for _, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    found.routes = list(_routes(modules, f"{package}.urls", "/", methods))
    return found


def _routes(
    modules: Mapping[str, ast.Module], name: str, prefix: str, methods: Mapping[str, str]
) -> Iterator[str]:
    """Method and path of each `path(...)` in a module's lists, and in those that it includes."""
    if name not in modules or prefix.count("/") > _DEEPEST:
        return
    for node in ast.walk(modules[name]):
        if not isinstance(node, ast.Call) or _name(node.func) != "path" or len(node.args) < 2:
            continue
        where, view = node.args[:2]
        if not isinstance(where, ast.Constant) or not isinstance(where.value, str):
            continue
        if where.value == _ADMIN:
            continue
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", where.value)
        if isinstance(view, ast.Call) and _name(view.func) == "include":
            included = view.args[0] if view.args else None
            if isinstance(included, ast.Constant):
                yield from _routes(modules, str(included.value), path, methods)
            continue
        called = view.func.value if _is_as_view(view) else view  # type: ignore[attr-defined]
        yield f"{methods.get(_name(called), 'GET')} {path}"


def _is_as_view(view: ast.expr) -> bool:
    """`Prices.as_view()`."""
    return isinstance(view, ast.Call) and isinstance(view.func, ast.Attribute)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _method(view: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    """By its decorators, or by its first method; POST where it reads a body."""
    if isinstance(view, ast.ClassDef):
        own = [node.name for node in view.body if isinstance(node, ast.FunctionDef)]
        return "POST" if "post" in own and "get" not in own else "GET"
    said = " ".join(ast.unparse(one) for one in view.decorator_list)
    for method in ("POST", "PUT", "PATCH", "DELETE", "GET"):
        if re.search(rf"require_{method}\b|['\"]{method}['\"]", said):
            return method
    reads = any(
        isinstance(node, ast.Attribute) and node.attr in ("body", "POST", "data")
        and isinstance(node.value, ast.Name) and node.value.id == "request"
        for node in ast.walk(view)
    )  # fmt: skip
    return "POST" if reads else "GET"
