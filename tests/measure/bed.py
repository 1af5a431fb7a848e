"""Measures gateways with known settings: the target of a bed, and what was found of it."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.engines.sim.engine import SimEngine
from harness.measure.measuring import measure, streams_of
from harness.target import Target

BEDS = Path(__file__).parent / "beds"


STUBS = ({"route": "GET /rate", "json": {"rate": 7}},)
ROUTES = {"price": {"request": "GET /price"}}


def target(
    module: str,
    policy: dict[str, Any] | None = None,
    *,
    stubs: Sequence[dict[str, Any]] = STUBS,
    routes: dict[str, Any] = ROUTES,
    contract: Path | None = None,
) -> Target:
    """A bed's gateway with a policy of its own."""
    raw = {
        "name": module,
        "start": {"wsgi": f"{module}:app", "env": {"POLICY": json.dumps(policy or {})}},
        "upstreams": {"RATES_URL": "rates"},
        "stubs": {"rates": list(stubs)},
        "routes": routes,
    }
    if contract is not None:
        raw["contract"] = str(contract)
    made = Target.model_validate(raw)
    return made.model_copy(update={"file": str(BEDS / "target.yaml")})


def measured(bed: Target, engine: SimEngine) -> dict[str, Any]:
    """What measuring finds, as JSON."""
    return asyncio.run(measure(bed, engine, streams_of(bed))).as_json()
