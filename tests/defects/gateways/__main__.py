"""Serve a defective gateway: `python -m tests.defects.gateways ID`; without an id: list them.

`--write` writes what an installed harness knows of the catalogue: harness/claims/defects.json.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from gateway.logs import log_to_stderr
from gateway.serving import serve
from tests.defects.gateways import DEFECTS, SOUND, Defect
from tests.defects.gateways.making import make_app


def known() -> str:
    """The catalogue as data."""
    rows = [
        {
            "id": each.id,
            "says": each.summary,
            "claims": list(each.claims),
            "scenarios": list(each.scenarios),
        }
        | ({"breakers": _declared(each)} if each.breakers else {})
        for each in DEFECTS.values()
    ]
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    return f"[\n{lines}\n]\n"


def _declared(defect: Defect) -> dict[str, dict[str, Any]]:
    """Its breakers as a target file has them."""
    return {
        upstream: {
            key: f"{value:g}s" if key in ("timeout", "wait") else int(value)
            for key, value in settings.items()
        }
        for upstream, settings in defect.breakers.items()
    }


def main(arguments: list[str]) -> int:
    """The exit status: 2 for an unknown id."""
    if not arguments:
        for each in DEFECTS.values():
            print(f"{each.id}: {each.summary} ({' '.join(each.claims)})")
        return 0
    if arguments == ["--write"]:
        from harness.claims import DEFECTS_FILE  # which takes as long to load as the gateway

        DEFECTS_FILE.write_text(known(), encoding="utf-8")
        return 0
    if arguments[0] not in DEFECTS | SOUND:
        print(f"no defect is called {arguments[0]!r}", file=sys.stderr)
        return 2
    log_to_stderr()
    return serve(lambda: make_app(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
