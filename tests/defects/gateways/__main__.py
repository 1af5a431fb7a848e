"""Serve a defective gateway: `python -m tests.defects.gateways ID`; without an id: list them."""

from __future__ import annotations

import sys

from gateway.logs import log_to_stderr
from gateway.serving import serve
from tests.defects.gateways import DEFECTS
from tests.defects.gateways.making import make_app


def main(arguments: list[str]) -> int:
    """The exit status: 2 for an unknown id."""
    if not arguments:
        for each in DEFECTS.values():
            print(f"{each.id}: {each.summary} ({' '.join(each.claims)})")
        return 0
    if arguments[0] not in DEFECTS:
        print(f"no defect is called {arguments[0]!r}", file=sys.stderr)
        return 2
    log_to_stderr()
    return serve(lambda: make_app(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
