"""`outage schema`: JSON Schema of scenario, target and contract files, for editors."""

from __future__ import annotations

from pathlib import Path

import click

FILE_KINDS = ("scenario", "target", "contract")


@click.command()
@click.argument("kind", type=click.Choice(FILE_KINDS), default="scenario")
@click.option(
    "--write",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write all schemas there, as scenario.schema.json and so on.",
)
def schema(kind: str, folder: Path | None) -> None:
    r"""Print the JSON Schema of scenario files (or of target or contract files).

    \b
    outage schema target
    outage schema --write schemas/

    An editor with yaml-language-server completes and checks a file whose first line is
    `# yaml-language-server: $schema=schemas/scenario.schema.json`.
    """
    if folder is None:
        click.echo(schema_text(kind), nl=False)
        return
    for name in FILE_KINDS:
        click.echo(f"wrote {write_schema(name, folder)}")


def schema_text(kind: str) -> str:
    """The schema of a kind of file, as JSON."""
    import json

    from pydantic import BaseModel

    from harness.contracts import Contract
    from harness.scenario.schema import file_schema, scenario_schema
    from harness.target import Target

    models: dict[str, type[BaseModel]] = {"target": Target, "contract": Contract}
    made = scenario_schema() if kind == "scenario" else file_schema(models[kind], f"Outage {kind}")
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def write_schema(kind: str, folder: Path) -> Path:
    """The file into which a schema was written.

    Raises: UsageError when it can't be.
    """
    from harness.errors import UsageError

    path = folder / f"{kind}.schema.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(schema_text(kind), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror or error}") from None
    return path
