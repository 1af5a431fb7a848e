"""A slice of the outages that `make sound` draws: nothing is said against a sound gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.sim.engine import SimEngine
from harness.runs.saved import judge_folder
from harness.verdict import Verdict
from tests.soundness.eyes import EYES, eyes_for
from tests.soundness.judging import false_words, play, save
from tests.soundness.outages import Outage, drawn
from tests.soundness.settings import Settings

_SLICE = ("slice-0", "slice-1", "slice-2", "slice-5", "slice-7", "slice-9")
_FAILURES = """
title: auth answers 503
duration: 20s
traffic: {check: {request: GET /v1/api/auth/check, as: ada, rate: 2/s}}
faults: [{upstream: auth, fault: status, status: 503, to: 10s}]
expect: [{breaker: auth, opens: contract ± 500ms}]
"""


@pytest.mark.parametrize("name", _SLICE)
def test_nothing_is_said_against_a_sound_gateway(
    simulation: SimEngine, tmp_path: Path, name: str
) -> None:
    outage = drawn(name)
    played = play(simulation, outage, tmp_path)
    assert not played.troubles
    assert [str(word) for word in false_words(outage, played)] == []


def test_the_same_name_draws_the_same_outage_and_another_another() -> None:
    one, again, other = drawn("slice-0"), drawn("slice-0"), drawn("slice-1")
    assert (one.text, one.settings.environ, one.seed) == (
        again.text, again.settings.environ, again.seed
    )  # fmt: skip
    assert one.text != other.text


def test_what_is_untrue_of_its_settings_is_seen_by_every_eye_and_saved_to_be_judged_again(
    simulation: SimEngine, tmp_path: Path
) -> None:
    """A hunt that could find nothing would prove nothing: here the gateway's threshold is another
    than the one that is declared.
    """
    told = Settings({"auth": (1, 5.0, 3, 5.0)})
    untrue = Outage(name="untrue", text=_FAILURES, settings=_Untrue(told), seed=0)
    played = play(simulation, untrue, tmp_path)
    words = list(false_words(untrue, played))
    seeing = list(eyes_for(untrue.scenario))
    assert list(dict.fromkeys(word.eye for word in words)) == seeing
    assert len(seeing) == len(EYES) - 1  # real services answer no 503 for anybody
    save(untrue, played, tmp_path / "saved")
    for name in seeing:
        (saved,) = judge_folder(tmp_path / "saved" / name)
        failed = [f.observed for f in saved.judgement.all_findings if f.verdict is Verdict.FAILED]
        assert failed == [word.finding.observed for word in words if word.eye == name]


class _Untrue(Settings):
    """What is declared is not what the gateway is told."""

    def __init__(self, told: Settings) -> None:
        super().__init__(told.numbers)

    @property
    def environ(self) -> dict[str, str]:
        return super().environ | {"AUTH_THRESHOLD": "6"}
