"""Whether these cases ran against a real Toxiproxy at all."""

from __future__ import annotations

import os

import pytest

from harness.toxiproxy.locate import find_toxiproxy


def test_a_real_toxiproxy_was_found() -> None:
    """With `OUTAGE_REQUIRE=toxiproxy` (a list, by commas) a missing one is a failure."""
    found = find_toxiproxy(os.environ.get("OUTAGE_TOXIPROXY", ""))
    if found is not None and found.binary is not None:
        return
    reason = (
        "no real Toxiproxy, the contract's cases ran against the embedded proxy only: "
        "`outage doctor --install toxiproxy`, or OUTAGE_TOXIPROXY=PATH"
    )
    if "toxiproxy" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
        pytest.fail(reason)
    pytest.skip(reason)
