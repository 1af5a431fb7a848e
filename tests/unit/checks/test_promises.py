"""Promises are judged in every run, apart from what a scenario expects."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.checks import promises
from harness.checks.case import Case
from harness.checks.promises.violation import Violation
from harness.contracts.promises import ENDS_ATTEMPTS, ONE_BREAKER
from harness.engines.processes import ended
from harness.engines.sim.engine import EVIDENCE as SIMULATED
from harness.history.events import Crossed, Ended, Trouble
from harness.judge import judge, judge_case
from harness.report.scene.observe import observe
from harness.scenario.loader import parse_scenario
from harness.verdict import Verdict
from harness.wire.causes import Cause
from harness.wire.wire import Wire

EXPECTING = """
traffic: {chat: {request: POST /v1/api/chat, as: ada, rate: 1/s}}
faults: [{upstream: auth, fault: status, status: 503, to: 5s}]
expect:
  - {during: 10s..90s, traffic: chat, status: 200}
"""
PROMISING = EXPECTING.partition("expect:")[0]

BROKEN = Violation(
    promise="no hang", about="chat", claims=("G9",), at_s=3.0, says="no answer to #3", request=3
)


def sound(world, **run):
    shown = world(**run).warmed_up().fault("status", "auth", 0.0, 5.0)
    for at_s in range(90):
        shown.request("chat", at_s + 1, float(at_s), 200).call("auth", at_s + 0.001)
    return shown


@pytest.fixture
def promise(monkeypatch):
    def these(*violations):
        check = promises.Promise(says="no hang", check=lambda facts: iter(violations))
        monkeypatch.setattr(promises, "PROMISES", (check,))

    return these


def test_a_promise_stands_apart_and_counts(scenario, world, promise):
    promise(BROKEN)
    judgement = judge(scenario(EXPECTING), sound(world).history())
    assert judgement.verdict is Verdict.FAILED
    assert [finding.verdict for finding in judgement.findings] == [Verdict.PASSED]
    (found,) = judgement.promises
    assert (found.name, found.verdict) == ("no hang (chat)", Verdict.FAILED)
    assert (found.claims, found.observed, found.examples) == (("G9",), "no answer to #3", (3,))


def test_a_scenario_without_expectations_is_judged_by_promises(scenario, world, promise):
    promise()
    judgement = judge(scenario(PROMISING), sound(world).history())
    assert (judgement.verdict, judgement.findings) == (Verdict.PASSED, ())


def test_where_nothing_is_judged_nothing_is_proved_and_it_is_said(scenario, world, monkeypatch):
    monkeypatch.setattr(promises, "PROMISES", ())
    judgement = judge(scenario(PROMISING), sound(world).history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.findings[0].observed == "neither: the scenario has no `expect:`"


def test_a_run_that_went_wrong_holds_no_promise_against_the_target(scenario, world, promise):
    promise(BROKEN)
    shown = sound(world).trouble("a stub died")
    judgement = judge(scenario(PROMISING), shown.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.promises[0].verdict is Verdict.INCONCLUSIVE


def test_a_promise_that_the_target_does_without_is_out_of_scope(scenario, world, promise):
    promise(BROKEN)
    judgement = judge(scenario(PROMISING), sound(world, without=("G9",)).history())
    assert judgement.verdict is Verdict.OUT_OF_SCOPE
    assert judgement.promises[0].evidence == "the target does without G9"


def test_a_promise_that_the_target_does_without_at_one_upstream_is_owed_at_the_others(
    scenario, world, promise
):
    promise(*(replace(BROKEN, about=name, claims=("B3",)) for name in ("auth", "git")))
    shown = sound(world, without=("B3 at git",))
    judgement = judge(scenario(PROMISING), shown.history())
    told = {finding.name: (finding.verdict, finding.evidence) for finding in judgement.promises}
    assert judgement.verdict is Verdict.FAILED
    assert told["no hang (auth)"][0] is Verdict.FAILED
    assert told["no hang (git)"] == (Verdict.OUT_OF_SCOPE, "the target does without B3 at git")
    broken = promises.violations(Case(scenario(PROMISING), shown.history()))
    assert [violation.about for violation in broken] == ["auth"]


def test_an_expectation_of_one_upstream_is_out_of_scope_where_its_claim_is(scenario, world):
    text = EXPECTING + "  - {breaker: auth, opens: 4s ± 1s, claims: [B2]}\n"
    for without, verdict in (("B2 at auth", Verdict.OUT_OF_SCOPE), ("B2 at git", Verdict.FAILED)):
        judgement = judge(scenario(text), sound(world, without=(without,)).history())
        assert judgement.findings[-1].verdict is verdict


def test_kept_promises_make_nothing_green_that_is_not_owed(scenario, world, promise):
    promise()
    text = EXPECTING.replace("status: 200}", "status: 200, claims: [G2]}")
    judgement = judge(scenario(text), sound(world, without=("G2",)).history())
    assert judgement.verdict is Verdict.OUT_OF_SCOPE
    promise(BROKEN)
    judgement = judge(scenario(text), sound(world, without=("G2",)).history())
    assert judgement.verdict is Verdict.FAILED


def test_a_promise_that_breaks_says_so_and_the_others_are_judged(scenario, world, monkeypatch):
    def no_hang(facts):
        raise ZeroDivisionError("oops")

    both = (
        promises.Promise(says="every request is answered", check=no_hang),
        promises.Promise(says="it is kept", check=lambda facts: iter(())),
    )
    monkeypatch.setattr(promises, "PROMISES", both)
    broke, kept = judge(scenario(PROMISING), sound(world).history()).promises
    assert (broke.name, broke.verdict) == ("every request is answered", Verdict.INCONCLUSIVE)
    assert broke.observed == "the check broke: ZeroDivisionError: oops"
    assert (kept.name, kept.verdict) == ("it is kept", Verdict.PASSED)


def test_each_finding_knows_the_line_that_asks_for_it(world):
    text = "title: a scenario\nduration: 90s\n" + EXPECTING.lstrip()
    judgement = judge(parse_scenario(text, "s.yaml"), sound(world).history())
    assert [finding.line for finding in judgement.findings] == [6]


def test_a_target_that_dies_is_failed_with_its_last_words(scenario, world):
    said = ("x" * 290, "panic: auth is away", "exiting")
    shown = sound(world)
    shown.events.append(Ended(at_s=12.3, by="engine", status=1, said=said))
    judgement = judge(scenario(PROMISING), shown.history())
    finding = judgement.promises[0]
    assert finding.verdict is judgement.verdict is Verdict.FAILED
    assert finding.observed == "it ended by itself at 12.3s with exit status 1"
    assert finding.evidence == "its process; its last words: panic: auth is away | exiting"


def test_what_ends_a_target_from_outside_is_no_fault_of_its_own():
    assert isinstance(ended(-11, 1.0, ()), Ended)
    trouble = ended(-9, 1.0, ("working",))
    assert isinstance(trouble, Trouble)
    assert trouble.what.startswith("the target was ended by SIGKILL, from outside")


@pytest.mark.parametrize("without", [("B1", "B2", "B3", "B4", "B5", "B6"), ()])
@pytest.mark.parametrize(
    ("what", "breaks", "claim", "always_said"),
    [("shares one breaker with billing", ONE_BREAKER, "B10", False),
     ("has no deadline for an attempt", ENDS_ATTEMPTS, "B8", True)],
)  # fmt: skip
def test_who_promises_no_breaker_breaks_none(
    case, world, monkeypatch, without, what, breaks, claim, always_said
):
    """What explains that none opened is no finding about a breaker that is nobody's."""
    cause = Cause(what=what, breaks=(breaks,), events=9)
    monkeypatch.setattr(Wire, "causes", (cause,))
    shown = world(without=without).warmed_up().fault("status", "auth", 0.0, 12.0)
    for second in range(12):
        shown.request("chat", second + 1, float(second), 503)
        shown.call("auth", second + 0.001, status=503)
    own = case(PROMISING.replace("5s", "12s"), shown)
    found = {each.name: (each.verdict, each.claims) for each in judge_case(own).promises}
    owed = (Verdict.OUT_OF_SCOPE, ("B2",)) if without else (Verdict.FAILED, (claim,))
    assert found["no traffic while open (auth)"] == owed
    scene = observe(own, judge_case(own))
    assert scene is not None
    said = [cause for each in scene.upstreams for cause in each.breaker.causes]
    assert bool(said) is (always_said or not without)
    assert (scene.forecast is None) is bool(without)
    assert ("nothing promised of it is judged" in scene.upstreams[0].settings) is bool(without)
    assert scene.upstreams[0].promised is not bool(without)


OWN = """
name: shop
claims: {S1: {says: Whatever breaks is said properly.}}
promises: {no 5xx but 503: [S1]}
"""


@pytest.mark.parametrize(
    ("without", "verdict"), [((), Verdict.FAILED), (("S1",), Verdict.OUT_OF_SCOPE)]
)
def test_a_finding_has_the_ids_of_the_contract_that_the_target_is_held_to(
    scenario, world, without, verdict
):
    shown = sound(world, contract=OWN, without=without).request("chat", 91, 90.0, 500)
    judgement = judge(scenario(PROMISING), shown.call("auth", 90.001).history())
    broken = [f for f in judgement.promises if f.name == "never 5xx (chat)"]
    assert [(f.claims, f.verdict) for f in broken] == [(("S1",), verdict)]


@pytest.mark.parametrize("word", ["else: 502", "else: 503, refused: {'429': 502}"])
@pytest.mark.parametrize(("status", "broken"), [(502, 0), (500, 1)])
def test_what_the_contract_answers_for_a_call_that_fails_is_no_error(
    scenario, world, status, broken, word
):
    """Proxies such as nginx answer 502."""
    route = f"request: POST /v1/api/chat, calls: [{{call: auth POST /verify_token, {word}}}]"
    own = f"{OWN}upstreams: {{auth: {{timeout: 2s}}}}\nroutes: {{chat: {{{route}}}}}\n"
    shown = sound(world, contract=own).request("chat", 91, 90.0, status)
    judgement = judge(scenario(PROMISING), shown.call("auth", 90.001).history())
    assert len([f for f in judgement.promises if f.name == "never 5xx (chat)"]) == broken


@pytest.mark.parametrize(
    ("refused", "broken"), [("", 1), (", refused: {'404': go on}", 0), (", refused: go on", 0)]
)
def test_a_good_answer_to_what_the_upstream_does_not_know_is_none_without_it(
    scenario, world, refused, broken
):
    """A station that isn't known has no wind: 200 to its upstream's 404."""
    step = f"{{call: auth POST /verify_token, else: 503{refused}}}"
    route = f"request: POST /v1/api/chat, calls: [{step}]"
    own = f"{OWN}upstreams: {{auth: {{timeout: 2s}}}}\nroutes: {{chat: {{{route}}}}}\n"
    shown = world(contract=own).warmed_up().fault("status", "auth", 0.0, 5.0)
    for at_s in range(5):
        shown.request("chat", at_s + 1, float(at_s), 200)
        shown.call("auth", at_s + 0.001, status=404)
    judgement = judge(scenario(PROMISING.replace("503", "404")), shown.history())
    assert len([f for f in judgement.promises if f.name.startswith("never served")]) == broken


@pytest.mark.parametrize(
    ("retried", "verdict"), [("GET /file/p1/notes.md", "passed"), ("POST /save_file", "failed")]
)
def test_a_retry_on_a_route_that_the_contract_spells_otherwise_may_be_what_was_needed(
    scenario, world, retried, verdict
):
    # The contract says `GET /file/{project}/name`; a refused connect names no route.
    path = {"path": "/v1/api/project/p1/file/notes.md", "method": "GET"}
    shown = world(evidence=SIMULATED).warmed_up(
        "read",
        reaches=("auth", "filesystem"),
        routes={"filesystem": "GET /file/p1/notes.md"},
        **path,
    )
    shown.fault("refused", "filesystem", 0.0, 1.0)
    shown.request("read", 1, 0.0, 200, took_s=1.02, **path).call("auth", 0.001)
    shown.events.append(
        Crossed(at_s=0.008, what="refused", connection=0, by="proxy", upstream="filesystem")
    )
    shown.call("filesystem", 1.01, retried)
    judgement = judge(
        scenario(
            f"traffic: {{read: {{request: 'GET {path['path']}', as: ada, rate: 1/s}}}}\n"
            "faults: [{upstream: filesystem, fault: refused, to: 1s}]"
        ),
        shown.history(),
    )
    (found,) = (f for f in judgement.promises if "required call" in f.expected)
    assert found.verdict.value == verdict, str(found)


@pytest.mark.parametrize(("again_s", "broken"), [(0.012, 1), (1.012, 0)])
def test_a_refused_call_is_tried_again_after_its_backoff_whichever_call_it_was(
    scenario, world, again_s, broken
):
    """A chat asks billing twice, and a refused connect doesn't say for what: the first of them."""
    shown = world(evidence=("stub", "proxy requests", "refused connects"))
    shown.warmed_up(reaches=("auth", "billing"), routes={"billing": "GET /balance/ada"})
    shown.warmed_up(reaches=("billing",), routes={"billing": "POST /deduct"}, at_s=-0.9)
    shown.fault("refused", "billing", 0.0, 5.0)
    shown.request("chat", 1, 0.0, 200, took_s=again_s + 0.01).call("auth", 0.001)
    for at_s in (0.01, again_s):
        shown.events.append(
            Crossed(at_s=at_s, what="refused", connection=0, by="proxy", upstream="billing")
        )
    text = PROMISING.replace("auth, fault: status, status: 503", "billing, fault: refused")
    judgement = judge(scenario(text), shown.history())
    found = [f for f in judgement.promises if f.name == "backoff between attempts (billing)"]
    assert len(found) == broken


@pytest.mark.parametrize(("again_s", "broken"), [(1.0, 0), (2.6, 0), (5.4, 1)])
def test_who_may_have_been_cut_at_once_waits_from_then_or_from_its_deadline(
    scenario, world, again_s, broken
):
    """A `timeout` that is drawn for some connections lets the service's close pass, or doesn't:
    the attempt ended at 0.01 s, or at its deadline.
    """
    shown = world(
        settings={"auth": {"attempts": 2, "timeout_s": 1.5, "threshold": 5, "wait_s": 60}}
    )
    shown.warmed_up().fault("timeout", "auth", 0.0, 20.0)
    shown.request("chat", 1, 0.0, 200, took_s=again_s + 0.02)
    shown.call("auth", 0.005, status=None).call("auth", again_s)
    shown.events.append(
        Crossed(at_s=0.01, what="closed", closed_by="upstream", connection=2, by="proxy",
                upstream="auth")
    )  # fmt: skip
    text = PROMISING.replace("status, status: 503", "timeout, toxicity: 50%")
    judgement = judge(scenario(text), shown.history())
    found = [f for f in judgement.promises if f.name == "backoff between attempts (auth)"]
    assert len(found) == broken, found


@pytest.mark.parametrize(("real", "broken"), [((), 1), (("billing",), 0)])
def test_a_real_service_keeps_its_ledger_to_itself(scenario, world, real, broken):
    """Only a stub's ledger could show that an answer says it was charged and wasn't."""
    said = {"response": "hello", "degraded": False, "charged": True, "sources": []}
    shown = world(real=real).warmed_up(reaches=("auth", "billing"), body=said)
    shown.fault("status", "auth", 0.0, 5.0).request("chat", 11, 10.0, 200, body=said)
    judgement = judge(scenario(PROMISING), shown.call("auth", 10.001).history())
    found = [f for f in judgement.promises if f.name == "charges are as answered (billing)"]
    assert len(found) == broken
