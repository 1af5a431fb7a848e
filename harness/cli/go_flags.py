"""Flags as Go programs read them, for the command that stands in for one.

`-flag` and `--flag` are the same, a value follows after `=` or a space, a switch takes one after
`=` only, and of a flag given twice the last one counts (source: Go's package `flag`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


class GoFlags(click.Command):
    """A command whose options may be written as Go's, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, after each flag has been written out as `--flag` or `--flag=value`.

        Raises: click.UsageError.
        """
        switches = {
            name.lstrip("-"): isinstance(option, click.Option) and option.is_flag
            for option in self.get_params(ctx)
            for name in option.opts
            if name.startswith("--")
        }
        return super().parse_args(ctx, list(_written_out(args, switches)))


def _written_out(args: Sequence[str], switches: dict[str, bool]) -> Iterator[str]:
    """The arguments in click's spelling; `switches` says of each flag whether it takes no value."""
    given = iter(args)
    for word in given:
        if len(word) < 2 or word[0] != "-" or word == "--":
            yield word
            yield from given
            return
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        if name not in switches:
            # Of a word click says that it isn't known and names the nearest; `-h` is its own.
            yield f"--{name}" if len(name) > 1 else word
        elif not switches[name]:
            values = [value] if equals else [next(given, None)]
            yield from (f"--{name}" if v is None else f"--{name}={v}" for v in values)
        elif not equals or value in _TRUE:
            yield f"--{name}"
        elif value not in _FALSE:
            raise click.UsageError(f"invalid boolean value {value!r} for -{name}")
