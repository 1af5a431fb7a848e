"""The bundled scenarios, read once a process: most tests play them, or look at them as a whole."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from harness.bundled import bundled_scenarios
from harness.scenario.loader import load_scenario
from harness.scenario.model import Scenario


@cache
def scenario_in(path: Path) -> Scenario:
    """The scenario of a file; its path says whether it was read before."""
    return load_scenario(path)


@cache
def scenarios() -> tuple[Scenario, ...]:
    return tuple(map(scenario_in, bundled_scenarios()))
