"""`outage new`: a scenario file to start from."""

from __future__ import annotations

import re
from pathlib import Path

import click

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@click.command()
@click.argument("name")
@click.option("--target", default="reference", metavar="FILE|reference", help="Whose outage it is.")
@click.option("--upstream", help="What is down; the target's first upstream by default.")
@click.option("--fault", default="blackhole", show_default=True, help="What is wrong with it.")
@click.option("--for", "lasts", default="50s", show_default=True, help="How long.")
@click.option(
    "--border",
    is_flag=True,
    help="NAME is a folder: a dozen outages or more, made for what the upstream's policy promises.",
)
@click.option("--no-schema", is_flag=True, help="Don't write scenario.schema.json beside it.")
def new(
    name: str,
    target: str,
    upstream: str | None,
    fault: str,
    lasts: str,
    border: bool,
    no_schema: bool,
) -> None:
    r"""Write NAME.yaml, a scenario with comments that plays as it is; never over a file.

    \b
    outage new slow --fault latency --for 30s
    outage new scenarios/no_payments --target my-gateway.yaml --upstream payments --fault refused
    outage new borders --border --target my-gateway.yaml --upstream payments
    """
    from harness.cli.schema import write_schema
    from harness.errors import UsageError
    from harness.scenario.faults import KINDS
    from harness.scenario.loader import parse_scenario
    from harness.scenario.spelling import not_known
    from harness.scenario.template import scenario_text
    from harness.target.loading import load_target
    from harness.units import parse_duration

    loaded = load_target(target)
    upstream = upstream or loaded.upstream_names[0]
    if upstream not in loaded.upstream_names:
        raise UsageError(not_known("upstream", upstream, loaded.upstream_names))
    if fault not in KINDS:
        raise UsageError(not_known("fault", fault, KINDS))
    try:
        for_s = parse_duration(lasts)
    except ValueError as error:
        raise UsageError(f"--for {lasts}: {error}") from None
    if not 0 < for_s <= 86_000:
        raise UsageError(f"--for {lasts}: expected more than 0s and less than a day")
    path = Path(name)
    if not _NAME.fullmatch(path.name):
        raise UsageError(f"{name!r}: expected a name of letters, digits, _ and -")
    if border:
        from harness.explore.bordering import border_files

        path = Path(name)
        texts = {path / file: text for file, text in border_files(loaded, upstream)}
    else:
        path = path if path.suffix in (".yaml", ".yml") else path.with_name(f"{path.name}.yaml")
        schema = "scenario.schema.json"
        text = scenario_text(loaded, upstream=upstream, fault=fault, for_s=for_s, schema=schema)
        texts = {path: text}
    for file, text in texts.items():
        parse_scenario(text, str(file), target=loaded)
    taken = next((file for file in texts if file.exists()), None)
    if taken is not None:
        raise UsageError(f"{taken} exists already; choose another name")
    for file, text in texts.items():
        _write(file, text)
    folder = path if border else path.parent
    if not no_schema and not (folder / "scenario.schema.json").exists():
        click.echo(f"wrote {write_schema('scenario', folder)}, by which editors help")
    named = "" if target == "reference" else f" --target {target}"
    click.echo(f"play it: outage run {path}{named}")


def _write(path: Path, text: str) -> None:
    from harness.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists already; choose another name") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path}: can't be written: {reason}") from None
    click.echo(f"wrote {path}")
