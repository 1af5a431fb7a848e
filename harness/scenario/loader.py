"""Scenario files, loaded: typed and validated, or refused with every problem and its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contracts import bundled_upstreams, bundled_users
from harness.errors import InvalidFile, Problem
from harness.scenario.located import Items, Mapping, Node, Scalar
from harness.scenario.matrix import Combination, combinations, written
from harness.scenario.model import Scenario
from harness.scenario.names import Misfits, Names
from harness.scenario.naming import each_named
from harness.scenario.reading import Check, Mistaken, read_file, read_model
from harness.scenario.stub_names import stub_names, stub_routes_of
from harness.scenario.validation import check_scenario

if TYPE_CHECKING:
    from harness.target import Target

# What takes the place of a key that is missing or wrong, so that the rest can be judged; `*` is
# whatever lies between.
_STAND_INS = {
    "title": "'-'",
    "duration": "24h",
    "traffic": "{stand_in: {request: GET /, rate: 1/h}}",
    "traffic.*.rate": "1/h",
    "traffic.*.request": "GET /",
}

ALL = "all"
"""Every upstream of the target, in a fault; one that has this name is meant itself."""

_TARGET = Mistaken(
    keys=frozenset({"start", "url", "upstreams"}),
    message="is a target file, not a scenario; name it with --target",
)


def load_scenario(
    path: str | Path,
    *,
    target: Target | None = None,
    playable: bool = True,
    checked: bool = False,
) -> Scenario:
    """The scenario of a file, named for its stem; `file` is the path as given.

    A `target` adds its own upstreams and users to the names that the scenario may use. Faults that
    none of its real services can play are problems, too, unless it need not be `playable`. A copy
    that was `checked` when it was made may use any.

    Raises: UsageError when the file can't be read, InvalidFile with all of its problems.
    """
    data = read_file(Path(path))
    return parse_scenario(data, str(path), target=target, playable=playable, checked=checked)


def load_each(
    path: str | Path,
    *,
    target: Target | None = None,
    playable: bool = True,
    checked: bool = False,
) -> tuple[Scenario, ...]:
    """The scenarios of a file: one, or one for each combination of its `matrix`.

    Raises: UsageError when the file can't be read, InvalidFile with all of its problems.
    """
    data, file = read_file(Path(path)), str(path)
    found, spots = combinations(data)
    if spots:
        raise InvalidFile([Problem(file=file, line=line, message=text) for line, text in spots])
    if not found:
        whole = parse_scenario(data, file, target=target, playable=playable, checked=checked)
        return (whole,)
    check, everybody = _checking(target, playable, checked), _everybody(target)
    scenarios: list[Scenario] = []
    wrong: dict[Problem, list[str]] = {}
    for one in found:
        try:
            scenarios.append(_read(data, file, check, everybody, one))
        except InvalidFile as error:
            for problem in error.problems:
                wrong.setdefault(problem, []).append(one.label)
    if wrong:
        raise InvalidFile([_of_some(each, wrong[each], len(found)) for each in wrong])
    return tuple(scenarios)


def _of_some(problem: Problem, labels: list[str], many: int) -> Problem:
    """A problem, with the combinations that have it where not all do."""
    if len(labels) == many:
        return problem
    told = ", ".join(labels[:4]) + (f" and {len(labels) - 4} more" if len(labels) > 4 else "")
    return replace(problem, message=f"{problem.message} (in the combination {told})")


def load_scenarios(
    paths: Iterable[str | Path], *, target: Target | None = None, playable: bool = True
) -> tuple[Scenario, ...]:
    """The scenarios of several files, in order, with names that are unique among them.

    Raises: UsageError when a file can't be read, InvalidFile with the problems of all files.
    """
    return each_named(
        paths,
        partial(load_each, target=target, playable=playable),
        lambda scenario, name: scenario.model_copy(update={"name": name}),
    )


def parse_scenario(
    data: bytes | str,
    file: str,
    *,
    target: Target | None = None,
    playable: bool = True,
    checked: bool = False,
) -> Scenario:
    """The scenario of a text, as if it stood in `file`.

    Raises: InvalidFile with all of its problems.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    found, _ = combinations(data)
    if found:
        told = f"holds {len(found)} scenarios by its `matrix`, where one is wanted"
        raise InvalidFile([Problem(file=file, line=0, message=told)])
    return _read(data, file, _checking(target, playable, checked), _everybody(target))


def _checking(target: Target | None, playable: bool, checked: bool) -> Check[Scenario]:
    """What looks at a scenario as a whole; nothing where that was done already."""
    return (lambda *_: ()) if checked else partial(_check, target, playable)


def _everybody(target: Target | None) -> tuple[str, ...]:
    """Whom `upstream: all` means."""
    return bundled_upstreams() if target is None else target.upstream_names


def _read(
    data: bytes,
    file: str,
    check: Check[Scenario],
    everybody: tuple[str, ...],
    combination: Combination | None = None,
) -> Scenario:
    """The scenario of a file, or of one combination of its matrix."""
    texts: list[str] = []
    of_all: set[int] = set()

    def prepare(root: Mapping) -> None:
        if combination is not None:
            combination.into(root)
            texts.append(written(root))
        of_all.update(_name_all(root, everybody))

    scenario, line_of = read_model(
        data,
        file,
        Scenario,
        what="a scenario",
        stand_ins=_STAND_INS,
        check=check,
        mistaken=_TARGET,
        prepare=prepare,
    )
    faults = tuple(
        fault.of_everybody() if scenario.number_of(index) in of_all else fault
        for index, fault in enumerate(scenario.faults)
    )
    lines = tuple(line_of(("expect", index)) for index in range(len(scenario.expect)))
    name = Path(file).stem
    return scenario.model_copy(
        update={
            "name": name if combination is None else f"{name}-{combination.label}",
            "combination": "" if combination is None else combination.label,
            "text": texts[0] if texts else None,
            "file": file,
            "expect_lines": lines,
            "faults": faults,
        }
    )


def _name_all(root: Mapping, everybody: tuple[str, ...]) -> Iterator[int]:
    """Put the names of all upstreams where a fault says `upstream: all`; the numbers (from 1) of
    these faults.
    """
    if ALL in everybody:
        return
    entry = root.entries.get("faults")
    faults = entry.node.nodes if entry is not None and isinstance(entry.node, Items) else []
    for number, fault in enumerate(faults, start=1):
        said = fault.entries.get("upstream") if isinstance(fault, Mapping) else None
        node = None if said is None else said.node
        if said is not None and isinstance(node, Scalar) and node.text == ALL:
            names: list[Node] = [Scalar(node.line, name, name) for name in everybody]
            said.node = Items(node.line, names)
            yield number


def _check(
    target: Target | None, playable: bool, scenario: Scenario, dropped: frozenset[str] | None
) -> Misfits:
    if target is None:
        upstreams, users = dict.fromkeys(bundled_upstreams()), dict.fromkeys(bundled_users())
    else:
        ours = (*target.contract.upstreams, *target.upstream_names, *target.stubs, *target.real)
        upstreams = dict.fromkeys(ours)
        users = dict.fromkeys((*target.contract.users, *target.user_ids))
    real = tuple(target.real) if target is not None and playable else ()
    tcp = target.tcp_upstreams if target is not None and playable else ()
    names = Names(
        upstreams=tuple(upstreams),
        users=tuple(users),
        real=real,
        tcp=tcp,
        tls=target.tls if target is not None and playable else None,
        routes=cache(partial(_routes, target)),
        dropped=dropped,
    )
    return check_scenario(scenario, names)


def _routes(target: Target | None, upstream: str) -> tuple[str, ...] | None:
    """What a stub answers to; None for a real service, and for one that nobody has described."""
    given = () if target is None else target.stub_routes(upstream)
    played = given or upstream in stub_names()
    if (target is not None and upstream in target.real) or not played:
        return None
    return (*(route.route for route in given), *stub_routes_of(upstream))
