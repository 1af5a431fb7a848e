"""What is wrong with a scenario as a whole, though each part of it is well formed."""

from __future__ import annotations

from harness.scenario.expectation_checks import check_expectations
from harness.scenario.fault_checks import check_faults
from harness.scenario.model import Scenario
from harness.scenario.names import Misfits, Names
from harness.scenario.traffic_checks import MOST_REQUESTS, check_traffic, planned


def check_scenario(scenario: Scenario, names: Names) -> Misfits:
    """Every misfit of a scenario, by the path of its place in the file."""
    yield from check_traffic(scenario, names)
    yield from check_faults(scenario, names)
    if planned(scenario) <= MOST_REQUESTS:  # else going through them would take for ever
        yield from check_expectations(scenario, names)
