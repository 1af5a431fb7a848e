"""`outage up`: hold a world open to work against."""

from __future__ import annotations

import asyncio
import shlex
import signal
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from harness.engines.base import Job, Progress
    from harness.engines.local.engine import LocalEngine
    from harness.engines.local.world import World
    from harness.history.events import Event
    from harness.target import Target


@click.command()
@click.argument("scenario", required=False)
@click.option("--target", "target_name", default="reference", show_default=True)
@click.option("--proxy", default="auto", metavar="embedded|toxiproxy|URL", show_default=True)
@click.option("--broken", is_flag=True, help="Bring the scenario's faults into force, and hold.")
@click.option("--replay", is_flag=True, help="Play the scenario's faults at their instants, once.")
@click.option("--traffic", is_flag=True, help="Send the scenario's requests while it plays.")
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Let a target file's `url` or `real`, or --proxy, name a host beyond loopback.",
)
def up(
    scenario: str | None,
    target_name: str,
    proxy: str,
    broken: bool,
    replay: bool,
    traffic: bool,
    allow_remote: bool,
) -> None:
    r"""Hold a world open to work against: stubs, proxies and gateway, until Ctrl-C.

    \b
    outage up                               a healthy world
    outage up auth_blackhole_50s --broken   the same with its faults in force
    outage up auth_blackhole_50s --replay   its faults come and go, as it says; then
                                            a picture of what was called and reported
    outage up --target my-gateway.yaml      your gateway in the middle

    On a terminal the scenario's clock obeys keys, and a picture follows what happens: play and
    pause, jump to where faults come and go, break or heal all of it, send its traffic, start the
    target anew with the code and the file of this moment. The keys stand below the picture.
    """
    from rich.console import Console

    from harness.bundled import find_scenarios
    from harness.engines.base import Job, check_blast_radius
    from harness.engines.local.engine import LocalEngine
    from harness.errors import UsageError
    from harness.machine import belongings
    from harness.scenario.loader import load_scenario
    from harness.scenario.model import Scenario
    from harness.target.loading import load_target
    from harness.timeline import compile_timeline

    if scenario is None and (broken or replay or traffic):
        raise UsageError("--broken, --replay and --traffic need a scenario to play of")
    target = load_target(target_name)
    check_blast_radius(target, allow_remote=allow_remote, proxy=proxy)
    loaded = (
        load_scenario(find_scenarios((scenario,))[0], target=target)
        if scenario is not None
        else Scenario.model_validate(_HEALTHY)
    )
    with belongings.folder() as folder:
        job = Job(
            scenario=loaded,
            timeline=compile_timeline(loaded),
            target=target,
            folder=folder,
        )
        engine = LocalEngine(proxy=proxy, real=target.real)
        if scenario is not None and (reason := engine.unplayable(loaded)):
            raise UsageError(f"{loaded.file}: {reason}")
        console = Console(highlight=False, soft_wrap=True)
        asyncio.run(
            _hold(
                job,
                engine,
                console,
                broken=broken,
                replay=replay,
                traffic=traffic,
                target_name=target_name,
            )
        )


_HEALTHY = {
    "title": "nothing is wrong",
    "duration": "24h",
    "traffic": {"none": {"request": "GET /health", "count": "1 at 0s"}},
    "expect": [{"never": {"status": "5xx"}}],
}


async def _hold(
    job: Job,
    engine: LocalEngine,
    console: Console,
    *,
    broken: bool,
    replay: bool,
    traffic: bool,
    target_name: str,
) -> None:
    from harness.held.control import Control

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    console.print(f"proxy: {engine.proxy}", markup=False)
    try:
        seen: list[Event] = []
        async with engine.world(job, seen.append) as world:
            _introduce(job, world, console)
            control = Control(
                job,
                world,
                world.player(_unheard, spare_addresses=engine.abilities.several_addresses),
                console,
                seen,
                target_name=target_name,
                stop=stopped.set,
                traffic=traffic,
            )
            await control.until(stopped, broken=broken, replay=replay)
            console.print("taking everything down")
    finally:
        await engine.close()


def _unheard(_progress: Progress) -> None:
    """Nobody asks how far a world is that goes on until it is ended."""


def _introduce(job: Job, world: World, console: Console) -> None:
    from harness.target.wired import Wired

    host, port = world.gateway.address
    scheme = "https" if job.target.start is not None and job.target.start.tls else "http"
    url = job.target.url or f"{scheme}://{host}:{port}"
    console.print(f"\n{job.target.name} at {url}", style="bold", markup=False)
    ports = world.proxy_ports
    environment = Wired(job.target, port, ports).environment
    for variable in job.target.upstreams:
        console.print(f"  {variable}={environment[variable]}", markup=False)
    for name in job.target.placed_upstreams:
        if name not in job.target.upstreams.values():
            console.print(f"  {name} at 127.0.0.1:{ports[name]}", markup=False)
    console.print(f"  proxy API (Toxiproxy's) {world.proxy_api}/proxies", markup=False)
    for name, value in world.proxy_fields.items():
        console.print(f"    asks for the header '{name}: {value}'", markup=False)
    for user_id in job.target.user_ids:
        user = job.target.user(user_id)
        told = f"  user {user_id}: {user.email} / {user.password}, token {user.bearer}"
        console.print(told, markup=False)
    console.print(f"\ntry   {curl(job.target, url)}", markup=False)
    console.print("Ctrl-C takes everything down.\n")


def curl(target: Target, url: str) -> str:
    """A command that sends the plainest request that the target knows to call an upstream."""
    from harness.engines.requests import wire_request
    from harness.scenario.traffic import Stream

    asked = next(filter(None, map(target.calling, target.upstream_names)), None)
    sample = next(iter(target.traffic.values()), None) if asked is None else asked[1]
    if sample is None:
        return f"curl -s {url.rstrip('/')}{target.ready.partition(' ')[2]}"
    raw = {key: value for key, value in sample.raw.items() if key != "healthy"}
    wire = wire_request(Stream.model_validate({**raw, "rate": "1/s"}), target, sample.as_, 1)
    words = ["curl", "-s", "-X", wire.method, f"{url.rstrip('/')}{wire.path}"]
    for name, value in wire.headers.items():
        words += ["-H", f"{name}: {value}"]
    return shlex.join(words + (["-d", wire.body.decode()] if wire.body else []))
