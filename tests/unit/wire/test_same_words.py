"""The same history has the same words each time: nothing hangs on how a process hashes."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
from harness.policy.settings import in_a_row
from harness.wire.attempts import EITHER, FAILURE, bare
from harness.wire.attempts import numbered
from harness.wire.breaker import read
from harness.wire.outcomes import Outcomes
from harness.wire.policy import declared

own = in_a_row(attempts=1, timeout_s=5.0, threshold=2, wait_s=10.0)
probe = bare(12.0, 17.0, "stub", from_s=12.1, results=EITHER)
made = numbered([bare(0.0, 0.1, "stub"), bare(1.0, 1.1, "stub"), probe])
print(read(made, [], Outcomes(declared(own), 5.0), tie_s=lambda at_s: 0.05).changes)
"""


def test_what_a_probe_may_have_been_is_told_in_one_order() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(6)
    }
    assert len(told) == 1, told
