"""The command line, `outage`."""


def main() -> None:
    """Entry point of the command."""
    raise SystemExit("not built yet")
