"""What a run was made with, for whoever reads its results later: when, and which versions."""

from __future__ import annotations

import math
import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msgspec import field

from harness.frozen import Frozen
from harness.target import Target

_GIT_WITHIN_S = 5.0


class Provenance(Frozen, kw_only=True):
    """What a run was made with; what is not known is None."""

    run: str | None = None
    """Its name, which no other run has, as its histories say it. Merged: all parts', by commas."""
    began: str | None = None
    """In UTC, to the second: `2025-06-01T12:00:00Z`."""
    commit: str | None = None
    """Of the target's repository, with `-dirty` where files were changed since."""
    host: str | None = None
    """The name of the machine."""
    versions: dict[str, str] = field(default_factory=dict)
    wall_s: float | None = None
    """What all of it took, where that was over when it was asked for."""
    shard: str | None = None
    """Which part of a run it was, such as `2/5`; None for a whole one."""
    real_s: dict[str, float] = field(default_factory=dict)
    """What playing each scenario really took, by name, in seconds of the wall clock."""
    zero_unix_s: dict[str, float] = field(default_factory=dict)
    """When 0s of each scenario was, by name, in seconds since 1970."""


def run_name() -> str:
    """A name for a run that begins now."""
    return os.urandom(6).hex()


def provenance_of(target: Target) -> Provenance:
    """Of a run that begins now."""
    return Provenance(
        run=run_name(),
        began=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        commit=_commit(target),
        host=platform.node() or None,
        versions={
            "outage-harness": _own_version(),
            "python": platform.python_version(),
        },
    )


def _own_version() -> str:
    """The harness's; a copy that was not installed, as in its container, doesn't know it."""
    from importlib import metadata  # as much as all of this module, for what is reported alone

    try:
        return metadata.version("outage-harness")
    except metadata.PackageNotFoundError:
        return "not installed"


def provenance_in(results: dict[str, Any]) -> Provenance:
    """Of a run that left these results (as in `results.json`), as far as they can be used."""
    versions = results.get("versions")
    scenarios = results.get("scenarios")
    return Provenance(
        run=_text(results.get("run")),
        began=_text(results.get("began")),
        commit=_text(results.get("target_commit")),
        host=_text(results.get("host")),
        wall_s=_time(results.get("wall_s")),
        shard=_text(results.get("shard")),
        versions={
            name: version
            for name, version in (versions.items() if isinstance(versions, dict) else ())
            if isinstance(version, str)
        },
        real_s=dict(_numbers(scenarios, "real_s")),
        zero_unix_s=dict(_numbers(scenarios, "zero_unix_s")),
    )


def _time(value: object) -> float | None:
    """A time that was measured: above 0 s, as nobody plays anything in none."""
    measured = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if measured else None  # type: ignore[arg-type]


def _numbers(scenarios: object, key: str) -> Iterator[tuple[str, float]]:
    for entry in scenarios if isinstance(scenarios, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            value = entry.get(key)
            if isinstance(value, int | float) and math.isfinite(value):
                yield entry["name"], float(value)


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _commit(target: Target) -> str | None:
    folder = _folder(target)
    said = (
        None
        if folder is None
        else _git(folder, "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--", ".")
    )
    if said is None:
        return None
    heads = [line for line in said.splitlines() if line.startswith("# ")]
    commit = next((line.split()[2] for line in heads if line.startswith("# branch.oid ")), "")
    if not commit.isalnum():  # `(initial)`: nothing has been committed
        return None
    return commit if len(heads) == len(said.splitlines()) else f"{commit}-dirty"


def _folder(target: Target) -> Path | None:
    """Where its code is: where it is started, or a bundled one's package unless it is installed."""
    if target.start is None:
        return None
    if target.file:
        return target.cwd
    spec = find_spec((target.start.wsgi or "").partition(":")[0].partition(".")[0] or "harness")
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    return Path(places[0]) if places and "site-packages" not in places[0] else None


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            timeout=_GIT_WITHIN_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return done.stdout.strip()
