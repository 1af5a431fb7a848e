"""`outage prove`: which expectations can't go red."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.units import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.prove.player import Proof, Prover
    from harness.scenario.model import Scenario

_QUIET_S = 2.0
_LONGEST_QUIET_S = 15.0
_ENOUGH_TO_TELL = 5
"""After so many scenarios it can be said how long the others will take."""


@click.command(
    epilog="Exit status: 0 each expectation failed somewhere, 1 some never did, 2 wrong usage or "
    "an invalid file, 3 nothing could be played."
)
@click.argument("paths", nargs=-1, metavar="[SCENARIO|FOLDER]...")
@click.option(
    "--target",
    "target_name",
    default="reference",
    metavar="FILE|reference",
    show_default=True,
    help="The gateway that is sound; the simulation must be able to play it.",
)
@click.option(
    "--defects",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Defective gateways to try, too; the catalogue's own by default, in the repository.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Try three more defects for each expectation, not all that break a claim of its own.",
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
def prove(
    paths: tuple[str, ...], target_name: str, defects: Path | None, quick: bool, form: str
) -> None:
    r"""Say which expectations no gateway fails: they would pass whatever happens.

    Each scenario (the bundled ones if none are named) is played in the simulation without its
    faults, against a gateway without resilience, and against known defects, until each of its
    expectations has failed once.

    \b
    outage prove my_outage.yaml --target my-gateway.yaml
    outage prove --format json
    """
    from harness.bundled import scenarios_for
    from harness.prove.player import QUICK, Prover
    from harness.prove.variants import find_defects, naive_for
    from harness.report.totals import span
    from harness.scenario.loader import load_scenarios
    from harness.target.loading import load_target

    target = load_target(target_name)
    scenarios = load_scenarios(scenarios_for(paths, target), target=target)
    told = _Told(to_stderr=form == "json")
    known = find_defects(defects, target)
    if not known and naive_for(target) is None:
        click.echo(
            f"played without its faults only: no gateway with mistakes calls what {target.name} "
            "does; --defects DIR has yours",
            err=True,
        )
    prover = Prover(
        target=target,
        defects=known,
        done=told,
        most_others=QUICK if quick else math.inf,
    )
    began_s = time.monotonic()
    proofs = asyncio.run(_watched(prover, scenarios, told))
    took_s = time.monotonic() - began_s
    unprovable = [each for proof in proofs for each in proof.ledger.unprovable()]
    if form == "json":
        click.echo(_json(proofs, prover.plays))
    else:
        count = sum(proof.ledger.count for proof in proofs)
        click.echo(f"{_summary(len(unprovable), count)}; {span(took_s)}")
    if unprovable:
        sys.exit(1)
    sys.exit(0 if any(proof.trouble is None for proof in proofs) else 3)


def _summary(unprovable: int, count: int) -> str:
    if not count:
        return "nothing was judged"
    if unprovable:
        return f"{unprovable} of {plural(count, 'expectation')} failed on no gateway tried"
    return f"each of {plural(count, 'expectation')} failed on some gateway"


class _Told:
    """Tells of each scenario as it is done."""

    def __init__(self, *, to_stderr: bool) -> None:
        self._to_stderr = to_stderr
        self.last_s = time.monotonic()

    def __call__(self, proof: Proof) -> None:
        """One line for the scenario, and one for each expectation that never failed."""
        ledger = proof.ledger
        if proof.trouble is not None:
            self._say(f"-  {ledger.scenario.name}: not played: {proof.trouble}")
            return
        found = ledger.unprovable()
        failed = ledger.count - len(found)
        proved = f"{failed} of {plural(ledger.count, 'expectation')} failed on some gateway"
        mark = "?" if found else "✓"
        plays = plural(len(ledger.plays), "play")
        self._say(f"{mark}  {ledger.scenario.name}: {proved} ({plays})")
        for each in found:
            place = each.file if each.line is None else f"{each.file}:{each.line}"
            self._say(f"   {place}: {each.expectation}, expected {each.expected}: {each.why}")

    def _say(self, line: str) -> None:
        self.last_s = time.monotonic()
        click.echo(line, err=self._to_stderr)


async def _watched(prover: Prover, scenarios: Sequence[Scenario], told: _Told) -> list[Proof]:
    """Prove all, and say how far it is wherever nothing was said for a while."""
    began_s = time.monotonic()

    async def tick() -> None:
        quiet_s = _QUIET_S
        while True:
            await asyncio.sleep(_QUIET_S / 4)
            if time.monotonic() - told.last_s > quiet_s:
                told.last_s = time.monotonic()
                quiet_s = min(quiet_s * 1.5, _LONGEST_QUIET_S)
                far = f"{prover.finished} of {plural(len(scenarios), 'scenario')}, "
                far += plural(prover.plays, "play") + _left(prover, len(scenarios), began_s)
                click.echo(f"...{far}", err=True)

    ticking = asyncio.create_task(tick())
    try:
        return await prover.prove(scenarios)
    finally:
        ticking.cancel()


def _left(prover: Prover, scenarios: int, began_s: float) -> str:
    """How long the others will take, if they take as long as those before."""
    from harness.report.totals import span

    if prover.finished < _ENOUGH_TO_TELL:
        return ""
    each_s = (time.monotonic() - began_s) / prover.finished
    return f", about {span(each_s * (scenarios - prover.finished))} left"


def _json(proofs: Sequence[Proof], plays: int) -> str:
    unprovable: list[dict[str, Any]] = [
        {
            "scenario": each.scenario,
            "expectation": each.expectation,
            "expected": each.expected,
            "why": each.why,
            "file": each.file,
            "line": each.line,
        }
        for proof in proofs
        for each in proof.ledger.unprovable()
    ]
    unplayed = [
        {"scenario": proof.ledger.scenario.name, "why": proof.trouble}
        for proof in proofs
        if proof.trouble is not None
    ]
    proved = [
        {"scenario": proof.ledger.scenario.name, "expectation": name, "failed_by": by}
        for proof in proofs
        for (_, name), by in proof.ledger.failed_by.items()
    ]
    found = {
        "unprovable": unprovable,
        "proved": proved,
        "unplayed": unplayed,
        "plays": plays,
    }
    return json.dumps(found, indent=2, ensure_ascii=False)
