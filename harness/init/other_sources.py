"""Node and Go applications, read by patterns: what these say is a guess, and said to be one."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.init.application import Application

_LARGEST = 1_000_000
_MOST_FILES = 500
_NODE_FILES = ("server", "app", "index", "main", "gateway")
_JS_ENV = re.compile(r"\benv\.([A-Z][A-Z0-9_]*)|\w*[eE]nv(?:\[|\()['\"]([A-Z][A-Z0-9_]*)['\"]")
"""`process.env.X`, `env["X"]`, `requireEnv("X")`."""
_JS_DESTRUCTURED = re.compile(r"\{([^{}]*)\}\s*=\s*process\.env\b")
_JS_ROUTE = re.compile(
    r"\b(?:app|router|server|fastify)\.(get|post|put|patch|delete)\(\s*['\"`](/[^'\"`]*)"
)
_JS_URL = re.compile(r"(?:\.url|pathname|path)\s*[!=]={1,2}\s*['\"`](/[^'\"`]*)")
_JS_FIELD = re.compile(r"\.json\(\)\)\s*\.(\w+)|(\w+)\s*=\s*await\s+[\w.]+\.json\(\)")
_JS_BODY = re.compile(r"\{([^{}]*)\}\s*=\s*(?:\w+\.)*(?:req|request)\.body\b")
_JS_BODY_FIELD = re.compile(r"\b(?:req|request)\.body\??\.(\w+)\b(?!\()")
_JS_TAKEN = re.compile(r"\{([^{}]*)\}\s*=\s*await\b")
"""`{ price } = await answer.json()`, or what a helper took of it."""
_GO_ENV = re.compile(r"\b\w*[eE]nv\w*(?:\(|:)\s*\"([A-Z][A-Z0-9_]*)[\",]")
"""`os.Getenv("X")`, `env("X", "http://x")`, a field's tag `env:"X"`."""
_GO_ROUTE = re.compile(r"\.?Handle(?:Func)?\(\s*\"(?:([A-Z]+) )?(/[^\"]*)\"")
_GO_VERB = re.compile(
    r"(\w+)\.(GET|POST|PUT|PATCH|DELETE|Get|Post|Put|Patch|Delete)\(\s*\"(/[^\"]*|)\""
)
_GO_GROUP = re.compile(r"(\w+)\s*:?=\s*(\w+)\.Group\(\s*\"(/[^\"]*)\"")
"""`v1 := router.Group("/v1")`, of gin, echo and fiber."""
_GO_BELOW = re.compile(r"\.(?:Route|Group)\(\s*\"(/[^\"]*)\",\s*func\([^)]*\)\s*\{")
"""`r.Route("/tickets", func(r chi.Router) { ... })`."""
_GO_STRUCT = re.compile(r"struct\s*\{([^{}]*)\}")
_GO_FIELD = re.compile(r"(\w+)\s+([\[\]*\w.]+)(?:\s+`json:\"([^\",]*)[^`]*`)?")


def read_node(folder: Path) -> Application | None:
    """The application of a folder with a `package.json`, or with a file named like a server."""
    start, named = _package(folder)
    candidates = [named, *(f"{n}.{end}" for n in _NODE_FILES for end in ("js", "mjs", "cjs"))]
    entry = next((name for name in candidates if name and (folder / name).is_file()), None)
    if start is None and entry is None:
        return None
    command = start if start is not None else ["node", str(entry)]
    read = "package.json" if start is not None else str(entry)
    found = Application(kind="Node", command=command, read=read)
    for text in _texts(folder, (".js", ".mjs", ".cjs", ".ts")):
        found.variables += [a or b for a, b in _JS_ENV.findall(text)]
        for listed in _JS_DESTRUCTURED.findall(text):
            found.variables += re.findall(r"\b([A-Z][A-Z0-9_]+)\b", listed)
        found.routes += [
            f"{verb.upper()} {_braced(path)}" for verb, path in _JS_ROUTE.findall(text)
        ]
        found.routes += [f"GET {path}" for path in _JS_URL.findall(text)]
        found.fields |= dict.fromkeys(_js_fields(text), 1)
        found.body |= dict.fromkeys(_js_body(text), 1)
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


def _braced(path: str) -> str:
    return re.sub(r":(\w+)", r"{\1}", path)


def _js_fields(text: str) -> Iterator[str]:
    for own, name in _JS_FIELD.findall(text):
        if own:
            yield own
        else:
            yield from re.findall(rf"\b{re.escape(name)}\.(\w+)\b(?!\()", text)
    for listed in _JS_TAKEN.findall(text):
        yield from re.findall(r"(\w+)\s*(?::|,|$|=)", listed)


def _js_body(text: str) -> Iterator[str]:
    """Fields of requests: taken out of `req.body`, or read of it."""
    for listed in _JS_BODY.findall(text):
        yield from re.findall(r"(\w+)\s*(?:[:=][^,]*)?(?:,|$)", listed.strip())
    yield from _JS_BODY_FIELD.findall(text)


def read_go(folder: Path) -> Application | None:
    """The application of a folder with a `go.mod` and a package `main` in it."""
    if not (folder / "go.mod").is_file():
        return None
    found = Application(kind="Go", command=["go", "run", "."], read="go.mod")
    for text in _texts(folder, (".go",)):
        found.variables += _GO_ENV.findall(text)
        found.routes += [
            f"{method or 'GET'} {path.replace('{$}', '')}"
            for method, path in _GO_ROUTE.findall(text)
        ]
        found.routes += _go_verbs(text)
        for body in _GO_STRUCT.findall(text):
            for name, kind, tag in _GO_FIELD.findall(body):
                if (name[0].isupper() or tag) and (value := _go_value(kind)) is not None:
                    found.fields[tag or name.lower()] = value
    found.body = dict(found.fields)  # its structs don't say which of them are requests
    return found


def _go_verbs(text: str) -> Iterator[str]:
    """Routes by a method's name, below the groups in which they stand."""
    groups: dict[str, str] = {}
    for name, parent, path in _GO_GROUP.findall(text):
        groups[name] = groups.get(parent, "") + path.rstrip("/")
    below = [(m.end(), _closed(text, m.end()), m[1].rstrip("/")) for m in _GO_BELOW.finditer(text)]
    for match in _GO_VERB.finditer(text):
        own, verb, path = match.groups()
        outer = "".join(path for start, end, path in below if start <= match.start() < end)
        if full := outer + groups.get(own, "") + path:
            bare = full.rstrip("/") if path == "/" and full != "/" else full
            yield f"{verb.upper()} {_braced(bare)}"


def _closed(text: str, start: int) -> int:
    """Where the brace is closed that was opened before; strings are not told apart."""
    depth = 1
    for match in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.start()
    return len(text)


def _go_value(kind: str) -> Any:
    """A value that Go decodes into a field of a kind; None where none is known."""
    if kind.startswith("[]"):
        return []
    bare = kind.lstrip("*")
    if bare == "string":
        return "1"
    if bare == "bool":
        return True
    return 1 if re.fullmatch(r"u?int\d*|float\d+", bare) else None


def _texts(folder: Path, endings: tuple[str, ...]) -> Iterator[str]:
    count = 0
    for file in sorted(folder.rglob("*"), key=lambda f: (len(f.parts), f.name)):
        parts = file.relative_to(folder).parts
        skipped = any(p.startswith(".") or p in ("node_modules", "vendor", "test") for p in parts)
        if skipped or file.suffix not in endings or file.stem.endswith("_test"):
            continue
        count += 1
        if count > _MOST_FILES:
            return
        try:
            if file.stat().st_size <= _LARGEST:
                yield file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
