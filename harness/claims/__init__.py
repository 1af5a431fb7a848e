"""The claims of a contract, and the defects that break the bundled one's: data, each once.

The contract's file holds the texts. `defects.json` is written from the catalogue of defective
gateways in `tests/defects` (`python -m tests.defects.gateways --write`), so that an installed
harness knows what its scenarios have been seen to catch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from msgspec import field

from harness.contracts import Contract, document
from harness.frozen import Frozen
from harness.scenario.model import Scenario

HERE = Path(__file__).parent
DEFECTS_FILE = HERE / "defects.json"

_LABELS = {
    "says": "",
    "route": "",
    "outage": "",
    "healthy": "Healthy: ",
    "down": "While its service is down: ",
    "opens": "OPEN: ",
    "attempts": "Attempts until OPEN: ",
    "first_rejection": "First fast rejection: ",
    "later": "Later: ",
    "closes": "CLOSED: ",
}
"""The parts of a claim in their order, and how each begins where it is told in a sentence."""


class Claim(Frozen, kw_only=True):
    """One claim of the contract."""

    id: str
    parts: dict[str, str]
    """Its texts by name, as Markdown: `says`, or the cells of its row in a table."""
    apart: str | None = None
    """Why no bundled scenario asserts it, or no defect breaks it."""
    source: str | None = None
    """Where it is said."""

    @property
    def says(self) -> str:
        """All of it in plain words, on one line."""
        told = [f"{label}{self.parts[key]}" for key, label in _LABELS.items() if key in self.parts]
        text = "; ".join(told) if len(told) > 1 else told[0]
        return re.sub(r"\*\*?([^*]+)\*\*?", r"\1", text).replace("`", "")


class KnownDefect(Frozen, kw_only=True):
    """One defective gateway of the catalogue."""

    id: str
    says: str
    claims: tuple[str, ...]
    """Those that it breaks."""
    scenarios: tuple[str, ...]
    """Those that fail it, each by an expectation that names one of its claims."""


class Backing(Frozen, kw_only=True):
    """What stands behind one claim."""

    claim: Claim
    scenarios: list[str] = field(default_factory=list)
    """Those with an expectation that names it."""
    defects: list[str] = field(default_factory=list)
    """Those that break it."""


def claims_of(contract: Contract) -> tuple[Claim, ...]:
    """Every claim of a contract, in its file's order."""
    return tuple(
        Claim(
            id=name,
            apart=text.apart,
            source=text.source or contract.source,
            parts=text.model_dump(exclude_none=True, exclude={"apart", "source"}),
        )
        for name, text in contract.claims.items()
    )


@cache
def all_claims() -> tuple[Claim, ...]:
    """Every claim of the bundled contract."""
    return claims_of(document())


@cache
def all_defects() -> tuple[KnownDefect, ...]:
    """Every defect of the catalogue."""
    rows = json.loads(DEFECTS_FILE.read_text(encoding="utf-8"))
    return tuple(
        KnownDefect(
            id=row["id"],
            says=row["says"],
            claims=tuple(row["claims"]),
            scenarios=tuple(row["scenarios"]),
        )
        for row in rows
    )


def backing(scenarios: Iterable[Scenario], contract: Contract) -> tuple[Backing, ...]:
    """What these scenarios, and for the bundled contract the catalogue, say of each claim."""
    found = {claim.id: Backing(claim=claim) for claim in claims_of(contract)}
    for scenario in scenarios:
        for claim in asserted(scenario):
            if claim in found:
                found[claim].scenarios.append(scenario.name)
    for defect in all_defects() if contract is document() else ():
        for claim in defect.claims:
            found[claim].defects.append(defect.id)
    return tuple(found.values())


def asserted(scenario: Scenario) -> tuple[str, ...]:
    """The claims that expectations of a scenario name (the scenario's own where they name none)."""
    named = (name for one in scenario.expect for name in one.claims or scenario.claims)
    return tuple(dict.fromkeys(named))
