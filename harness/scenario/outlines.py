"""What a list says of scenarios, remembered for as long as nothing has changed that it rests on.

Reading a scenario's file costs little, but making the model that it is held against costs most of a
short command. Whether a file is valid follows from its bytes, the bundled contract, the stubs and
the harness with its libraries: where all of these are what they were when it was found valid, so it
is. Only what was found right is remembered, never a problem.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict, replace

from harness.frozen import Frozen
from harness.scenario.naming import each_named

if TYPE_CHECKING:
    from harness.scenario.model import Scenario

_MOST = 20_000
"""Files that are remembered: the latest."""
_MOST_KINDS = 4
"""Harnesses and environments that are remembered side by side."""
_LARGEST_FILE_BYTES = 1_000_000
_RESTS_ON = ("harness", "stub_services")
_OWN_CHECK = "check"


class Outline(Frozen, kw_only=True):
    """One scenario in a list."""

    name: str
    file: str
    title: str
    claims: tuple[str, ...]
    """Those that stand over all of its expectations."""
    all_claims: tuple[str, ...]
    duration_s: float
    upstreams: tuple[str, ...]
    """Those that some fault hits."""
    replays: str | None
    combination: str = ""
    """Which combination of its file's matrix it is."""


def outline_of(scenario: Scenario) -> Outline:
    """The outline of a scenario that was loaded."""
    return Outline(
        name=scenario.name,
        file=scenario.file,
        title=scenario.title,
        claims=scenario.claims,
        all_claims=scenario.all_claims,
        duration_s=scenario.duration,
        upstreams=scenario.faulted_upstreams,
        replays=scenario.replays,
        combination=scenario.combination,
    )


def outlines(paths: Iterable[str | Path], known: Outlines) -> tuple[Outline, ...]:
    """The outlines of several files' scenarios, in order, with names that are unique among them.

    Raises: UsageError when a file can't be read, InvalidFile with the problems of all files.
    """
    return each_named(paths, known.of, lambda outline, name: replace(outline, name=name))


class Outlines:
    """The outlines of files by what is in them: remembered, else found by loading them."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: where they are remembered; in the user's cache by default."""
        self._folder = folder or _default_folder()
        self._path = self._folder / f"outlines-{_standing()}.json"
        self._known = _read(self._path)
        self._fresh = False

    def of(self, path: str | Path) -> tuple[Outline, ...]:
        """The outlines of one file.

        Raises: UsageError when it can't be read, InvalidFile with all of its problems.
        """
        key = _key(Path(path))
        rows = None if key is None else self._known.get(key)
        if rows is not None:
            with contextlib.suppress(TypeError, KeyError, ValueError):
                return tuple(_outline(row, path) for row in rows)
        from harness.scenario.loader import load_each

        scenarios = load_each(path)
        found = tuple(outline_of(scenario) for scenario in scenarios)
        # Which checks of their own people have installed may change.
        own = any(hasattr(one, _OWN_CHECK) for scenario in scenarios for one in scenario.expect)
        if key is not None and not own:
            self._known[key] = [asdict(outline) for outline in found]
            self._fresh = True
        return found

    def keep(self) -> None:
        """Remember what was found; where that can't be written it is found again next time."""
        if not self._fresh:
            return
        rows = dict(list(self._known.items())[-_MOST:])
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
            try:
                with open(handle, "w", encoding="utf-8") as file:
                    file.write(json.dumps(rows, separators=(",", ":")))
                os.replace(name, self._path)
            except BaseException:
                os.unlink(name)
                raise
            for old in _by_age(self._folder)[:-_MOST_KINDS]:
                old.unlink(missing_ok=True)


def _outline(row: dict[str, Any], path: str | Path) -> Outline:
    several = {name: tuple(row[name]) for name in ("claims", "all_claims", "upstreams")}
    stem = Path(path).stem
    label = row["combination"]
    named = {"name": f"{stem}-{label}" if label else stem, "file": str(path)}
    return Outline(**row | several | named)


def _key(path: Path) -> str | None:
    """What stands for a file's bytes; None for what had better be read as any other file is."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE_BYTES:
            return None
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except (OSError, ValueError):
        return None


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def _by_age(folder: Path) -> list[Path]:
    return sorted(folder.glob("outlines-*.json"), key=lambda path: path.stat().st_mtime_ns)


def _default_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "outage"


def _standing() -> str:
    """What stands for this harness: its files and libraries as they are on disk, and the Python."""
    digest = hashlib.blake2b(sys.version.encode(), digest_size=16)
    for file, written, size in _files():
        digest.update(f"{file}\0{written}\0{size}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _files() -> Iterator[tuple[str, int, int]]:
    for package in _RESTS_ON:
        spec = find_spec(package)
        for root in sorted((spec.submodule_search_locations if spec else None) or ()):
            yield from sorted(_below(root))
    for library in ("pydantic", "yaml"):
        spec = find_spec(library)
        if spec is not None and spec.origin is not None:
            # Installing another version writes into the folder that it is in.
            found = os.stat(os.path.dirname(os.path.dirname(spec.origin)))
            yield library, found.st_mtime_ns, found.st_size


def _below(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _below(entry.path)
            elif entry.name.endswith((".py", ".yaml", ".json")):
                told = entry.stat()
                yield entry.path, told.st_mtime_ns, told.st_size
