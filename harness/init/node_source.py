"""Node applications, read by patterns: what these say is a guess, and said to be one."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.init.application import Application
from harness.init.node_routes import node_routes
from harness.init.texts import texts_of

_FILES = ("server", "app", "index", "main", "gateway")
_ENV = re.compile(r"\benv\.([A-Z][A-Z0-9_]*)|\w*[eE]nv(?:\[|\()['\"]([A-Z][A-Z0-9_]*)['\"]")
"""`process.env.X`, `env["X"]`, `requireEnv("X")`."""
_DESTRUCTURED = re.compile(r"\{([^{}]*)\}\s*=\s*process\.env\b")
_FIELD = re.compile(r"\.json\(\)\)\s*\.(\w+)|(\w+)\s*=\s*await\s+[\w.]+\.json\(\)")
_BODY = re.compile(r"\{([^{}]*)\}\s*=\s*(?:\w+\.)*(?:req|request)\.body\b")
_BODY_FIELD = re.compile(r"\b(?:req|request)\.body\??\.(\w+)\b(?!\()")
_TAKEN = re.compile(r"\{([^{}]*)\}\s*=\s*await\b")
"""`{ price } = await answer.json()`, or what a helper took of it."""


def read_node(folder: Path) -> Application | None:
    """The application of a folder with a `package.json`, or with a file named like a server."""
    start, named = _package(folder)
    candidates = [named, *(f"{n}.{end}" for n in _FILES for end in ("js", "mjs", "cjs"))]
    entry = next((name for name in candidates if name and (folder / name).is_file()), None)
    if start is None and entry is None:
        return None
    command = start if start is not None else ["node", str(entry)]
    read = "package.json" if start is not None else str(entry)
    found = Application(kind="Node", command=command, read=read)
    texts = dict(texts_of(folder, (".js", ".mjs", ".cjs", ".ts")))
    found.routes += node_routes(texts)
    for text in texts.values():
        found.variables += [a or b for a, b in _ENV.findall(text)]
        for listed in _DESTRUCTURED.findall(text):
            found.variables += re.findall(r"\b([A-Z][A-Z0-9_]+)\b", listed)
        found.fields |= dict.fromkeys(_fields(text), 1)
        found.body |= dict.fromkeys(_body(text), 1)
    return found


def _package(folder: Path) -> tuple[list[str] | None, str | None]:
    """The start script where it is a plain `node FILE`, and the file that the package names."""
    try:
        said: Any = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, None
    if not isinstance(said, dict):
        return None, None
    script = (said.get("scripts") or {}).get("start")
    words = shlex.split(script) if isinstance(script, str) else []
    main = said.get("main")
    plain = words if words[:1] == ["node"] else (["npm", "start", "--silent"] if words else None)
    return plain, main if isinstance(main, str) else None


def _fields(text: str) -> Iterator[str]:
    for own, name in _FIELD.findall(text):
        if own:
            yield own
        else:
            yield from re.findall(rf"\b{re.escape(name)}\.(\w+)\b(?!\()", text)
    for listed in _TAKEN.findall(text):
        yield from re.findall(r"(\w+)\s*(?::|,|$|=)", listed)


def _body(text: str) -> Iterator[str]:
    """Fields of requests: taken out of `req.body`, or read of it."""
    for listed in _BODY.findall(text):
        yield from re.findall(r"(\w+)\s*(?:[:=][^,]*)?(?:,|$)", listed.strip())
    yield from _BODY_FIELD.findall(text)
