"""`outage doctor`: what this machine can run, and the one thing to do about the rest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.target import Target


@click.command(epilog="Exit status: 0 when scenarios can be played here, else 1.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--target",
    "target_name",
    metavar="FILE|reference|naive",
    help="Say instead whether the simulation can be trusted with this gateway; in real time, "
    "whether it answers, where it can't be simulated.",
)
@click.option("--seed", type=click.IntRange(0, 2**63), default=0, show_default=True)
@click.option(
    "--install",
    type=click.Choice(["toxiproxy"]),
    help="Build the real Toxiproxy with Go, for this user alone.",
)
def doctor(as_json: bool, target_name: str | None, seed: int, install: str | None) -> None:
    r"""Say for each engine and proxy whether this machine can run it.

    With --target: plays one seed twice in the simulation, and names the first difference and every
    clock, thread or socket that escaped. What can't be simulated is played once in real time, with
    nothing wrong: what its requests are answered, and whom they call.

    \b
    outage doctor
    outage doctor --install toxiproxy
    outage doctor --target my-gateway.yaml
    """
    if target_name is not None:
        sys.exit(_trust(target_name, seed))
    from harness.machine.diagnosis import diagnose

    if install is not None:
        from harness.toxiproxy.locate import install_toxiproxy

        install_toxiproxy(lambda line: click.echo(line, err=True))
    findings = diagnose()
    if as_json:
        import json

        from msgspec.structs import asdict

        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        wide = max(len(finding.name) for finding in findings)
        for finding in findings:
            sign = click.style("yes", fg="green") if finding.able else click.style("no ", fg="red")
            click.echo(f"{sign}  {finding.name:{wide}}  {finding.found}")
            if not finding.able and finding.remedy:
                click.echo(f"     {'':{wide}}  -> {finding.remedy}")
    sys.exit(0 if all(finding.able for finding in findings if finding.needed) else 1)


def _trust(target_name: str, seed: int) -> int:
    """Say whether the simulation can be trusted with a target; the exit status."""
    from harness.engines.base import Job
    from harness.engines.sim.determinism import check_determinism
    from harness.engines.sim.plans import unsimulated
    from harness.errors import UsageError
    from harness.machine import belongings
    from harness.scenario.loader import parse_scenario
    from harness.scenario.template import scenario_text
    from harness.target.loading import load_target
    from harness.timeline import compile_timeline

    target = load_target(target_name)
    names = target.upstream_names
    if not names:
        raise UsageError(f"{target.name} has no upstream, and no outage to be played twice")
    if (why := unsimulated(target)) is not None:
        return _in_real_time(target, why, seed)
    upstream = next((name for name in names if target.calling(name, surely=True)), names[0])
    text = scenario_text(target, upstream=upstream, fault="status", for_s=50.0, schema="")
    scenario = parse_scenario(text, "trust.yaml", target=target)
    with belongings.folder() as folder:
        job = Job(
            scenario=scenario,
            timeline=compile_timeline(scenario),
            target=target,
            seed=seed,
            folder=folder,
        )
        found = check_determinism(job)
    for line in found.lines():
        click.echo(line)
    return 0 if found.trustworthy else 1


def _in_real_time(target: Target, why: str, seed: int) -> int:
    """Say what can be said of a target that can't be simulated; the exit status."""
    import asyncio

    from harness.explore.checkup import check_up

    click.echo(
        f"{target.name} can't be simulated: {why}. Left out: whether one seed plays the same "
        "twice, and what escapes it. In real time, with nothing wrong:"
    )
    found = asyncio.run(check_up(target, seed=seed))
    for sentences, sign, colour in ((found.well, "yes", "green"), (found.amiss, "no ", "red")):
        for sentence in sentences:
            click.echo(f"{click.style(sign, fg=colour)}  {sentence}")
    for remark in found.remarks:
        click.echo(f"note: {remark}")
    if not found.amiss:
        click.echo("Scenarios can be played on it: outage run --engine local")
    return 1 if found.amiss else 0
