"""`outage init`: from an application to a target, a contract and a first scenario that passes."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from harness.init.planning import Plan
    from harness.measure.measuring import Measured
    from harness.target import Target

_REFUSED = tuple(f"answered {status}" for status in (400, 404, 415, 422))
"""What is wrong may be how it was asked."""
_RETRIES = 2
"""So often it is played again where only the machine was in the way."""


@click.command(
    epilog="Exit status: that of the first scenario (0 when it passed), 2 for wrong usage, files "
    "that are there already or an application that isn't understood, 4 for one that can't be "
    "started. Nothing is written before it was tried out, and nothing is asked."
)
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path()
)
@click.option(
    "--start", default="", metavar="COMMAND", help="How it is started; {port} is its port."
)
@click.option(
    "--upstream", "upstreams", multiple=True, metavar="VARIABLE=NAME",
    help="An upstream, and the environment variable that holds its address.",
)  # fmt: skip
@click.option(
    "--route", "routes", multiple=True, metavar="REQUEST",
    help="What it can be asked, instead of what its code says: GET /price, or POST /orders and "
    "JSON.",
)  # fmt: skip
@click.option(
    "--openapi",
    metavar="FILE|URL",
    help="The same from its OpenAPI file, or from where a running one serves it; one that is "
    "started and serves /openapi.json is asked for it.",
)
@click.option(
    "--allow-remote", is_flag=True, help="Let the URL of --openapi be beyond this machine."
)
@click.option(
    "--answer", "answers", multiple=True, metavar="'NAME JSON'",
    help="What an upstream answers when all is well: 'payments {\"paid\": true}'.",
)  # fmt: skip
@click.option("--ready", default="", metavar="REQUEST", help="What it answers when it is ready.")
@click.option(
    "--no-measure", is_flag=True, help="Don't look for its breakers: a minute or two less."
)
@click.option(
    "--longest-wait", default="60s", show_default=True, metavar="DURATION",
    help="In real time: the longest that a breaker may stay open to be measured.",
)  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Say only what was written, and the verdict.")
def init(
    folder: Path,
    start: str,
    upstreams: tuple[str, ...],
    routes: tuple[str, ...],
    openapi: str | None,
    allow_remote: bool,
    answers: tuple[str, ...],
    ready: str,
    no_measure: bool,
    longest_wait: str,
    quiet: bool,
) -> None:
    r"""Read an application, try it out, and write outage/: a target, a contract, a first scenario.

    Its start, port, upstreams, routes and their answers are guessed from its code (Flask, FastAPI,
    Starlette, Django, Node, Go), and said; each can be given by an option. What it does at its
    upstreams is measured: in the simulation where that can be, else in real time. Then the scenario
    is played.

    \b
    outage init
    outage init shop --upstream PAYMENTS_URL=payments --route 'POST /orders {"item": 3}'
    outage init --start './gateway -p {port}' --openapi api.yaml
    outage init --openapi http://127.0.0.1:8000/openapi.json
    """
    from harness.errors import UsageError
    from harness.init.description import description
    from harness.init.planning import Options, plan_of
    from harness.measure.writing import left_out

    place = folder / "outage"
    if place.exists():
        raise UsageError(
            f"{place} is there already, and nothing is written over; move it away first"
        )
    told = None if openapi is None else description(openapi, allow_remote=allow_remote)
    plan = plan_of(
        folder,
        Options(
            start=start, upstreams=upstreams, routes=routes, openapi=told, answers=answers,
            ready=ready,
        ),
    )  # fmt: skip
    tell = _silent if quiet else _say
    if plan.application.kind == "FastAPI" and not routes and openapi is None:
        _ask_itself(plan, tell)
    if not plan.streams:
        raise UsageError("nothing to ask it was found in its code; say --route 'GET /price'")
    for note in plan.notes:
        tell(note)
    measured = _tried(plan, tell)
    tried = _measured(plan, measured, longest_wait, tell) if not no_measure else None
    for request, why in left_out(tried or measured):
        if request not in measured.known.missing:  # else it has been said
            tell(f"left out of the contract: {request}: {why}")
    _write(place, plan, tried or measured, is_measured=tried is not None)
    sys.exit(_play(place, simulated=_can_simulate(plan, tried), quiet=quiet))


def _say(line: str) -> None:
    click.echo(line, err=True)


def _silent(_: str) -> None:
    """Nobody wants to know."""


def _ask_itself(plan: Plan, tell: Any) -> None:
    """Routes from the document that the running application serves, where it does."""
    from harness.init.application import with_bodies
    from harness.init.trial import own_description
    from harness.openapi.document import parse_document
    from harness.openapi.requests import named, requests_of

    tell("starting it, and asking for its /openapi.json")
    said = asyncio.run(own_description(plan.target()))
    if said is None:
        return
    found, left_out = requests_of(parse_document(json.dumps(said).encode(), "/openapi.json"))
    plan.notes += [f"left out: {why}" for why in left_out]
    asked = [one for one in found if one["request"] != plan.ready]
    asked = with_bodies(asked, plan.application.body)  # what it reads by itself it doesn't describe
    if asked:
        plan.streams = named(asked)
        plan.notes.append("what it can be asked, by its own /openapi.json (--route, --openapi)")


_MORE = "; say all that it can be asked, one --route 'GET /...' for each"


def _tried(plan: Plan, tell: Any) -> Measured:
    """What is answered well when nothing is wrong, and calls somebody.

    Raises: UsageError where nothing does, with what was seen.
    """
    from harness.errors import UsageError
    from harness.init.trial import try_out

    tell(f"trying {', '.join(one['request'] for one in plan.streams.values())}")
    streams = {name: {"healthy": "200..299"} | stream for name, stream in plan.streams.items()}
    measured = asyncio.run(try_out(plan.target(), streams))
    for request, why in measured.known.missing.items():
        say = _advice(plan, request, why)
        tell(f"left out: {request}: {why}, although nothing is wrong{say}")
    called = {name for route in measured.known.routes for name in route.upstreams}
    if not called:
        seen = "; ".join(f"{r}: {why}" for r, why in measured.known.missing.items())
        seen = seen or "what it answers well calls no upstream"
        name = next(iter(plan.answers))
        raise UsageError(
            f"no outage can be played on it yet: {seen}. Say what it can be asked (--route), what "
            f"an upstream answers (--answer '{name} {{\"key\": 1}}'), or in which variable it is "
            "found (--upstream)"
        )
    for name in [n for n in measured.upstreams if n not in called]:
        tell(f"left out: {name}: nothing that is answered well calls it{_MORE}")
        del measured.upstreams[name]
    for variable in [v for v, name in plan.upstreams.items() if name not in called]:
        del plan.upstreams[variable]
    return measured


def _advice(plan: Plan, request: str, why: str) -> str:
    """Which option may mend what isn't answered well."""
    if why in _REFUSED:
        body = "" if request.startswith(("GET ", "DELETE ")) else ' {"key": 1}'
        return f"; say how it is asked well: --route '{request}{body}'"
    if why.startswith("answered 5"):
        name = next(iter(plan.answers))
        return f"; say what its upstreams answer: --answer '{name} {{\"key\": 1}}'"
    return ""


def _can_simulate(plan: Plan, measured: Measured | None) -> bool:
    """Whether it was measured in the simulation, or may at least be played there."""
    if measured is not None:
        return measured.engine == "sim"
    return bool(plan.application.wsgi or plan.application.asgi)


def _measured(plan: Plan, tried: Measured, longest_wait: str, tell: Any) -> Measured:
    """What it does at its upstreams: in the simulation, where that can be, else in real time."""
    from harness.cli.measure import in_real_time, seconds_of, simulated
    from harness.errors import HarnessError

    streams = {route.name: dict(route.stream) for route in tried.known.routes}
    target = _with_application(plan, streams, _stubs(plan, tried))
    if plan.application.wsgi or plan.application.asgi:
        try:
            found = simulated(target, tell)
            if all(one.attempts or one.unknown for one in found.upstreams.values()):
                return found
        except HarnessError as error:
            tell(f"not in the simulation: {error}")
    return in_real_time(target, seconds_of(longest_wait), tell)


def _stubs(plan: Plan, tried: Measured) -> dict[str, list[dict[str, Any]]]:
    from harness.init.files import stubs_of

    return stubs_of(tried, {name: plan.answers[name] for name in tried.upstreams})


def _with_application(
    plan: Plan, streams: dict[str, dict[str, Any]], stubs: dict[str, list[dict[str, Any]]]
) -> Target:
    plainly = {
        name: {key: value for key, value in one.items() if key != "healthy"}
        for name, one in streams.items()
    }
    target = plan.target(plainly, stubs)
    assert target.start is not None
    places = {"wsgi": plan.application.wsgi, "asgi": plan.application.asgi}
    return target.model_copy(update={"start": target.start.model_copy(update=places)})


def _write(place: Path, plan: Plan, measured: Measured, *, is_measured: bool) -> None:
    from harness.errors import UsageError
    from harness.init.files import CONTRACT, TARGET, scenario_text, target_text
    from harness.measure.writing import as_contract

    first = next(name for name in measured.upstreams if measured.known.calling(name))
    stubs = _stubs(plan, measured)
    texts = {
        CONTRACT: as_contract(measured, plan.upstreams, tried_only=not is_measured),
        TARGET: target_text(
            plan.name, plan.application, ready=plan.ready, upstreams=plan.upstreams, stubs=stubs,
            measured=measured if is_measured else None,
        ),
        f"scenarios/{first}_down.yaml": scenario_text(measured, first),
    }  # fmt: skip
    try:
        (place / "scenarios").mkdir(parents=True)
        for name, text in texts.items():
            with (place / name).open("x", encoding="utf-8") as file:
                file.write(text)
            click.echo(f"wrote {place / name}")
    except OSError as error:
        raise UsageError(f"{place} can't be written: {error.strerror}") from error


def _play(place: Path, *, simulated: bool, quiet: bool) -> int:
    """Play the scenario that was written."""
    from harness.cli.session import Session
    from harness.engines.local.engine import LocalEngine
    from harness.engines.sim.engine import SimEngine
    from harness.scenario.loader import load_scenarios
    from harness.target.loading import load_target

    target = load_target(str(place / "target.yaml"))
    scenarios = load_scenarios(sorted((place / "scenarios").iterdir()), target=target)
    engine = SimEngine() if simulated else LocalEngine()
    session = Session(
        engine=engine, target=target, jobs=None, retries=_RETRIES, seed=0, report=None, quiet=quiet
    )
    status = session.run(scenarios)
    flag = " --engine sim" if simulated else ""
    click.echo(f"play it: outage run {place}/scenarios --target {place}/target.yaml{flag}")
    return status
