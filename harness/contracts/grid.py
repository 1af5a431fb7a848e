"""Routes by upstreams by kinds of fault: which a set of scenarios exercises, and which none does.

A scenario exercises a cell when requests of the route leave while a fault of that kind is in force
on an upstream that the route calls. Calls that the contract names are cells: where a route calls
nobody, nothing can be exercised. Of a route that the contract doesn't have nobody knows what it
calls: cells are the upstreams that a scenario broke while it was asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from harness.contracts.model import Contract
from harness.contracts.routes import ContractRoute
from harness.frozen import Frozen
from harness.scenario.faults import KINDS
from harness.scenario.model import Scenario


class Cell(Frozen, kw_only=True):
    """A route, an upstream that it calls, and a kind of fault."""

    route: str
    """As the contract names it: `POST /orders`."""
    upstream: str
    fault: str
    scenarios: tuple[str, ...]
    """The names of those that exercise it."""


def grid(
    contract: Contract, scenarios: Sequence[Scenario], upstreams: Collection[str]
) -> tuple[Cell, ...]:
    """Every cell of a target with these upstreams.

    In the order of the contract's routes and their calls, then of the scenarios' streams.
    """
    exercised: dict[tuple[str, str, str], dict[str, None]] = {}
    for scenario in scenarios:
        for where in _exercised(contract, scenario):
            exercised.setdefault(where, {})[scenario.name] = None
    pairs = {
        (route.request, upstream): None
        for route in contract.routes.values()
        for upstream in _called(route)
        if upstream in upstreams
    } | {(route, upstream): None for route, upstream, _ in exercised}
    kinds = [kind.name for kind in KINDS.values() if kind.where != "target"]
    return tuple(
        Cell(
            route=route,
            upstream=upstream,
            fault=fault,
            scenarios=tuple(exercised.get((route, upstream, fault), ())),
        )
        for route, upstream in pairs
        for fault in kinds
    )


def strange_routes(contract: Contract, scenarios: Iterable[Scenario]) -> tuple[str, ...]:
    """The routes that scenarios ask and the contract doesn't have."""
    asked = (stream.request for scenario in scenarios for stream in scenario.traffic.values())
    return tuple(dict.fromkeys(each for each in asked if contract.route_of(each) is None))


def _called(route: ContractRoute) -> dict[str, None]:
    return dict.fromkeys(step.call.split()[0] for step in route.calls)


def _exercised(contract: Contract, scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    for stream in scenario.traffic.values():
        route = contract.route_of(stream.request)
        for index, fault in enumerate(scenario.faults):
            end_s = scenario.fault_end_s(index)
            if stream.sends_within(fault.from_, end_s, scenario.duration):
                for upstream in fault.upstreams:
                    if route is None:
                        yield stream.request, upstream, fault.fault
                    elif upstream in _called(route):
                        yield route.request, upstream, fault.fault
