"""`outage import`: an incident's data becomes a scenario."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

_LARGE_BYTES = 4_000_000
"""What takes longer than a moment to read."""
FORMATS = ("prometheus", "csv", "log", "alertmanager", "statuspage")

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

    from harness.incident.evidence import Episode
    from harness.policy.settings import ServiceSettings
    from harness.target import Target


@click.command(no_args_is_help=True)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--from", "format_name", type=click.Choice(FORMATS),
    help="What the files are; guessed for each when it isn't said.",
)  # fmt: skip
@click.option(
    "--upstream", help="Who was in trouble; also picks the series, rows or lines that name it."
)
@click.option(
    "--called",
    metavar="NAME",
    multiple=True,
    help="What the data calls it, if that is another name; may be given again.",
)
@click.option("-o", "--output", "out", metavar="OUT", help="The scenario file; else it is printed.")
@click.option("--target", "target_name", metavar="FILE", help="A target with upstreams of its own.")
@click.option(
    "--expect", "which", type=click.Choice(["should", "happened"]), default="should",
    show_default=True, help="Which of the two expectations is in force; both are written.",
)  # fmt: skip
@click.option("--fault", help="How calls failed, where the data doesn't say, or says it wrong.")
@click.option("--bad", metavar="COMPARISON", help="What is bad: '> 2%', '< 1', '> 500ms'.")
@click.option("--step", metavar="DURATION", help="The tolerance, instead of the data's step.")
@click.option(
    "--bridge", metavar="DURATION", help="Take good stretches up to this as part of the trouble."
)
@click.option("--since", metavar="TIME", help="Leave out what was before.")
@click.option(
    "--until", metavar="TIME", help="Leave out what came after; what has no end ends then."
)
@click.option(
    "--zone", default="UTC", show_default=True,
    help="Of times that name none: Europe/Berlin, +01:00.",
)  # fmt: skip
def import_(
    files: tuple[str, ...],
    format_name: str | None,
    upstream: str | None,
    called: tuple[str, ...],
    out: str | None,
    target_name: str | None,
    which: str,
    fault: str | None,
    bad: str | None,
    step: str | None,
    bridge: str | None,
    since: str | None,
    until: str | None,
    zone: str,
) -> None:
    r"""Make a scenario of an incident's data: range queries of Prometheus, tables of intervals,
    logs of nginx or a gateway, alerts, or a status page.

    \b
    outage import errors.json --upstream mail -o mail_incident.yaml
    outage import access.log.1 --from log --upstream stock -o stock_incident.yaml
    outage import outages.csv alerts.json --upstream search --step 15s -o search_incident.yaml

    The first bad sample is 0 s. What the data can't say (how calls failed, what users met) is said
    in comments of the file.
    """
    from msgspec.structs import replace

    from harness.errors import UsageError
    from harness.incident.evidence import gather
    from harness.incident.formats import observe
    from harness.incident.reading import Wanted, parse_bad
    from harness.incident.scenario_text import scenario_text
    from harness.scenario.faults import KINDS
    from harness.scenario.loader import parse_scenario
    from harness.scenario.reading import check_readable
    from harness.scenario.spelling import not_known
    from harness.target.loading import load_target
    from harness.units import plural

    target = load_target(target_name or "reference")
    known = _known(target)
    if upstream is not None and upstream not in known:
        hint = "" if target_name else " (a target file may name more: --target FILE)"
        raise UsageError(f"{not_known('upstream', upstream, known)}{hint}")
    if fault is not None and fault not in KINDS:
        raise UsageError(not_known("fault", fault, KINDS))
    of_times = _zone(zone)
    since_s = _time("--since", since, of_times)
    until_s = _time("--until", until, of_times)
    try:
        wanted = Wanted(
            upstream=upstream,
            called=called,
            until_s=until_s,
            zone=of_times,
            bad=None if bad is None else parse_bad(bad),
            bad_text=bad or "",
        )
    except ValueError as error:
        raise UsageError(f"--bad {bad}: {error}") from None
    for file in files:
        check_readable(Path(file))
        if (size := Path(file).stat().st_size) > _LARGE_BYTES:
            click.echo(f"reading {file}: {size / 1e6:.0f} MB, some seconds", err=True)
    observations = [observe(file, wanted, format_name) for file in files]
    incident = gather(
        observations,
        upstream=upstream,
        since_s=float("-inf") if since_s is None else since_s,
        until_s=float("inf") if until_s is None else until_s,
        bridge_s=_length("--bridge", bridge) or 0.0,
        step_s=_length("--step", step),
    )
    if any(one.upstream is None for one in incident.episodes):
        raise UsageError(f"say who was in trouble: --upstream NAME{_named(files, known)}")
    incident = replace(
        incident, episodes=tuple(_attributed(one, known) for one in incident.episodes)
    )
    names = dict.fromkeys(one.upstream or "" for one in incident.episodes)
    text = scenario_text(
        incident,
        files=[Path(file).name for file in files],
        target=target,
        settings={name: known[name] for name in names},
        which="should" if which == "should" else "happened",
        fault=fault,
    )
    parse_scenario(text, out or "the scenario", target=target)
    if out is None:
        click.echo(text, nl=False)
        return
    _write(Path(out), text)
    many = len(incident.episodes)
    click.echo(f"wrote {out}: {plural(many, 'fault')}")
    own = f" --target {shlex.quote(target_name)}" if target_name else ""
    simulated = "" if target.start is None or target.start.app is None else " --engine sim"
    click.echo(f"next: outage predict {out}{own}; outage run {out}{own}{simulated}")


def _known(target: Target) -> dict[str, ServiceSettings]:
    """The settings of each upstream that a scenario may name."""
    own = target.contract.upstreams
    names = dict.fromkeys((*own, *target.upstream_names, *target.stubs, *target.real))
    return {name: target.owed(name) for name in names}


def _named(files: Iterable[str], known: Iterable[str]) -> str:
    """Which upstreams the files speak of, for whoever has to say which is meant."""
    from harness.incident.opening import LARGEST_BYTES, opened
    from harness.incident.reading import Wanted

    texts = []
    for file in files:
        with opened(file) as text:
            texts.append(text.read(LARGEST_BYTES))
    named = [name for name in known if any(Wanted(upstream=name).names(text) for text in texts)]
    words = f"the data names {', '.join(named)}" if named else f"of {', '.join(known)}"
    return f" ({words})"


def _attributed(one: Episode, known: Mapping[str, ServiceSettings]) -> Episode:
    """The same, of an upstream by the name that scenarios use: `mail-service:8080` is mail."""
    from msgspec.structs import replace

    from harness.errors import UsageError
    from harness.incident.reading import Wanted
    from harness.scenario.spelling import not_known

    said = one.upstream or ""
    if said in known:
        return one
    near = [name for name in known if Wanted(upstream=name).names(said)]
    if len(near) != 1:
        hint = not_known("upstream", said, known)
        raise UsageError(f"{one.source}: {hint}; say which it is with --upstream NAME")
    return replace(one, upstream=near[0])


def _zone(said: str) -> tzinfo:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from harness.errors import UsageError

    if said.upper() in ("UTC", "Z"):
        return UTC
    try:
        offset = datetime.fromisoformat(f"2000-01-01T00:00{said}").tzinfo
    except ValueError:
        offset = None
    if offset is not None:
        return offset
    try:
        return ZoneInfo(said)
    except (ValueError, OSError, KeyError):  # not found is a KeyError
        raise UsageError(f"--zone: expected Europe/Berlin or +01:00, not {said!r}") from None


def _time(option: str, said: str | None, zone: tzinfo) -> float | None:
    from datetime import UTC, datetime

    from harness.errors import UsageError
    from harness.incident.instants import parse_instant

    if said is None:
        return None
    try:
        instant = parse_instant(said)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    if instant.zoned or not instant.clock:
        return instant.at_s
    return datetime.fromtimestamp(instant.at_s, UTC).replace(tzinfo=zone).timestamp()


def _length(option: str, said: str | None) -> float | None:
    from harness.errors import UsageError
    from harness.units import parse_duration

    if said is None:
        return None
    try:
        return parse_duration(said)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _write(path: Path, text: str) -> None:
    """Raises: UsageError when it can't be written, or would take the place of something else."""
    from harness.errors import UsageError
    from harness.incident.scenario_text import MARK

    try:
        if path.exists() and path.stat().st_size:
            with path.open(encoding="utf-8", errors="replace") as before:
                if not before.read(len(MARK)).startswith(MARK):
                    raise UsageError(f"{path} exists and was not imported; choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror or error}") from None
