"""`outage list`: what scenarios there are, and what stands behind each claim of the contract."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.contracts import Contract
    from harness.contracts.grid import Cell
    from harness.scenario.model import Scenario
    from harness.scenario.outlines import Outline

_WIDTH = 100


@click.command()
@click.argument("paths", nargs=-1, metavar="[SCENARIO|FOLDER]...")
@click.option(
    "--claims",
    "by_claim",
    is_flag=True,
    help="Each claim of the contract: which scenarios assert it, which known defects break it.",
)
@click.option(
    "--grid",
    is_flag=True,
    help="Routes by upstreams by kinds of fault: what no scenario exercises.",
)
@click.option(
    "--target", "target_name", metavar="FILE", help="Of this target's contract and upstreams."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--only", metavar="TEXT", multiple=True, help="Those with this in their name.")
def list_scenarios(
    paths: tuple[str, ...],
    by_claim: bool,
    grid: bool,
    target_name: str | None,
    form: str,
    as_json: bool,
    only: tuple[str, ...],
) -> None:
    r"""Show scenarios: name, duration, claims, title; the bundled ones if none are named.

    \b
    outage list
    outage list my_scenarios/ --format json
    outage list --claims
    outage list my_scenarios/ --grid
    """
    from harness.bundled import find_scenarios, scenarios_for
    from harness.scenario.naming import named
    from harness.scenario.outlines import Outlines, outline_of, outlines

    in_json = as_json or form == "json"
    if target_name is None and not (by_claim or grid):
        known = Outlines()
        try:
            found = outlines(find_scenarios(paths), known)
        finally:
            known.keep()
        _scenarios(named(found, only), as_json=in_json)
        return
    from harness.contracts import document
    from harness.scenario.loader import load_scenarios

    if target_name is None:
        scenarios, contract = load_scenarios(find_scenarios(paths)), document()
        upstreams: Collection[str] = contract.upstreams
    else:
        from harness.target.loading import load_target

        target = load_target(target_name)
        scenarios = load_scenarios(scenarios_for(paths, target), target=target)
        contract, upstreams = target.contract, target.upstream_names
    scenarios = named(scenarios, only)
    if by_claim:
        _claims(scenarios, contract, as_json=in_json)
    elif grid:
        _grid(scenarios, contract, upstreams, as_json=in_json)
    else:
        _scenarios([outline_of(scenario) for scenario in scenarios], as_json=in_json)


def _scenarios(scenarios: Sequence[Outline], *, as_json: bool) -> None:
    from harness.printable import in_line
    from harness.units import format_duration

    if as_json:
        import json

        rows = [
            {
                "name": scenario.name,
                "file": scenario.file,
                "title": scenario.title,
                "claims": list(scenario.all_claims),
                "duration_s": scenario.duration_s,
                "upstreams": list(scenario.upstreams),
                "replays": scenario.replays,
            }
            for scenario in scenarios
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    wide = max(len(scenario.name) for scenario in scenarios)
    for scenario in scenarios:
        lasts = format_duration(scenario.duration_s)
        claims = ",".join(scenario.claims)
        click.echo(in_line(f"{scenario.name:{wide}}  {lasts:>5}  {claims:12}  {scenario.title}"))


def _claims(scenarios: Sequence[Scenario], contract: Contract, *, as_json: bool) -> None:
    from harness.claims import backing
    from harness.printable import in_line

    found = backing(scenarios, contract)
    if as_json:
        import json

        rows = [
            {
                "id": each.claim.id,
                "says": each.claim.says,
                "source": each.claim.source,
                "scenarios": each.scenarios,
                "defects": each.defects,
            }
            | ({"apart": each.claim.apart} if each.claim.apart else {})
            for each in found
        ]
        click.echo(json.dumps({"claims": rows}, indent=2, ensure_ascii=False))
        return
    for each in found:
        click.echo(_wrapped(f"{each.claim.id:<4} ", each.claim.says))
        click.echo(
            _wrapped("     asserted by: ", in_line(", ".join(each.scenarios)) or "no scenario")
        )
        click.echo(_wrapped("     broken by: ", ", ".join(each.defects) or "no known defect"))
        if each.claim.apart:
            click.echo(_wrapped("     apart: ", each.claim.apart))


def _grid(
    scenarios: Sequence[Scenario],
    contract: Contract,
    upstreams: Collection[str],
    *,
    as_json: bool,
) -> None:
    from msgspec.structs import asdict

    from harness.contracts.grid import grid, strange_routes
    from harness.printable import in_line

    cells = grid(contract, scenarios, upstreams)
    if as_json:
        import json

        click.echo(json.dumps({"grid": [asdict(cell) for cell in cells]}, indent=2))
        return
    rows: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        rows.setdefault((cell.route, cell.upstream), []).append(cell)
    for (route, upstream), row in rows.items():
        left = [cell.fault for cell in row if not cell.scenarios]
        said = ", ".join(left) or "nothing: every kind of fault is exercised"
        if len(left) == len(row):
            said = f"all {len(row)} kinds of fault"
        click.echo(_wrapped(f"{route}  {upstream}: ", said))
    done = sum(1 for cell in cells if cell.scenarios)
    click.echo(f"{done} of {len(cells)} exercised; the kinds of fault above are what none has")
    if strange := strange_routes(contract, scenarios):
        told = in_line(", ".join(strange))
        click.echo(
            f"the contract doesn't say what {told} call: only upstreams that a scenario breaks "
            "meanwhile are above; `outage measure --write` finds out the others"
        )


def _wrapped(label: str, text: str) -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent=label, subsequent_indent=" " * 5, break_on_hyphens=False
    )
