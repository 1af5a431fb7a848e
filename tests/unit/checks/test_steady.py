"""What the warm-up shows of the target itself: refusals that aren't, and routes it lacks."""

from __future__ import annotations

import pytest

from harness.judge import judge
from harness.verdict import Verdict

FORGED = """
traffic:
  chat: {request: POST /v1/api/chat, as: ada, rate: 1/s}
  forged: {request: POST /v1/api/chat, rate: 1/s, healthy: 401}
faults: [{upstream: auth, fault: status, status: 503, to: 5s}]
expect: [{during: 10s..90s, traffic: chat, status: 200}]
"""
ALONE = """
traffic: {malformed: {request: POST /v1/api/auth/login, body: "{", rate: 1/s, healthy: 400}}
faults: [{upstream: auth, fault: status, status: 503, to: 5s}]
expect: [{never: {status: 500}}]
"""


def played(world, *, forged, chat=200, calls=True, auth=200):
    shown = world().warmed_up("chat", chat, at_s=-1.5)
    shown.request("forged", 0, -1.0, forged, number=0)
    if calls:
        shown.call("auth", -0.995, status=auth)
    shown.fault("status", "auth", 0.0, 5.0)
    for at_s in range(90):
        shown.request("chat", at_s + 1, float(at_s), 200).call("auth", at_s + 0.001)
    return shown.history()


def findings(judgement):
    return {finding.name: finding for finding in judgement.findings}


@pytest.mark.parametrize("status", [200, 302, 500, 403])
def test_what_must_be_refused_and_is_not_breaks_the_contract(scenario, world, status):
    judgement = judge(scenario(FORGED), played(world, forged=status))
    assert judgement.verdict is Verdict.FAILED
    found = findings(judgement)
    broken = found["forged is refused in the steady state"]
    assert (broken.verdict, broken.observed) == (Verdict.FAILED, str(status))
    assert found["chat is answered 200 in 10s..90s"].verdict is Verdict.PASSED


def test_a_refusal_that_the_target_does_without_is_out_of_scope(scenario, world):
    shown = played(lambda: world(without=("T1",)), forged=200)
    judgement = judge(scenario(FORGED.replace("status: 200}", "status: 200, claims: [G2]}")), shown)
    assert judgement.verdict is Verdict.PASSED
    broken = findings(judgement)["forged is refused in the steady state"]
    assert broken.verdict is Verdict.OUT_OF_SCOPE


def test_who_is_let_in_is_a_break_whatever_else_isnt_up(scenario, world):
    judgement = judge(scenario(FORGED), played(world, forged=200, chat=503))
    broken = findings(judgement)["forged is refused in the steady state"]
    assert broken.observed == "200"
    assert judgement.verdict is Verdict.INCONCLUSIVE  # a world that isn't up accuses nobody


@pytest.mark.parametrize(
    ("forged", "more"),
    [(None, {}), (503, {}), (429, {}), (500, {"chat": 503}), (500, {"auth": 503})],
)
def test_a_world_that_is_not_up_is_inconclusive(scenario, world, forged, more):
    judgement = judge(scenario(FORGED), played(world, forged=forged, **more))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "forged is refused in the steady state" not in findings(judgement)
    assert findings(judgement)["run: steady state of forged"].verdict is Verdict.INCONCLUSIVE


def test_a_malformed_body_answered_500_needs_no_other_witness(scenario, world):
    shown = world().warmed_up("malformed", 500, ["auth"]).fault("status", "auth", 0.0, 5.0)
    judgement = judge(scenario(ALONE), shown.history())
    assert judgement.verdict is Verdict.FAILED


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_route_that_the_target_lacks_is_one_line_out_of_scope(scenario, world, status):
    judgement = judge(scenario(FORGED), played(world, forged=status, calls=False))
    assert judgement.verdict is Verdict.OUT_OF_SCOPE
    (finding,) = judgement.findings
    assert finding.evidence == (
        f"the target has no POST /v1/api/chat: {status} in the warm-up, and no upstream was called"
    )


def test_a_404_after_a_call_is_no_missing_route(scenario, world):
    shown = world().warmed_up("chat", 404).fault("status", "auth", 0.0, 5.0)
    text = FORGED.replace("  forged: {request: POST /v1/api/chat, rate: 1/s, healthy: 401}\n", "")
    assert judge(scenario(text), shown.history()).verdict is Verdict.INCONCLUSIVE
