"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

previous_option = click.option(
    "--previous",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The report of the run before, for what is new in report.html; by default what is in the "
    "report's own folder.",
)

cluster_option = click.option(
    "--cluster",
    metavar="local|ADDRESS",
    help="Play on the workers of a Dask cluster: one made here, or that of a scheduler at "
    "tcp://HOST:PORT (outage-harness[cluster]).",
)
allow_remote_option = click.option(
    "--allow-remote", is_flag=True, help="Let --cluster name a scheduler beyond loopback."
)
