"""The command line, `outage`: one command a file, imported only when it is called."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the command; ends the process with its exit status."""
    from harness.cli.entry import call

    sys.exit(call())
