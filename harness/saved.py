"""Saved runs: the histories of a report folder with their scenarios, judged again.

A scenario is taken as it was played (`NAME.played.yaml` beside its history), or else from the file
that the history names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness.history.events import Event, Run, Sent
from harness.history.store import read_history
from harness.judge import judge
from harness.report.write import HISTORY, PLAYED, RESULTS
from harness.scenario.loader import load_scenario
from harness.scenario.model import Scenario
from harness.target import Target, User
from harness.verdict import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """One scenario read back from a folder, judged again."""

    scenario: Scenario
    events: Sequence[Event]
    judgement: Judgement
    path: Path
    """Of the history."""


def judge_folder(folder: Path) -> list[Saved]:
    """Judge all histories of a report folder, in the order of its results where there are any.

    Histories that an earlier run left there, and that the results don't list, are left alone.

    Raises: UsageError when there is none, or some can't be read; it names all that is wrong.
    """
    paths = _histories(folder)
    saved: list[Saved] = []
    problems: list[str] = []
    for path in paths:
        try:
            saved.append(_judged(path))
        except HarnessError as error:
            problems.append(str(error))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"can't read {path}: {error}")
    if problems:
        raise UsageError("\n".join(problems))
    return saved


def _histories(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name one that `outage run --report` wrote")
    found = {path.name.removesuffix(HISTORY): path for path in sorted(folder.glob(f"*{HISTORY}"))}
    listed = _listed(folder)
    chosen = [found[name] for name in listed if name in found] or list(found.values())
    if not chosen:
        raise UsageError(f"no history (*{HISTORY}) is in {folder}; `outage run --report` writes it")
    return chosen


def _listed(folder: Path) -> list[str]:
    """The scenarios that the folder's results list; none where there are no usable results."""
    try:
        results = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
        return list(dict.fromkeys(str(each["name"]) for each in results["scenarios"]))
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _judged(path: Path) -> Saved:
    events = read_history(path)
    scenario = _scenario(path, events)
    return Saved(scenario=scenario, events=events, judgement=judge(scenario, events), path=path)


def _scenario(history: Path, events: Sequence[Event]) -> Scenario:
    run = next((event for event in events if isinstance(event, Run)), None)
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


def _names_of(run: Run, events: Sequence[Event]) -> Target:
    """As much of the target as a scenario's names need: its upstreams, and the users it met."""
    users = {event.user for event in events if isinstance(event, Sent) and event.user is not None}
    return Target(
        name=run.target,
        url="http://127.0.0.1",
        upstreams={f"{name}_URL": name for name in run.upstreams},
        real=dict.fromkeys(run.upstreams, "127.0.0.1:0"),
        users={user: User() for user in users},
    )
