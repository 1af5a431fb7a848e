"""Go applications, read by patterns: what these say is a guess, and said to be one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.init.application import Application
from harness.init.go_routes import go_routes
from harness.init.texts import texts_of

_ENV = re.compile(r"\b\w*[eE]nv\w*(?:\(|:)\s*\"([A-Z][A-Z0-9_]*)[\",]")
"""`os.Getenv("X")`, `env("X", "http://x")`, a field's tag `env:"X"`."""
_STRUCT = re.compile(r"struct\s*\{([^{}]*)\}")
_FIELD = re.compile(r"(\w+)\s+([\[\]*\w.]+)(?:\s+`json:\"([^\",]*)[^`]*`)?")


def read_go(folder: Path) -> Application | None:
    """The application of a folder with a `go.mod` and a package `main` in it."""
    if not (folder / "go.mod").is_file():
        return None
    found = Application(kind="Go", command=["go", "run", "."], read="go.mod")
    texts = dict(texts_of(folder, (".go",)))
    found.routes += go_routes(texts.values())
    for text in texts.values():
        found.variables += _ENV.findall(text)
        for body in _STRUCT.findall(text):
            for name, kind, tag in _FIELD.findall(body):
                if (name[0].isupper() or tag) and (value := _value(kind)) is not None:
                    found.fields[tag or name.lower()] = value
    found.body = dict(found.fields)  # its structs don't say which of them are requests
    return found


def _value(kind: str) -> Any:
    """A value that Go decodes into a field of a kind; None where none is known."""
    if kind.startswith("[]"):
        return []
    bare = kind.lstrip("*")
    if bare == "string":
        return "1"
    if bare == "bool":
        return True
    return 1 if re.fullmatch(r"u?int\d*|float\d+", bare) else None
