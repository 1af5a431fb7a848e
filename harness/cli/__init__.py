"""The command line, `outage`: one command a file, imported only when it is called."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Entry point of the command; ends the process with its exit status."""
    # A shell's job in the background begins with it ignored, and would be deaf until it plays.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from harness.startup import collect_seldom, end_at_once, without_plugins

    without_plugins()  # before anything imports pydantic
    collect_seldom()

    from harness.cli.entry import call, say
    from harness.cli.output import check_written, hold_standard_streams
    from harness.errors import UsageError

    output = hold_standard_streams()
    status = call()
    try:
        check_written(output)
    except UsageError as error:
        say(error)
        status = status or 2
    end_at_once()
    sys.exit(status)
