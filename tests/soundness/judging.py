"""What is said against a sound gateway: a false word, whoever looked on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

import harness.target
from harness.bundled import PLAYED
from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.history.lines import to_json
from harness.history.store import HISTORY
from harness.history.view import History
from harness.judge import judge
from harness.timeline import compile_timeline
from harness.units import format_duration
from harness.verdict import Finding, Verdict
from tests.soundness.eyes import eyes_for
from tests.soundness.outages import Outage

_REFERENCE = Path(harness.target.__file__).parent / "bundled" / "reference.yaml"
_BROKE = "a defect of the harness"
"""What the evidence of a finding says whose check broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseWord:
    """A finding against the reference, and which eye it was judged by."""

    eye: str
    finding: Finding

    def __str__(self) -> str:
        return f"{self.eye}: {self.finding.name}: {self.finding.observed}"


def play(engine: SimEngine, outage: Outage, folder: Path) -> History:
    """What an outage leaves; `folder` is one of its own."""
    scenario = outage.scenario
    job = Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=outage.settings.target,
        seed=outage.seed,
        folder=folder,
    )
    return History(engine.play_now(job))


def false_words(outage: Outage, played: History) -> Iterator[FalseWord]:
    """All that is said against the reference by any eye; that a check broke is one, too."""
    scenario = outage.scenario
    for name, eye in eyes_for(scenario).items():
        for finding in judge(scenario, eye.seen(played)).all_findings:
            if finding.verdict is Verdict.FAILED or _BROKE in finding.evidence:
                yield FalseWord(eye=name, finding=finding)


def save(outage: Outage, played: History, folder: Path) -> None:
    """For each eye a folder that `outage judge` reads; scenario and target to play it again."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{outage.name}.yaml").write_text(
        f"# outage run {outage.name}.yaml --target {outage.name}.target.yaml --engine sim "
        f"--seed {outage.seed}\n{outage.text}",
        encoding="utf-8",
    )
    (folder / f"{outage.name}.target.yaml").write_text(_target(outage), encoding="utf-8")
    for name, eye in eyes_for(outage.scenario).items():
        (folder / name).mkdir(exist_ok=True)
        lines = [to_json(event) + "\n" for event in eye.seen(played).events]
        place = folder / name / outage.name
        place.with_name(f"{outage.name}{HISTORY}").write_text("".join(lines), encoding="utf-8")
        place.with_name(f"{outage.name}{PLAYED}").write_text(outage.text, encoding="utf-8")


def _target(outage: Outage) -> str:
    """The reference's own target file, with these settings."""
    raw = yaml.safe_load(_REFERENCE.read_text(encoding="utf-8"))
    raw["start"]["env"] = outage.settings.environ
    raw["breakers"] = {
        upstream: {
            key: format_duration(value) if key in ("timeout", "wait") else value
            for key, value in own.items()
        }
        for upstream, own in outage.settings.breakers.items()
    }
    return yaml.dump(raw, sort_keys=False, allow_unicode=True, width=100)
