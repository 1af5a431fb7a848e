"""The files of an audit: found, read as Python reads them, and known by their module names."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from msgspec import Struct, field

from harness.errors import Problem, UsageError

_SKIPPED = {"__pycache__", "node_modules", "site-packages", "venv", "env"}
_ALLOW = re.compile(r"#\s*outage:\s*allow\b")


class Source(Struct):
    """One parsed file."""

    file: str
    module: str
    """Its dotted name below the audited folder; a package's own for an `__init__.py`."""
    tree: ast.Module
    is_package: bool = False
    allowed_lines: frozenset[int] = frozenset()
    """Lines with the comment `# outage: allow`."""
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    @property
    def nodes(self) -> Iterator[ast.AST]:
        """All nodes, as `ast.walk` orders them, without its work."""
        yield self.tree
        yield from self.parents

    def allows(self, node: ast.AST) -> bool:
        """Whether a comment on the call, or on a function or class around it, allows it."""
        around: ast.AST | None = node
        while around is not None:
            first = getattr(around, "lineno", None)
            if first is not None:
                whole = not isinstance(
                    around, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
                )
                last = getattr(around, "end_lineno", first) if whole else _head_end(around)
                if isinstance(around, ast.expr | ast.stmt) and self._in(first, last, whole):
                    return True
            around = self.parents.get(around)
        return False

    def _in(self, first: int, last: int, whole: bool) -> bool:
        # Statements with a body of their own (with, try, if) don't answer for what is inside.
        if whole and last - first > 12:
            last = first
        return any(first <= line <= last for line in self.allowed_lines)


def written(node: ast.expr) -> str:
    """An expression as text; empty for one that is nested too deeply to be written."""
    try:
        return ast.unparse(node)
    except RecursionError:
        return ""


def _head_end(node: ast.AST) -> int:
    """The last line of a function's or class's head."""
    body: list[ast.stmt] = getattr(node, "body", [])
    first: int = getattr(node, "lineno", 0)
    return max(first, body[0].lineno - 1) if body else first


def read_sources(path: Path, exclude: tuple[str, ...]) -> tuple[list[Source], list[Problem]]:
    """All Python files at a path, and what could not be read of them.

    Raises: UsageError for a path that isn't there, or holds no Python file.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if not (path.is_file() or path.is_dir()):
        raise UsageError(f"{path}: neither a file nor a folder")
    sources, problems = [], []
    files = [path] if path.is_file() else sorted(_files(path, exclude))
    if not files:
        raise UsageError(f"{path}: no Python file in it, and audit reads nothing else")
    root = path.parent if path.is_file() else _root(path)
    for file in files:
        try:
            sources.append(_parse(file, root))
        except SyntaxError as error:
            line = error.lineno or 0
            problems.append(Problem(file=str(file), line=line, message=f"{error.msg}"))
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            why = str(error) or "nested too deeply"
            problems.append(Problem(file=str(file), line=0, message=f"can't be read: {why}"))
    return sources, problems


def _files(folder: Path, exclude: tuple[str, ...]) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name in _SKIPPED or entry.name.startswith("."):
            continue
        if any(fnmatch(entry.name, pattern) or fnmatch(str(entry), pattern) for pattern in exclude):
            continue
        if entry.is_dir() and not entry.is_symlink():
            if not (entry / "pyvenv.cfg").exists():
                yield from _files(entry, exclude)
        elif entry.suffix == ".py" and entry.is_file():
            yield entry


def _root(folder: Path) -> Path:
    """Where imports start: above the outermost package that the folder belongs to."""
    folder = folder.resolve()
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


def _parse(file: Path, root: Path) -> Source:
    data = file.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the audited code's style: none of our business
        tree = ast.parse(data, filename=str(file))
    parts = list(file.resolve().with_suffix("").relative_to(root.resolve()).parts)
    is_package = parts[-1] == "__init__"
    if is_package:
        parts.pop()
    text = data.decode("utf-8", "replace")
    lines = text.splitlines()
    source = Source(
        file=str(file),
        module=".".join(parts),
        tree=tree,
        is_package=is_package,
        allowed_lines=frozenset(n for n, line in enumerate(lines, 1) if _ALLOW.search(line)),
    )
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            source.parents[child] = node
    return source
