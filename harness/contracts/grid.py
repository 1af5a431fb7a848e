"""Routes by upstreams by kinds of fault: which a set of scenarios exercises, and which none does.

A scenario exercises a cell when requests of the route leave while a fault of that kind is in force
on an upstream that the route calls. Only calls that the contract names are cells: where a route
calls nobody, nothing can be exercised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.contracts.model import Contract
from harness.scenario.faults import KINDS
from harness.scenario.model import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A route, an upstream that it calls, and a kind of fault."""

    route: str
    """As the contract names it: `POST /orders`."""
    upstream: str
    fault: str
    scenarios: tuple[str, ...]
    """The names of those that exercise it."""


def grid(contract: Contract, scenarios: Iterable[Scenario]) -> tuple[Cell, ...]:
    """Every cell, in the order of the contract's routes and their calls."""
    exercised: dict[tuple[str, str, str], dict[str, None]] = {}
    for scenario in scenarios:
        for where in _exercised(contract, scenario):
            exercised.setdefault(where, {})[scenario.name] = None
    kinds = [kind.name for kind in KINDS.values() if kind.where != "target"]
    return tuple(
        Cell(
            route=route.request,
            upstream=upstream,
            fault=fault,
            scenarios=tuple(exercised.get((route.request, upstream, fault), ())),
        )
        for route in contract.routes.values()
        for upstream in dict.fromkeys(step.call.split()[0] for step in route.calls)
        for fault in kinds
    )


def _exercised(contract: Contract, scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    for stream in scenario.traffic.values():
        route = contract.route_of(stream.request)
        if route is None:
            continue
        called = {step.call.split()[0] for step in route.calls}
        for index, fault in enumerate(scenario.faults):
            end_s = scenario.fault_end_s(index)
            if stream.sends_within(fault.from_, end_s, scenario.duration):
                for upstream in called.intersection(fault.upstreams):
                    yield route.request, upstream, fault.fault
