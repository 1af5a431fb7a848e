"""A forecast as lanes of text: what is broken, which breaker is open, what is answered, in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from harness.contract.forecast import NO_ANSWER, Answers, Forecast
from harness.lanes import Lane, Scale
from harness.scenario.model import Scenario


def picture(scenario: Scenario, forecast: Forecast, *, columns: int) -> tuple[Lane, ...]:
    """All lanes, each `columns` wide: the axis, faults, breakers that open, streams."""
    scale = Scale(scenario.duration, columns)
    return (scale.axis(), *planned(forecast.placed(scenario), scale), *predicted(forecast, scale))


def predicted(forecast: Forecast, scale: Scale) -> Iterator[Lane]:
    """The lanes of what the contract says: breakers that open, and streams."""
    for name, found in forecast.upstreams.items():
        if found.open_spells:
            yield scale.breaker(f"{name} breaker", found.open_spells)
    for name, parts in forecast.answers.items():
        yield scale.answers(name, _answered(parts))


def planned(scenario: Scenario, scale: Scale) -> Iterator[Lane]:
    """The lanes of what is to be broken, and when."""
    labels: dict[int, str] = {}
    spells: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for index, fault in enumerate(scenario.faults):
        number = scenario.number_of(index)
        labels[number] = f"{fault.fault} {fault.subject}"
        spells[number].append((fault.from_, scenario.fault_end_s(index)))
    for number, label in labels.items():
        yield scale.fault(label, *spells[number])


def _answered(parts: tuple[Answers, ...]) -> Iterator[tuple[float, str]]:
    for part in parts:
        kinds = {"x" if s == NO_ANSWER else str(s)[0] for s in part.statuses}
        mark = kinds.pop() if len(kinds) == 1 else "?"
        between_s = (part.to_s - part.from_s) / max(1, part.last - part.first)
        for k in range(part.last - part.first + 1):
            yield part.from_s + k * between_s, mark
