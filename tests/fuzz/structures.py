"""Hostile structures: good documents, with parts lost, doubled, exchanged and made nonsense of.

What bytes rarely hit (`fuzz.py`): a file that can be read, and means something else. Each document
comes from one that users have, and goes in by the command or function that takes it.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import yaml
from click.testing import CliRunner
from hypothesis import strategies as st

from harness.bundled import bundled_folder
from harness.cli.compare import compare
from harness.cli.importing import import_
from harness.contracts.loading import parse_contract
from harness.errors import HarnessError
from harness.runs.saved import judge_folder
from harness.scenario.loader import parse_scenario
from harness.target.loading import parse_target
from harness.timeline import compile_timeline

ROOT = Path(__file__).resolve().parents[2]
REFUSALS = (HarnessError, click.ClickException)
"""How a document may be refused."""

SHORT = "late_success"
"""A bundled scenario with a short history."""

Document = Any
Path_ = tuple[int | str, ...]

_NONSENSE = (
    None, True, 0, -1, 1.5, 10**30, -(10**30), math.inf, math.nan, 1e308,
    "", " ", "0", "-1s", "1e999s", "5s", "9" * 400, "x" * 5000, "{x}", "<x>", "*", "..",
    "../../etc/passwd", "auth", "GET /", "\x00", "\x1b[31m", "\ud800", "é", "::error::x",
    "<script>", [], {}, [[]], [{}], {"": None}, {"a": {"a": {"a": []}}},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One thing done to a document: at which of its places, and what."""

    place: int
    """Counted over all places, and again from the start."""
    what: str
    value: Any = None
    other: int = 0
    """Another place, of a document that gives a part of itself."""


CHANGES = st.lists(
    st.builds(
        Change,
        place=st.integers(0, 10_000),
        what=st.sampled_from(("lose", "replace", "graft", "double", "rename", "wrap")),
        value=st.one_of(
            st.sampled_from(_NONSENSE), st.floats(), st.integers(), st.text(max_size=12)
        ),
        other=st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=5,
)


def places(document: Document, here: Path_ = ()) -> list[Path_]:
    """Where in a document something stands, the document itself left out."""
    if isinstance(document, dict):
        inner = list(document.items())
    elif isinstance(document, list):
        inner = list(enumerate(document))
    else:
        return []
    return [at for key, part in inner for at in ((*here, key), *places(part, (*here, key)))]


def part_of(document: Document, at: Path_) -> Document:
    """What stands at a place."""
    for key in at:
        document = document[key]
    return document


def changed(document: Document, changes: list[Change], giver: Document) -> Document:
    """A copy of a document with changes; `giver` is where grafts come from."""
    document = copy.deepcopy(document)
    for change in changes:
        spots = places(document)
        if not spots:
            break
        *way, key = spots[change.place % len(spots)]
        holder = part_of(document, tuple(way))
        match change.what:
            case "lose":
                del holder[key]
            case "replace":
                holder[key] = change.value
            case "graft":
                gifts = places(giver)
                holder[key] = copy.deepcopy(part_of(giver, gifts[change.other % len(gifts)]))
            case "double" if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case "double":
                holder[f"{key}2"] = copy.deepcopy(holder[key])
            case "rename" if isinstance(holder, dict):
                holder[str(change.value)] = holder.pop(key)
            case "wrap":
                holder[key] = [holder[key]] if change.other % 2 else {"x": holder[key]}
    return document


def as_yaml(document: Document) -> bytes:
    """The text of a document, one that a reader has to cope with: lone surrogates stay in it."""
    said = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    return str(said).encode("utf-8", "surrogatepass")


def as_json(document: Document) -> bytes:
    """The same as JSON, with the infinities that Python's own writer lets through."""
    return json.dumps(document).encode()


@cache
def documents(door: str) -> tuple[Document, ...]:
    """Good ones, as users have them."""
    match door:
        case "scenario":
            files = sorted(bundled_folder().glob("*.yaml"))[::5]
        case "target":
            globs = (
                "harness/target/bundled/*.yaml",
                "examples/*/target.yaml",
                "tests/*_gateway/target.yaml",
            )
            files = sorted(file for each in globs for file in ROOT.glob(each))
        case "contract":
            files = [*ROOT.glob("harness/contracts/*.yaml")]
        case "import":
            files = sorted(ROOT.glob("tests/unit/incident/data/*.json"))
        case "report":
            return (saved_run(),)
    assert files, door
    return tuple(_document(file) for file in files)


def _document(file: Path) -> Document:
    """A file's document, wherever it will lie: it names what lies beside it by its whole path."""
    document = _plain(yaml.safe_load(file.read_text(encoding="utf-8")))
    if isinstance(document, dict) and isinstance(contract := document.get("contract"), str):
        document["contract"] = str(file.parent / contract)
    return document


def _plain(document: Document) -> Document:
    """With the key `on` as it was written: YAML 1.1 reads it as true."""
    if isinstance(document, dict):
        return {"on" if key is True else key: _plain(part) for key, part in document.items()}
    return [_plain(part) for part in document] if isinstance(document, list) else document


def take_scenario(document: Document, folder: Path) -> None:
    """As `outage validate` does; what is accepted has a timeline, too."""
    compile_timeline(parse_scenario(as_yaml(document), file=str(folder / "x.yaml")))


@cache
def _templates() -> tuple[Path, ...]:
    """The configuration files that good targets have filled in, which lie beside them."""
    found = []
    for file in ROOT.glob("examples/*/target.yaml"):
        start = yaml.safe_load(file.read_text(encoding="utf-8")).get("start", {})
        found += [file.parent / name for name in start.get("files", {}).values()]
    return tuple(found)


def take_target(document: Document, folder: Path) -> None:
    """As every command does that is told `--target`."""
    for template in _templates():
        shutil.copy(template, folder)
    parse_target(as_yaml(document), file=str(folder / "x.yaml"))


def take_contract(document: Document, folder: Path) -> None:
    """As a target does that names it."""
    parse_contract(as_yaml(document), file=str(folder / "x.yaml"))


def take_import(document: Document, folder: Path) -> None:
    """The whole command: what it writes can be played."""
    (folder / "x.json").write_bytes(as_json(document))
    _command(import_, str(folder / "x.json"), "--upstream", "auth")


def take_report(document: Document, folder: Path) -> None:
    """As `outage judge` and `outage compare` do with a folder that somebody has had in hands."""
    name = SHORT
    for file, part in document.items() if isinstance(document, dict) else ():
        if file == "results":
            (folder / "results.json").write_bytes(as_json(part))
        elif file == "history" and isinstance(part, list):
            (folder / f"{name}.history.jsonl").write_bytes(b"\n".join(map(as_json, part)) + b"\n")
        elif file == "played":
            (folder / f"{name}.played.yaml").write_bytes(as_yaml(part))
    for take in (lambda: judge_folder(folder), lambda: _command(compare, str(folder), str(folder))):
        with contextlib.suppress(*REFUSALS):
            take()


@cache
def saved_run() -> Document:
    """A report folder of one short scenario, as a document: its results, history and scenario."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        command = [
            sys.executable,
            "-m",
            "harness",
            "run",
            SHORT,
            "--engine",
            "sim",
            "--report",
            name,
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        folder = Path(name)
        lines = (folder / f"{SHORT}.history.jsonl").read_text(encoding="utf-8").splitlines()
        return {
            "results": json.loads((folder / "results.json").read_text(encoding="utf-8")),
            "history": [json.loads(line) for line in lines],
            "played": yaml.safe_load((folder / f"{SHORT}.played.yaml").read_text(encoding="utf-8")),
        }


def _command(command: click.Command, *words: str) -> None:
    done = CliRunner().invoke(command, list(words), standalone_mode=False)
    if done.exception is not None:
        raise done.exception


DOORS: dict[str, Callable[[Document, Path], None]] = {
    "scenario": take_scenario,
    "target": take_target,
    "contract": take_contract,
    "import": take_import,
    "report": take_report,
}


def refused_or_taken(take: Callable[[Document, Path], None], document: Document, to: Path) -> None:
    """Hold a document to a door. Whatever else it raises is a defect."""
    with contextlib.suppress(*REFUSALS):
        take(document, to)
