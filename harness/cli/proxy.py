"""`outage proxy`: the embedded Toxiproxy-compatible server by itself, in the foreground."""

from __future__ import annotations

import sys

import click

from harness.cli.go_flags import GoFlags


@click.command(cls=GoFlags, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="localhost", show_default=True, help="Where the API is.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8474, show_default=True,
    help="Its port; 0 takes a free one and logs it.",
)  # fmt: skip
@click.option("--config", default="", metavar="FILE", help="JSON file of proxies to start with.")
@click.option("--seed", type=int, help="Makes toxicity, jitter and slices repeatable.")
@click.option(
    "--journal", is_flag=True,
    help="Also writes what crosses each connection: requests, responses, closes.",
)  # fmt: skip
@click.option(
    "--differences", is_flag=True,
    help="Prints what differs from Toxiproxy, and what may surprise in both; serves nothing.",
)  # fmt: skip
@click.option("--proxy-metrics", is_flag=True, help="Taken for Toxiproxy's sake; not served.")
@click.option("--runtime-metrics", is_flag=True, help="Taken for Toxiproxy's sake; not served.")
@click.option("--version", is_flag=True, help="Prints which Toxiproxy this server behaves as.")
def proxy(
    host: str,
    port: int,
    config: str,
    seed: int | None,
    journal: bool,
    differences: bool,
    proxy_metrics: bool,
    runtime_metrics: bool,
    version: bool,
) -> None:
    """Serves Toxiproxy's HTTP API and proxies until interrupted; logs JSON lines.

    Takes Toxiproxy's own flags in Go's spellings: `-host=0.0.0.0 -config proxies.json`. Where the
    variable OUTAGE_CONTROL_TOKEN is set, its API obeys who shows that as a bearer token only.
    """
    if version:
        from harness.toxiproxy.api import VERSION

        click.echo(f"toxiproxy-server version {VERSION}")
        return
    if differences:
        from harness.toxiproxy.differences import as_markdown

        click.echo(as_markdown(), nl=False)
        return
    from harness.toxiproxy.app import serve

    metrics = proxy_metrics or runtime_metrics
    sys.exit(serve(host, port, config=config, seed=seed, journal=journal, metrics=metrics))
