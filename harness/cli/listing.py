"""`outage list`: what scenarios there are."""

from __future__ import annotations

import click


@click.command()
@click.argument("paths", nargs=-1, metavar="[SCENARIO|FOLDER]...")
@click.option("--json", "as_json", is_flag=True, help="For programs: name, file, title, ...")
def list_scenarios(paths: tuple[str, ...], as_json: bool) -> None:
    r"""Show scenarios: name, duration, claims, title; the bundled ones if none are named.

    \b
    outage list
    outage list my_scenarios/ --json
    """
    from harness.bundled import find_scenarios
    from harness.printable import in_line
    from harness.scenario.loader import load_scenarios
    from harness.units import format_duration

    scenarios = load_scenarios(find_scenarios(paths))
    if as_json:
        import json

        rows = [
            {
                "name": scenario.name,
                "file": scenario.file,
                "title": scenario.title,
                "claims": list(scenario.all_claims),
                "duration_s": scenario.duration,
                "upstreams": list(scenario.faulted_upstreams),
                "replays": scenario.replays,
            }
            for scenario in scenarios
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    wide = max(len(scenario.name) for scenario in scenarios)
    for scenario in scenarios:
        lasts = format_duration(scenario.duration)
        claims = ",".join(scenario.claims)
        click.echo(in_line(f"{scenario.name:{wide}}  {lasts:>5}  {claims:12}  {scenario.title}"))
