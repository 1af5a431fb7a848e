"""`outage proxy`: the embedded Toxiproxy-compatible server by itself, in the foreground."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--host", "-host", default="localhost", show_default=True, help="Where the API is.")
@click.option(
    "--port", "-port", type=click.IntRange(0, 65535), default=8474, show_default=True,
    help="Its port; 0 takes a free one and logs it.",
)  # fmt: skip
@click.option("--seed", "-seed", type=int, help="Makes toxicity, jitter and slices repeatable.")
@click.option(
    "--journal", is_flag=True,
    help="Also writes what crosses each connection: requests, responses, closes.",
)  # fmt: skip
@click.option(
    "--differences", is_flag=True,
    help="Prints what differs from Toxiproxy, and what may surprise in both; serves nothing.",
)  # fmt: skip
def proxy(host: str, port: int, seed: int | None, journal: bool, differences: bool) -> None:
    """Serves Toxiproxy's HTTP API and proxies until interrupted; logs JSON lines."""
    if differences:
        from harness.toxiproxy.differences import as_markdown

        click.echo(as_markdown(), nl=False)
        return
    from harness.toxiproxy.app import serve

    sys.exit(serve(host, port, seed=seed, journal=journal))
