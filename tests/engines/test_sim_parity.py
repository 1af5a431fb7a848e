"""`sim` and `local` agree: the verdict of every expectation, and the breakers' instants."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.runs.runner import Played
from harness.verdict import Judgement, Transition
from tests.engines.conftest import Plays, in_simulation

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("engines")]

BUSY_MACHINE_S = 0.5
"""How late a real gateway on a busy machine may be beyond the error that its run states."""


@pytest.mark.parametrize("name", in_simulation())
def test_the_engines_agree(name: str, simulated: Mapping[str, Played], real: Plays) -> None:
    sim, local = simulated[name].judgement, real["embedded"][name].judgement
    disturbed = [finding for finding in local.findings if finding.name.startswith("run: ")]
    if disturbed or local.busy is not None:
        why = local.busy or disturbed[0]
        pytest.skip(f"the real run proves nothing on so busy a machine: {why}")
    assert verdicts(sim) == verdicts(local)
    assert sim.breakers.keys() == local.breakers.keys()
    for upstream, transitions in local.breakers.items():
        compare(upstream, sim.breakers[upstream], transitions)


def verdicts(judgement: Judgement) -> dict[str, str]:
    return {finding.name: str(finding.verdict) for finding in judgement.findings}


def compare(upstream: str, sim: tuple[Transition, ...], local: tuple[Transition, ...]) -> None:
    assert [t.state for t in sim] == [t.state for t in local], upstream
    probes = 0
    for ours, theirs in zip(sim, local, strict=True):
        # Whose request a probe is is open: that tie may fall on either side of a second, for each.
        probes += ours.state == "half_open"
        tie_s = 1.0 * probes
        allowed_s = ours.error_s + theirs.error_s + BUSY_MACHINE_S + tie_s
        assert abs(ours.at_s - theirs.at_s) <= allowed_s, (upstream, ours, theirs)


def test_most_real_runs_proved_something(real: Plays) -> None:
    disturbed = {
        name: str(finding)
        for name, played in real["embedded"].items()
        for finding in played.judgement.findings
        if finding.name.startswith("run: ")
    }
    assert len(disturbed) * 2 < len(real["embedded"]), disturbed
