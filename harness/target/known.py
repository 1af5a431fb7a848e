"""Known failures of a target: shown, never hidden, and red again when they pass or expire.

A target file names them with a reason and a last day. Such a failure doesn't fail its scenario; it
stays in every report as what it is. One that doesn't fail any more, or whose day has passed, does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from harness.frozen import Frozen
from harness.scenario.spelling import did_you_mean
from harness.verdict import Finding, Judgement, Known, Verdict, worst


class KnownFailure(Frozen, kw_only=True):
    """One entry under `known:` of a target file."""

    scenario: str
    expectation: str
    """The finding's name; for a promise, what it says will do too."""
    because: str
    until: date
    """The last day on which it is excused, in UTC."""
    file: str = ""

    @staticmethod
    def of(failure: str, because: str, until: date, file: str) -> KnownFailure:
        """Of `SCENARIO/EXPECTATION`."""
        scenario, _, expectation = failure.partition("/")
        return KnownFailure(
            scenario=scenario, expectation=expectation, because=because, until=until, file=file
        )

    def to_json(self) -> dict[str, str]:
        """As `results.json` keeps it."""
        return {
            "failure": f"{self.scenario}/{self.expectation}",
            "because": self.because,
            "until": self.until.isoformat(),
            "file": self.file,
        }


def known_in(results: dict[str, Any]) -> tuple[KnownFailure, ...]:
    """Those that a run's results name, as far as they can be read."""
    listed = results.get("known")
    found = []
    for entry in listed if isinstance(listed, list) else ():
        try:
            because, file = str(entry["because"]), str(entry.get("file", ""))
            until = date.fromisoformat(entry["until"])
            found.append(KnownFailure.of(entry["failure"], because, until, file))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return tuple(found)


def hold_known(judgement: Judgement, known: Sequence[KnownFailure], today: date) -> Judgement:
    """A judgement in the light of what is known of its scenario on that day."""
    mine = [each for each in known if each.scenario == judgement.name]
    if not mine or not _judged(judgement):
        return judgement
    findings = tuple(_in_light(finding, mine, today) for finding in judgement.findings)
    promises = tuple(_in_light(finding, mine, today) for finding in judgement.promises)
    stale = tuple(_stale(mine, judgement))
    held = replace(judgement, findings=(*findings, *stale), promises=promises)
    if judgement.verdict is Verdict.OUT_OF_SCOPE:
        return held
    owed = [finding.verdict for finding in held.all_findings if finding.known is None]
    return replace(held, verdict=worst(owed) if owed else Verdict.OUT_OF_SCOPE)


def _judged(judgement: Judgement) -> bool:
    """Whether it was played so far that its own expectations were judged."""
    return bool(judgement.promises) or any(f.line is not None for f in judgement.findings)


def _names(finding: Finding, entry: KnownFailure) -> bool:
    return entry.expectation in (finding.name, finding.expected)


def _in_light(finding: Finding, known: Sequence[KnownFailure], today: date) -> Finding:
    entry = next((each for each in known if _names(finding, each)), None)
    if entry is None or finding.verdict is not Verdict.FAILED:
        return finding
    if today > entry.until:
        over = f"was known until {entry.until} ({entry.because}), which is over"
        return replace(finding, evidence=f"{finding.evidence}; {over}")
    return replace(finding, known=Known(because=entry.because, until=entry.until.isoformat()))


def _stale(known: Sequence[KnownFailure], judgement: Judgement) -> Iterator[Finding]:
    """Entries that nothing justifies any more: what they name holds, or isn't there."""
    names = [finding.name for finding in judgement.all_findings]
    unclear = judgement.verdict is Verdict.INCONCLUSIVE
    for entry in known:
        found = [finding for finding in judgement.all_findings if _names(finding, entry)]
        if any(finding.verdict is not Verdict.PASSED for finding in found):
            continue
        hint = "" if found else did_you_mean(entry.expectation, names)
        yield Finding(
            name=f"known failure: {entry.expectation}",
            claims=(),
            verdict=Verdict.INCONCLUSIVE if unclear and not found else Verdict.FAILED,
            expected=f"to fail until {entry.until} ({entry.because})",
            observed=f"it passed: take it out of `known:` in {entry.file or 'the target file'}"
            if found
            else f"nothing of this name failed{hint}",
            evidence=found[0].evidence if found else "the findings of this play",
        )


def nowhere(known: Sequence[KnownFailure], played: Mapping[str, str]) -> tuple[str, ...]:
    """The entries that excuse nothing, as they misspell a scenario's name: a line for each.

    `played` are scenarios with their files. One that lies beside these was only not played, and
    what resembles none of them may be elsewhere.
    """
    stems = {name: Path(file).stem for name, file in played.items()}
    beside = {
        other.stem
        for name, file in played.items()
        if name == stems[name] or name.startswith(f"{stems[name]}-")
        for other in Path(file).parent.glob("*.y*ml")
    }
    whole = beside - {stem for name, stem in stems.items() if name != stem}
    lines = []
    for scenario in dict.fromkeys(entry.scenario for entry in known) if beside else ():
        combined = any(scenario.startswith(f"{stem}-") for stem in beside)
        if scenario in played or scenario in whole or combined:
            continue
        combinations = [name for name in played if name.startswith(f"{scenario}-")]
        if near := did_you_mean(scenario, combinations or [*played, *whole]):
            lines.append(
                f"`known:` excuses failures of {scenario}, and none here is called so{near}"
            )
    return tuple(lines)
