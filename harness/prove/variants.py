"""What each scenario is tried with: without its faults, without resilience, with known defects."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from harness.bundled import bundled_folder
from harness.contracts.policies import Adjustment
from harness.errors import UsageError
from harness.frozen import Frozen
from harness.scenario.model import Scenario
from harness.scenario.reading import read_file
from harness.target import Target
from harness.target.loading import bundled, parse_target

_TARGET, _LIST = "target.yaml", "defects.json"
_KNOWN = Path(__file__).resolve().parents[1] / "claims" / _LIST
PLACE = "{defect}"
_ID = re.compile(r"[\w.-]{1,100}")


class Variant(Frozen, kw_only=True):
    """One play of a scenario that its expectations ought not all to survive."""

    label: str
    scenario: Scenario
    target: Target


class Defective(Frozen, kw_only=True):
    """A gateway with one mistake."""

    id: str
    claims: frozenset[str]
    """Those that it breaks; none said may be any."""
    scenarios: frozenset[str]
    """The scenarios that were seen to fail it."""
    target: Target


def without_faults(scenario: Scenario, target: Target) -> Variant:
    """The outage that never comes: what is said of it can't hold."""
    calm = scenario.model_copy(update={"faults": ()})
    return Variant(label="without its faults", scenario=calm, target=target)


def naive_for(target: Target) -> Target | None:
    """The bundled gateway without resilience, if it calls what a target calls."""
    naive = bundled("naive")
    assert naive is not None
    return naive if set(target.upstream_names) <= set(naive.upstream_names) else None


def without_resilience(scenario: Scenario, target: Target) -> Variant | None:
    """The bundled naive gateway in the target's place; None where it calls other upstreams."""
    naive = naive_for(target)
    if naive is None:
        return None
    settings = {"breakers": target.breakers, "users": target.users}
    return Variant(label="naive", scenario=scenario, target=naive.model_copy(update=settings))


def find_defects(folder: Path | None, target: Target) -> list[Defective]:
    """The defective gateways of a folder; by default those of the repository, if this is one.

    `target.yaml` there says how one is started (`{defect}` stands for its id); it is the target in
    everything else. `defects.json` lists them: id, claims, scenarios, and breakers where these
    differ; without it, the list that comes with the harness holds.

    Raises: UsageError when there is no such folder, or it lacks one of the two.
    """
    if folder is None:
        folder = bundled_folder().parent / "tests" / "defects"
        known = (folder / _TARGET).exists() and ((folder / _LIST).exists() or _KNOWN.exists())
        if target.file or target.name != "reference" or not known:
            return []
    text = read_file(folder / _TARGET).decode("utf-8", "replace")
    listed = folder / _LIST if (folder / _LIST).exists() else _KNOWN
    return [_defective(each, text, folder / _TARGET, target) for each in _read(listed)]


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: can't be read: {error}") from None
    if not isinstance(found, list) or not all(
        isinstance(each, dict) and _ID.fullmatch(str(each.get("id", ""))) for each in found
    ):
        raise UsageError(f'{path}: expected a list of defects: [{{"id": "no-backoff", ...}}]')
    return found


def _defective(listed: dict[str, Any], text: str, file: Path, target: Target) -> Defective:
    name = listed["id"]
    started = parse_target(text.replace(PLACE, name), str(file))
    own = listed.get("breakers", {})
    breakers = {upstream: Adjustment.model_validate(each) for upstream, each in own.items()}
    changed = {
        "name": name,
        "start": started.start,
        "url": started.url,
        "file": started.file,
        "breakers": {**target.breakers, **breakers},
    }
    return Defective(
        id=name,
        claims=frozenset(listed.get("claims", ())),
        scenarios=frozenset(listed.get("scenarios", ())),
        target=target.model_copy(update=changed),
    )
