"""Calls a command and turns whatever ends it into an exit status; no traceback for a mistake.

0 done, 1 found something wrong, 2 wrong usage or an invalid file, 4 the target could not be
started, 130 after Ctrl-C; commands give others by `sys.exit`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from harness.cli.table import outage
from harness.errors import HarnessError, InvalidFile, TargetError, UsageError
from harness.machine import belongings
from harness.printable import in_line, printable

TARGET_REFUSED = 4
INTERRUPTED = 130
_MOST_LINES = 100
"""Of a target's output: one that fails again and again says the same."""


def call(args: Sequence[str] | None = None) -> int:
    """The exit status of a command line (of this process's own by default)."""
    belongings.sweep()
    try:
        _check_folder()
        given = None if args is None else list(args)
        result = outage.main(given, prog_name="outage", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except click.ClickException as error:
        error.show()
        return 2
    except InvalidFile as error:
        from harness.units import plural

        count = len(error.problems)
        click.echo(str(error), err=True)
        click.echo(f"{plural(count, 'problem')}; nothing was done", err=True)
        return 2
    except HarnessError as error:
        say(error)
        return TARGET_REFUSED if isinstance(error, TargetError) else 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED


def _check_folder() -> None:
    """Raises: UsageError when the folder that we were called in has been removed."""
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError(f"the current folder can't be used: {error.strerror}") from None


def say(error: HarnessError) -> None:
    """Tell a person what went wrong; a target's own output stands as it was."""
    if isinstance(error, TargetError):
        lines = error.output.splitlines()
        cut = f" (its last {_MOST_LINES} lines)" if len(lines) > _MOST_LINES else ""
        click.echo(
            f"outage: {in_line(error.why)}{f'; its output{cut}:' if lines else ''}", err=True
        )
        for line in lines[-_MOST_LINES:]:
            click.echo(printable(line), err=True)
        return
    click.echo(printable(f"outage: {error}"), err=True)
