"""Makes the application of a defective gateway. Once a process: patches stay."""

from __future__ import annotations

import os
from typing import Any

import gateway.app
from tests.defects.gateways import DEFECTS, SOUND
from tests.defects.gateways.counting import taking_turns


def make_app(defect_id: str) -> Any:
    """The WSGI application with that defect; raises KeyError for an unknown one."""
    chosen = (DEFECTS | SOUND)[defect_id]
    chosen.apply()
    environ = {**os.environ, **chosen.environ}
    made = [gateway.app.create_app(environ) for _ in range(chosen.workers)]
    return made[0] if len(made) == 1 else taking_turns(made)
