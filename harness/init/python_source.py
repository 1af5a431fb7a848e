"""Flask, FastAPI, Starlette and Django applications, read from their code without importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from harness.init.application import Application
from harness.init.django_source import Trees, django_of
from harness.init.python_routers import Routers, module_of, routers_of
from harness.init.starlette_source import starlette_routes

_MAKERS = {"Flask": "Flask", "FastAPI": "FastAPI", "Starlette": "Starlette"}
_METHODS = ("get", "post", "put", "patch", "delete")
_SKIPPED = ("test", "node_modules", ".venv", "venv", "site-packages", "__pycache__")
_MOST_FILES = 500
_OWN_PYTHONS = (".venv/bin/python", "venv/bin/python")
_JSON = ("json", "get_json", "loads")
"""`answer.json()`, `request.json`, `request.get_json()`, `json.loads(request.body)`."""


def read_python(folder: Path) -> Application | None:
    """The application of a folder's Python files; None where there is none."""
    trees = list(_trees(folder))
    if (project := django_of(folder, trees)) is not None:
        return _all_read(project, trees, folder)
    for path, tree in trees:
        made = _made(tree)
        if made is None:
            continue
        kind, attribute = made
        module = ".".join(path.relative_to(folder).with_suffix("").parts)
        place = f"{module}:{attribute}"
        found = Application(kind=kind, read=str(path.relative_to(folder)))
        if kind == "Flask":
            found.wsgi = place
            found.command = ["{python}", "-m", "flask", "--app", place, "run", "--port", "{port}"]
        else:
            found.asgi = place
            factory = ["--factory"] if attribute.endswith("()") else []
            application = place.removesuffix("()")
            found.command = ["{python}", "-m", "uvicorn", application, *factory, "--port", "{port}"]
        return _all_read(found, trees, folder)
    return None


def _all_read(found: Application, trees: Trees, folder: Path) -> Application:
    """With what all of its files say."""
    modules = {module_of(path, folder): tree for path, tree in trees}
    routers = routers_of(modules, replaces=found.kind == "Flask")
    decodes = any(_decodes(tree) for tree in modules.values())
    for module, each in modules.items():
        _read(each, module, routers, found)
        if decodes:  # what a file reads may be decoded in another
            found.fields |= dict.fromkeys(_fields(each), 1)
        if found.kind == "Starlette":
            found.routes += starlette_routes(each)
    found.python = next((one for one in _OWN_PYTHONS if (folder / one).is_file()), None)
    found.body = dict(found.fields)  # which of them are a request's isn't told apart
    return found


def _trees(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Files near the top first, those named like an application before others."""
    files = [f for f in folder.rglob("*.py") if not _is_skipped(f.relative_to(folder))]
    likely = ("app", "main", "server", "wsgi", "asgi", "gateway")
    files.sort(key=lambda f: (len(f.parts), f.stem not in likely, f.name))
    for file in files[:_MOST_FILES]:
        try:
            yield file, ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue


def _is_skipped(path: Path) -> bool:
    return any(part.startswith((".", *_SKIPPED)) for part in path.parts)


def _made(tree: ast.Module) -> tuple[str, str] | None:
    """Kind and attribute of the application that a module makes, by itself or in a function."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and (kind := _maker(node.value)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(targets[0], ast.Name):
                return kind, targets[0].id
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.args.args:
            kinds = [_maker(n.value) for n in ast.walk(node) if isinstance(n, ast.Assign)]
            if kind := next(filter(None, kinds), None):
                return kind, f"{node.name}()"
    return None


def _maker(value: ast.expr | None) -> str | None:
    if not isinstance(value, ast.Call):
        return None
    name = value.func.id if isinstance(value.func, ast.Name) else getattr(value.func, "attr", "")
    return _MAKERS.get(name)


def _read(tree: ast.Module, module: str, routers: Routers, found: Application) -> None:
    """Variables and routes."""
    for node in ast.walk(tree):
        if (variable := _variable(node)) is not None:
            found.variables.append(variable)
        elif (end := _composed(node)) is not None:
            found.composed.append(end)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.routes += _routes(node, module, routers)


def _decodes(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr in _JSON for node in ast.walk(tree))


def _variable(node: ast.AST) -> str | None:
    """`os.environ["X"]`, `os.environ.get("X")`, `os.getenv("X")`, and what helpers are called:
    `env("X")`, `env.str("X")`, `config("X")`.
    """
    if isinstance(node, ast.Subscript) and _ends(node.value, "environ"):
        return _constant(node.slice)
    if isinstance(node, ast.Call) and node.args:
        name = _constant(node.args[0])
        if name is not None and name.isupper() and _reads_variables(node.func):
            return name
    return None


def _composed(node: ast.AST) -> str | None:
    """The end of a variable's name that is put together: `os.environ[f"{name}_URL"]`."""
    if isinstance(node, ast.Subscript) and _ends(node.value, "environ"):
        key: ast.expr | None = node.slice
    elif isinstance(node, ast.Call) and node.args and _reads_variables(node.func):
        key = node.args[0]
    else:
        return None
    if isinstance(key, ast.BinOp):
        return _constant(key.right)
    return _constant(key.values[-1]) if isinstance(key, ast.JoinedStr) and key.values else None


def _reads_variables(called: ast.expr) -> bool:
    words = ast.unparse(called).lower().split(".")
    reads = any("env" in word or word == "config" for word in words)
    return reads and words[-1] != "setdefault"


def _ends(node: ast.expr, name: str) -> bool:
    return (isinstance(node, ast.Name) and node.id == name) or (
        isinstance(node, ast.Attribute) and node.attr == name
    )


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _routes(
    function: ast.FunctionDef | ast.AsyncFunctionDef, module: str, routers: Routers
) -> Iterator[str]:
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or not decorator.args:
            continue
        said, called = _constant(decorator.args[0]), decorator.func
        if said is None or not isinstance(called, ast.Attribute) or said[:1] not in ("", "/"):
            continue
        methods = [called.attr.upper()] if called.attr in _METHODS else []
        if called.attr == "route":
            methods = _of_route(decorator)
        for prefix in routers.prefixes((module, ast.unparse(called.value))) if methods else ():
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", prefix + said)
            yield from (f"{method} {path}" for method in methods if path)


def _of_route(decorator: ast.Call) -> list[str]:
    for keyword in decorator.keywords:
        if keyword.arg == "methods" and isinstance(keyword.value, ast.List | ast.Tuple):
            return [m for m in map(_constant, keyword.value.elts) if m and m != "OPTIONS"]
    return ["GET"]


def _fields(tree: ast.Module) -> Iterator[str]:
    """Constant keys that functions read; those of the request and the environment do no harm."""
    functions = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    for node in (inner for function in functions for inner in ast.walk(function)):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key = _constant(node.slice)
        elif isinstance(node, ast.Call) and _ends(node.func, "get") and len(node.args) == 1:
            key = _constant(node.args[0])
        else:
            continue
        if key is not None and key.isidentifier() and not key.isupper():
            yield key
