"""The commands of `outage` by name, and the group that imports one only when it is called."""

from __future__ import annotations

from pkgutil import resolve_name

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run:run", "Play scenarios and say what held."),
    "list": ("listing:list_scenarios", "Show scenarios: name, duration, claims, title."),
    "validate": ("validate:validate", "Check scenario files; every problem with its line."),
    "init": ("init:init", "From an application to a target, a contract and a first scenario."),
    "predict": ("predict:predict", "Say what the contract predicts for a scenario."),
    "measure": ("measure:measure", "Find a gateway's policies by experiment."),
    "explore": ("explore:explore", "Draw random outages and shrink what breaks a promise."),
    "prove": ("prove:prove", "Say which expectations no gateway fails."),
    "judge": ("judge:judge", "Judge saved histories again."),
    "merge": ("merge:merge", "Put the reports of a run's parts (--shard) together."),
    "compare": ("compare:compare", "Say what got worse from one run to another."),
    "history": ("compare:history", "Show many nights: what is new, fixed, flaky, slower."),
    "up": ("up:up", "Hold a scenario's world open to work against."),
    "new": ("new:new", "Write a new scenario file to start from."),
    "import": ("importing:import_", "Make a scenario of an incident's metrics, logs or alerts."),
    "schema": ("schema:schema", "Print the JSON Schema of scenario and target files."),
    "audit": ("audit:audit", "Find HTTP calls that no resilient client guards."),
    "proxy": ("proxy:proxy", "Serve Toxiproxy's API and toxics by itself."),
    "doctor": ("doctor:doctor", "Say what this machine can run, and what to do about the rest."),
}
"""Where each command is (module of this package, attribute), and what it does, for `--help`."""


class Commands(click.Group):
    """A group that knows its commands' names and one line of help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported now; None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        command = resolve_name(f"harness.cli.{COMMANDS[cmd_name][0]}")
        assert isinstance(command, click.Command)
        command.name = cmd_name
        command.help = _unwrapped(command.help)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name.

        Raises: click.UsageError with the nearest name when there is none.
        """
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from harness.scenario.spelling import not_known

            ctx.fail(not_known("command", args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _unwrapped(text: str | None) -> str | None:
    r"""Help with click's mark (the character \x08) where a raw docstring says `\b`."""
    return None if text is None else text.replace("\\b", "\b")


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"outage {version('outage-harness')}")
        ctx.exit()


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`outage COMMAND --help` says more, with examples.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Show the version.",
)  # fmt: skip
def outage() -> None:
    r"""Replay documented outages against an HTTP gateway and judge what its users met.

    \b
    outage run                       play the bundled outages against the reference gateway
    outage run --target naive        the same against one without resilience
    outage new my_outage             write a scenario of your own
    """


outage.help = _unwrapped(outage.help)
