"""Where scenarios are found: files and folders as named, and those that come with the harness."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.scenario.spelling import did_you_mean

if TYPE_CHECKING:
    from harness.target import Target

SUFFIXES = (".yaml", ".yml")
PLAYED = ".played.yaml"
"""How a report names its copy of a scenario."""
_HERE = Path(__file__).resolve().parent


def bundled_folder() -> Path:
    """The folder of the bundled scenarios: in the installed package, else in the repository."""
    installed = _HERE / "bundled_scenarios"
    return installed if installed.is_dir() else _HERE.parent / "scenarios"


def bundled_scenarios() -> list[Path]:
    """The files of the bundled scenarios, by name."""
    folder = bundled_folder()
    here = Path.cwd()
    return _files(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def find_scenarios(paths: Iterable[str | Path]) -> list[Path]:
    """The scenario files that paths mean, each once, in the order given.

    A path is a file, a folder (all .yaml and .yml in it and below, by name), or the bare name of a
    bundled scenario. No paths mean all bundled scenarios.

    Raises: UsageError for a path that is nothing of these, or a folder without scenarios.
    """
    given = [str(path) for path in paths]
    found = [file for path in given for file in _one(path)] if given else bundled_scenarios()
    once = {file.resolve(): file for file in reversed(found)}
    return [file for file in dict.fromkeys(found) if once[file.resolve()] == file]


def scenarios_for(paths: Iterable[str | Path], target: Target) -> list[Path]:
    """The scenario files that paths mean, for one target.

    Raises: UsageError as above, and without paths for a target that promises something else than
    the bundled scenarios are about.
    """
    given = list(paths)
    if not given and not target.holds_to_document:
        raise UsageError(
            "name a scenario: the bundled ones are about the contract 'document', and "
            f"{target.file or target.name} is held to {target.contract_} (`outage new --target` "
            "writes one)"
        )
    return find_scenarios(given)


def _one(path: str) -> list[Path]:
    if not path:
        raise UsageError("an empty name names no scenario (`outage list` shows the bundled ones)")
    there = Path(path)
    try:
        if there.is_dir():
            return _folder(there)
        if there.exists():
            return [there]
    except (OSError, ValueError) as error:
        raise UsageError(f"{path[:80]!r} can't be read: {error}") from None
    bundled = {file.stem: file for file in bundled_scenarios()}
    if there.parent == Path() and there.stem in bundled and there.suffix in ("", *SUFFIXES):
        return [bundled[there.stem]]
    siblings = [file.name for file in _beside(there)]
    hint = did_you_mean(there.name, [*siblings, *(bundled if there.parent == Path() else ())])
    kind = "no such file, nor a bundled scenario of that name"
    raise UsageError(f"{path}: {kind}{hint} (`outage list` shows the bundled ones)")


def _beside(missing: Path) -> list[Path]:
    try:
        return [file for file in missing.parent.iterdir() if file.suffix in SUFFIXES]
    except (OSError, ValueError):
        return []


def _folder(folder: Path) -> list[Path]:
    files = _files(folder)
    if not files:
        copies = any(folder.rglob(f"*{PLAYED}"))
        hint = "; `outage judge` judges a report again" if copies else ""
        raise UsageError(f"{folder}: no scenario (*.yaml) in this folder or below{hint}")
    return files


def _files(folder: Path) -> list[Path]:
    """Scenario files in a folder and below, but not hidden ones, nor in hidden folders.

    Nor what a report has copied: it would be played twice.
    """
    found = []
    for parent, folders, names in os.walk(folder):  # passes over what vanishes or is not ours
        folders[:] = [name for name in folders if not name.startswith(".")]
        ours = [name for name in names if not name.startswith(".") and not name.endswith(PLAYED)]
        found += [Path(parent, name) for name in ours]
    return sorted(file for file in found if file.suffix in SUFFIXES and file.is_file())
