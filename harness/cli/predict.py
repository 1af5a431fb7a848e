"""`outage predict`: what the contract says will happen, computed, for one reading or all."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from harness.contract import Forecast
    from harness.contracts import Contract
    from harness.policy.settings import ServiceSettings
    from harness.scenario.model import Scenario
    from harness.target import Target

Calls = Mapping[str, tuple[str, ...]]


class Readings(NamedTuple):
    """A contract, and settings by upstream for each reading of it."""

    contract: Contract
    settings: dict[str, Mapping[str, ServiceSettings]]


@click.command(no_args_is_help=True)
@click.argument("paths", nargs=-1, required=True, metavar="SCENARIO...")
@click.option(
    "--profile",
    metavar="NAME|all",
    help="A reading of the contract (its first is the default); all shows them side by side.",
)
@click.option("--target", metavar="FILE", help="The settings of a target file, instead.")
@click.option(
    "--calls",
    multiple=True,
    metavar="STREAM=UPSTREAM,...",
    help="What a stream's requests call, in order, where its route isn't the contract's.",
)
@click.option("--as", "form", type=click.Choice(("table", "yaml", "json")), default="table")
@click.option("--json", "as_json", is_flag=True, help="The same as --as json.")
def predict(
    paths: tuple[str, ...],
    profile: str | None,
    target: str | None,
    calls: tuple[str, ...],
    form: str,
    as_json: bool,
) -> None:
    r"""Show what the contract says of scenarios: when breakers open, probe and close, who is
    answered what, and what is charged. Nothing is run.

    \b
    outage predict auth_blackhole_50s                the documented settings
    outage predict auth_blackhole_50s --profile all  the document's readings side by side
    outage predict my.yaml --target my-gateway.yaml  your gateway's own settings
    outage predict my.yaml --as yaml                 as expectations, to be pasted
    outage predict my.yaml --target my-gateway.yaml --calls pay=payments,mail
    """
    from harness.bundled import find_scenarios
    from harness.printable import in_line
    from harness.scenario.loader import load_scenarios

    if profile is not None and target is not None:
        raise click.UsageError("--profile and --target exclude each other")
    loaded = None if target is None else _loaded(target)
    readings = _readings(profile, loaded)
    form = "json" if as_json else form
    scenarios = load_scenarios(find_scenarios(paths), target=loaded)
    show = {"table": _show_tables, "yaml": _show_yaml, "json": _show_json}[form]
    known = {name for settings in readings.settings.values() for name in settings}
    show(scenarios, readings, _called(calls, scenarios, known))
    if loaded is not None and (left_out := _left_out(loaded)):
        name, claims = in_line(loaded.name), ", ".join(left_out)
        said = f"note: {name} does without {claims}: of that the contract is predicted, not {name}"
        click.echo(said, err=True)
    for said in () if loaded is None else _assumed(loaded):
        click.echo(f"note: {in_line(said)}", err=True)


_OPENINGS = {"rule", "threshold", "rate", "breaker"}
"""Keys of a policy that say when its breaker opens."""


def _assumed(target: Target) -> Iterator[str]:
    """Of upstreams whose breaker nobody declares: that a default stands in its place."""
    for name in target.upstream_names:
        said = (target.breakers.get(name), target.contract.upstreams.get(name))
        if not any(own is not None and own.model_fields_set & _OPENINGS for own in said):
            opens = target.settings(name).breaker.opens.says
            yield f"nobody declares when the breaker of {name} opens: {opens} is assumed"


def _loaded(target: str) -> Target:
    from harness.target.loading import load_target

    return load_target(target)


def _left_out(target: Target) -> list[str]:
    """What a target doesn't promise of what policies say."""
    from harness.contracts.promises import OF_POLICIES, parted

    of_policies = {*OF_POLICIES, *target.contract.claims_of(*OF_POLICIES)}
    return [text for text in target.without if parted(text)[0] in of_policies]


def _called(
    said: Sequence[str], scenarios: Sequence[Scenario], known: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """By stream, the upstreams that it calls.

    Raises: UsageError for a stream or an upstream that nobody knows.
    """
    from harness.errors import UsageError
    from harness.scenario.spelling import not_known

    streams = {name for scenario in scenarios for name in scenario.traffic}
    found = {}
    for text in said:
        stream, _, names = text.partition("=")
        upstreams = tuple(name.strip() for name in names.split(",") if name.strip())
        if not upstreams:
            raise UsageError(f"--calls {text}: expected STREAM=UPSTREAM, such as pay=payments,mail")
        if stream not in streams:
            raise UsageError(f"--calls {text}: {not_known('stream', stream, sorted(streams))}")
        for name in upstreams:
            if name not in known:
                raise UsageError(f"--calls {text}: {not_known('upstream', name, sorted(known))}")
        found[stream] = upstreams
    return found


def _readings(profile: str | None, target: Target | None) -> Readings:
    """Settings by upstream, by the reading's name.

    Raises: UsageError for a reading that the contract doesn't have.
    """
    from harness.contracts import document
    from harness.errors import UsageError
    from harness.scenario.spelling import not_known

    if target is not None:
        own = {name: target.settings(name) for name in target.upstream_names}
        return Readings(target.contract, {target.name: own})
    contract = document()
    names = contract.readings
    if profile is not None and profile not in ("all", *names):
        raise UsageError(f"--profile: {not_known('reading', profile, (*names, 'all'))}")
    wanted = names if profile == "all" else (profile or names[0],)
    return Readings(contract, {name: contract.profile(name) for name in wanted})


def _forecasts(scenario: Scenario, readings: Readings, calls: Calls) -> dict[str, Forecast]:
    from harness.contract.prediction import predict as compute

    own = {stream: names for stream, names in calls.items() if stream in scenario.traffic}
    contract = readings.contract
    return {
        name: compute(scenario, settings, contract=contract, calls=own)
        for name, settings in readings.settings.items()
    }


def _show_json(scenarios: Sequence[Scenario], readings: Readings, calls: Calls) -> None:
    from harness.report.forecasts import forecast_json

    shown = [
        {"name": scenario.name, "reading": name, **forecast_json(scenario, forecast)}
        for scenario in scenarios
        for name, forecast in _forecasts(scenario, readings, calls).items()
    ]
    click.echo(json.dumps({"predictions": shown}, indent=2, ensure_ascii=False))


def _show_yaml(scenarios: Sequence[Scenario], readings: Readings, calls: Calls) -> None:
    from harness.contract.pasting import expectations
    from harness.printable import in_line

    for scenario in scenarios:
        for name, forecast in _forecasts(scenario, readings, calls).items():
            click.echo(f"# {in_line(scenario.name)}, as {name}")
            click.echo(expectations(scenario, forecast), nl=False)


def _show_tables(scenarios: Sequence[Scenario], readings: Readings, calls: Calls) -> None:
    from rich.console import Console

    from harness.report.forecasts import print_forecasts

    console = Console(highlight=False)
    for index, scenario in enumerate(scenarios):
        if index:
            console.print()
        print_forecasts(console, scenario, _forecasts(scenario, readings, calls))
