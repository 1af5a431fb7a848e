"""Saved runs: the histories of a report folder with their scenarios, judged again.

A scenario is taken as it was played (`NAME.played.yaml` beside its history), or else from the file
that the history names. What the folder's results list and has no history was not played, and stays
in what is judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from msgspec.structs import replace

from harness.bundled import PLAYED
from harness.contracts import User, contract_told
from harness.errors import HarnessError, InvalidFile, Problem, UsageError
from harness.frozen import Frozen
from harness.history.events import Applied, Event, Lifted, Run, Sent, Triggered
from harness.history.reading import read_history
from harness.history.store import HISTORY
from harness.history.tape import Tape
from harness.judge import not_in_scope, not_played
from harness.report.provenance import provenance_in
from harness.report.scene import Scene, judge_and_observe
from harness.report.write import RESULTS
from harness.scenario.loader import load_scenario
from harness.scenario.model import Scenario
from harness.target import Target
from harness.target.known import hold_known, known_in
from harness.verdict import Judgement, Verdict

_BEFORE_S = 86_400.0
_AFTER_S = 3_600.0
"""How far an event may lie before 0s and after the scenario's end."""


class Saved(Frozen, kw_only=True):
    """One scenario read back from a folder, judged again."""

    scenario: Scenario
    events: Sequence[Event]
    judgement: Judgement
    scene: Scene | None
    name: str
    """Of its files in the folder."""


def judge_folder(folder: Path) -> list[Saved]:
    """Judge all scenarios of a report folder, in the order of its results where there are any.

    Histories that an earlier run left there, and that the results don't list, are left alone.

    Raises: UsageError when there is none, or some can't be read; it names all that is wrong.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name one that `outage run --report` wrote")
    saved: list[Saved] = []
    problems: list[str] = []
    run = provenance_in(previous_results(folder)).run
    for name, entry in _scenarios(folder).items():
        try:
            saved.append(_judged(folder, name, entry, run))
        except HarnessError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"can't read {error.filename or folder}: {error.strerror}")
    if problems:
        raise UsageError("\n".join(problems))
    results = previous_results(folder)
    known, day = known_in(results), _day(results)
    return [replace(each, judgement=hold_known(each.judgement, known, day)) for each in saved]


def plays_in(place: Path) -> dict[str, Saved]:
    """By name, what is saved beside `results.json`, or in a folder; nothing of what was predicted.

    Raises: UsageError when a history that is there can't be read.
    """
    folder = place if place.is_dir() else place.parent
    listed = previous_results(folder).keys() if place.name == RESULTS or place.is_dir() else ()
    if not listed or not any(folder.glob(f"*{HISTORY}")):
        return {}
    return {each.scenario.name: each for each in judge_folder(folder) if each.scene is not None}


def _day(results: dict[str, Any]) -> date:
    """When the run began; where it doesn't say, nothing has expired."""
    try:
        return datetime.fromisoformat(results["began"]).date()
    except (KeyError, TypeError, ValueError):
        return date.min


def previous_results(folder: Path) -> dict[str, Any]:
    """What the folder's `results.json` says of the run; nothing where it can't be used."""
    try:
        results = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return results if isinstance(results, dict) else {}


def _scenarios(folder: Path) -> dict[str, dict[str, Any]]:
    """The scenarios of a folder by name, with what its results say of each."""
    listed = {str(entry["name"]): entry for entry in _entries(previous_results(folder))}
    for name in listed:
        if Path(name).name != name or "\0" in name:
            raise UsageError(f"{folder / RESULTS} lists {name!r}, which can't be a file's name")
    found = sorted(
        path.name.removesuffix(suffix)
        for suffix in (HISTORY, PLAYED)
        for path in folder.glob(f"*{suffix}")
    )
    chosen = listed or {name: {} for name in found}
    if not set(chosen) & set(found):
        raise UsageError(f"no history (*{HISTORY}) is in {folder}; `outage run --report` writes it")
    return chosen


def _entries(results: dict[str, Any]) -> Iterator[dict[str, Any]]:
    listed = results.get("scenarios")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield entry


def _judged(folder: Path, name: str, entry: dict[str, Any], run: str | None) -> Saved:
    history = folder / f"{name}{HISTORY}"
    events = read_history(history) if history.exists() else None
    if events is not None and _belongs(events, run):
        scenario = _scenario(history, events)
        _check_instants(history, events, scenario)
        judgement, scene = judge_and_observe(scenario, events)
        return Saved(scenario=scenario, events=events, judgement=judgement, scene=scene, name=name)
    scenario = _unplayed_scenario(folder, name, entry)
    judgement = (
        not_in_scope(scenario, _said(entry, "evidence") or "the report doesn't say why")
        if entry.get("verdict") == Verdict.OUT_OF_SCOPE
        else not_played(
            scenario,
            _why_unplayed(entry, history)
            if events is None
            else f"{history.name} is another run's, not that of {RESULTS}",
        )
    )
    return Saved(scenario=scenario, events=(), judgement=judgement, scene=None, name=name)


def _belongs(events: Tape, run: str | None) -> bool:
    """Whether a history is of the run that the results are of, as far as both say."""
    said = next((event.run for event in events.all(Run)), run)
    return run is None or said in run.split(", ")


def _unplayed_scenario(folder: Path, name: str, entry: dict[str, Any]) -> Scenario:
    copy = folder / f"{name}{PLAYED}"
    if not copy.exists():
        raise UsageError(
            f"{folder / RESULTS} lists {name}, but neither {name}{HISTORY} nor {copy.name} is there"
        )
    scenario = load_scenario(copy, checked=True)
    file = entry.get("file")
    return scenario.model_copy(
        update={"name": name, "file": file if isinstance(file, str) else str(copy)}
    )


def _why_unplayed(entry: dict[str, Any], history: Path) -> str:
    if not entry:
        return f"{history.name} is not in the folder"
    if _said(entry, "observed") == "not played":
        return _said(entry, "evidence") or "the report doesn't say why"
    return f"{history.name} is not in the folder, although {RESULTS} says {entry.get('verdict')}"


def _said(entry: dict[str, Any], key: str) -> str | None:
    """What the first finding of a scenario says, as far as it is a text."""
    findings = entry.get("expectations")
    first = findings[0] if isinstance(findings, list) and findings else None
    text = first.get(key) if isinstance(first, dict) else None
    return text[:500] if isinstance(text, str) and text else None


def _scenario(history: Path, events: Tape) -> Scenario:
    run = next(iter(events.all(Run)), None)
    if run is not None:
        _check_contract(history, run)
    target = None if run is None else _names_of(run, events)
    name = history.name.removesuffix(HISTORY)
    copy = history.with_name(f"{name}{PLAYED}")
    if copy.exists():
        scenario = load_scenario(copy, target=target)
        return scenario.model_copy(update={"name": name, "file": run.file if run else str(copy)})
    if run is not None and Path(run.file).is_file():
        return load_scenario(Path(run.file), target=target)
    named = f", nor {run.file}, which it names" if run is not None else ""
    raise UsageError(f"{history} can't be judged: {copy.name} is not beside it{named}")


def _check_instants(history: Path, events: Tape, scenario: Scenario) -> None:
    """Refuse a history of some other scenario, or one that was damaged: what it claims can't be.

    Raises: InvalidFile with the first line that can't belong to it.
    """

    def refuse(place: int, problem: str) -> NoReturn:
        raise InvalidFile([Problem(file=str(history), line=place + 1, message=problem)])

    latest_s = scenario.duration + _AFTER_S
    for place, at_s in enumerate(events.instants()):
        if not -_BEFORE_S <= at_s <= latest_s:
            refuse(place, f"at {at_s:g} s nothing can have happened in {scenario.name}")
    for number, at_s in enumerate(events.all(Sent).column("planned_s")):
        if not -_BEFORE_S <= at_s <= latest_s:
            place = events.place(Sent, number)
            refuse(place, f"no request of {scenario.name} was due at {at_s:g} s")
    for kind in (Applied, Lifted, Triggered):
        for number, fault in enumerate(events.all(kind).column("fault")):
            if fault >= len(scenario.faults):
                refuse(events.place(kind, number), f"{scenario.name} has no fault {fault + 1}")


def _check_contract(history: Path, run: Run) -> None:
    """Refuse a history whose contract was damaged.

    Raises: InvalidFile.
    """
    try:
        contract_told(run.contract)
    except InvalidFile as error:
        problem = f"its contract can't be read: {error.problems[0].message}"
        raise InvalidFile([Problem(file=str(history), line=1, message=problem)]) from None


def _names_of(run: Run, events: Tape) -> Target:
    """As much of the target as a scenario's names need: its upstreams, and the users it met."""
    users = set(events.all(Sent).column("user")) - {None}
    return Target(
        name=run.target,
        url="http://127.0.0.1",
        upstreams={f"{name}_URL": name for name in run.upstreams},
        users={user: User() for user in users},
    )
