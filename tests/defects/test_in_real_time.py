"""A handful of the catalogue's defects fail in real time, too, for the right reason.

Apart from the catalogue: whoever collects what keeps time need not read all of that.
"""

from __future__ import annotations

import asyncio
import sys

import pytest

from harness.engines.local.engine import LocalEngine
from harness.machine.starts import Starts
from harness.runs.runner import play_all
from harness.verdict import Judgement
from tests.defects.gateways import DEFECTS
from tests.defects.playing import defective, right, scenario_named

IN_REAL_TIME = {
    "redirects-followed": "owner_lookup_redirected",
    "charges-unanswered": "balance_used_up",
    "identity-cached": "token_revoked",
    "charges-without-balance": "balance_lookup_fails",
    "malformed-json-escapes": "auth_malformed_json",
}
"""Short ones, and each another part of the gateway."""


class _Nobody:
    def progress(self, *_: object) -> None: ...

    def done(self, *_: object) -> None: ...


@pytest.mark.real_time
@pytest.mark.timeout(180)
@pytest.mark.xdist_group("engines")
def test_a_handful_of_defects_is_failed_in_real_time_too() -> None:
    async def play() -> dict[str, Judgement]:
        engine, starts = LocalEngine(proxy="embedded"), Starts()
        try:
            runs = await asyncio.gather(
                *(
                    play_all(
                        [scenario_named(name)],
                        engine=engine,
                        target=defective(DEFECTS[defect_id]),
                        watcher=_Nobody(),
                        starts=starts,
                    )
                    for defect_id, name in IN_REAL_TIME.items()
                )
            )
        finally:
            await engine.close()
        return {
            defect_id: run[0].judgement for defect_id, run in zip(IN_REAL_TIME, runs, strict=True)
        }

    interval_s = sys.getswitchinterval()
    try:
        judgements = asyncio.run(play())
    finally:
        sys.setswitchinterval(interval_s)
    missed = {
        defect_id: [str(finding) for finding in judgement.findings]
        for defect_id, judgement in judgements.items()
        if not right(DEFECTS[defect_id], judgement) and judgement.busy is None
    }
    assert not missed
    # What this machine was too busy for is no proof: most of them must be.
    assert sum(judgement.busy is None for judgement in judgements.values()) * 2 > len(judgements)
