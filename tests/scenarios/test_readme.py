"""What the README shows of plays is what they say: figures and findings, line by line."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.report.scene import judge_and_observe
from harness.report.text import details, one_line
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from tests.bundled import scenario_in

ROOT = Path(__file__).resolve().parents[2]
_SHOWN = re.compile(r"^ *[✓✗?] .*$|^ +(?:expected|observed|evidence|because) .*$", re.MULTILINE)


def said(engine: SimEngine, name: str, target: str, folder: Path) -> list[str]:
    """The lines that a run prints of a scenario."""
    folder.mkdir()
    scenario = scenario_in(ROOT / "scenarios" / f"{name}.yaml")
    job = Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=load_target(target),
        folder=folder,
    )
    judgement, scene = judge_and_observe(scenario, engine.play_now(job))
    out = io.StringIO()
    console = Console(file=out, highlight=False, soft_wrap=True)
    console.print(one_line(judgement))
    console.print(details(judgement, scene))
    return out.getvalue().splitlines()


def test_the_readme_shows_what_is_printed(simulation: SimEngine, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = [
        line
        for number, (name, target) in enumerate(
            [
                ("auth_blackhole_50s", "reference"),
                ("billing_refused_50s", "reference"),
                ("auth_blackhole_50s", "naive"),
            ]
        )
        for line in said(simulation, name, target, tmp_path / str(number))
    ]
    shown = [line for block in text.split("```")[1::2] for line in _SHOWN.findall(block)]
    assert len(shown) > 15
    for line in shown:
        told = line.removesuffix("...").rstrip()
        assert any(each.startswith(told) for each in printed), line
