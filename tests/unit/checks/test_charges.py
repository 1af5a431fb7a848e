from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.checks import charges
from harness.checks.charges import totals
from harness.verdict import Verdict

ONCE = "expect: [{charges: once per charged answer, duplicates: 0}]"
CHARGED = {"response": "hi", "charged": True}
UNCHARGED = {"response": "hi", "charged": False}


def both(case):
    return charges.check(case.scenario.expect[0], case)


def first(case):
    return both(case)[0]


def paid(world, instants, **more):
    """Chats that are charged once each, after a warm-up that was charged too."""
    shown = world().warmed_up(reaches=("auth", "billing"), charge=True)
    for at_s in instants:
        shown.request("chat", int(at_s) + 1, at_s, 200, body=CHARGED, **more)
        shown.charge(at_s + 0.005)
    return shown


def test_one_charge_for_each_charged_answer_passes(case, world):
    once, duplicates = both(case(ONCE, paid(world, range(10))))
    assert once.verdict is Verdict.PASSED
    assert once.name == "billing charges once per charged answer throughout"
    assert once.observed == "10 charges for 10 requests answered as charged"
    assert duplicates.verdict is Verdict.PASSED
    assert duplicates.name == "billing shows 0 duplicates throughout"


def test_a_second_charge_for_a_chat_fails_both(case, world):
    once, duplicates = both(case(ONCE, paid(world, range(10)).charge(5.5)))
    assert once.verdict is Verdict.FAILED
    assert once.observed.endswith(": 1 too many")
    assert duplicates.verdict is Verdict.FAILED
    assert duplicates.observed.startswith("1 duplicate: 11 charges for 10 requests")
    assert once.timeless
    assert duplicates.timeless


def test_charging_an_uncharged_chat_afterwards_fails(case, world):
    shown = paid(world, range(10)).answers("chat", range(10, 20), 200, body=UNCHARGED)
    assert first(case(ONCE, shown)).verdict is Verdict.PASSED
    assert first(case(ONCE, shown.charge(60.0))).verdict is Verdict.FAILED


def test_charging_a_chat_not_answered_200_fails(case, world):
    shown = paid(world, range(10)).request("chat", 20, 20.0, 500).charge(20.1)
    assert first(case(ONCE, shown)).verdict is Verdict.FAILED


def test_a_chat_said_to_be_charged_that_was_not_fails(case, world):
    shown = paid(world, range(10)).request("chat", 20, 20.0, 200, body=CHARGED)
    once, duplicates = both(case(ONCE, shown))
    assert once.verdict is Verdict.FAILED
    assert once.observed.endswith(": 1 too few")
    assert not once.timeless
    assert duplicates.verdict is Verdict.PASSED


def test_a_refused_repetition_is_no_duplicate(case, world):
    once, _ = both(case(ONCE, paid(world, range(10)).charge(5.5, duplicate=True)))
    assert once.verdict is Verdict.PASSED
    assert "1 repeated charge refused by their key" in once.evidence


def test_a_target_that_does_not_say_is_held_to_answers_of_200(case, world):
    shown = world().warmed_up(reaches=("auth", "billing"), charge=True)
    shown.answers("chat", range(10), 200)
    for at_s in range(8):
        shown.charge(at_s + 0.005)
    once, _ = both(case(ONCE, shown))
    assert once.verdict is Verdict.PASSED
    assert "doesn't say" in once.evidence
    for at_s in range(8, 12):
        shown.charge(at_s + 0.005)
    once, duplicates = both(case(ONCE, shown))
    assert once.verdict is Verdict.FAILED
    assert duplicates.observed.startswith("2 duplicates")


def test_a_chat_in_flight_at_the_end_may_own_a_charge(case, world):
    shown = paid(world, range(10)).request("chat", 90, 89.5, 200, took_s=None).charge(89.6)
    once, duplicates = both(case(ONCE, shown))
    assert once.verdict is Verdict.PASSED
    assert duplicates.verdict is Verdict.PASSED
    hung = paid(world, range(10)).request("chat", 12, 11.0, 200, took_s=None).charge(11.1)
    text = "faults: [{upstream: billing, fault: blackhole}]\n" + ONCE
    assert first(case(text, hung)).verdict is Verdict.FAILED


LOST = "faults: [{upstream: billing, fault: reply_lost, on: POST /deduct}]\n" + ONCE


def test_a_charge_whose_answer_was_lost_is_unacknowledged_and_no_duplicate(case, world):
    shown = paid(world, range(10)).fault("reply_lost", "billing", 20.0, 30.0)
    shown.request("chat", 20, 20.0, 200, body=UNCHARGED, took_s=11.0).charge(20.1)
    once, duplicates = both(case(LOST, shown))
    assert once.verdict is duplicates.verdict is Verdict.PASSED
    assert once.observed == (
        "11 charges for 10 requests answered as charged, and 1 whose answer was lost"
    )
    assert totals(case(LOST, shown)).unacknowledged == 1


def test_two_charges_for_a_chat_whose_answer_was_lost_are_one_duplicate(case, world):
    shown = paid(world, range(10)).fault("reply_lost", "billing", 20.0, 30.0)
    shown.request("chat", 20, 20.0, 200, body=UNCHARGED, took_s=11.0).charge(20.1).charge(26.1)
    once, duplicates = both(case(LOST, shown))
    assert once.verdict is duplicates.verdict is Verdict.FAILED
    assert duplicates.observed.startswith("1 duplicate: 12 charges")


def test_a_chat_that_denies_its_charge_without_a_fault_does_not_own_it(case, world):
    shown = paid(world, range(10)).fault("reply_lost", "billing", 20.0, 30.0)
    shown.request("chat", 20, 40.0, 200, body=UNCHARGED).charge(40.005)
    assert first(case(LOST, shown)).verdict is Verdict.FAILED


def test_a_charge_of_another_user_is_nobodys(case, world):
    shown = paid(world, range(10)).request("chat", 20, 20.0, 200, body=UNCHARGED, user="bob")
    shown.fault("reply_lost", "billing", 19.0, 30.0).charge(20.005, user="ada")
    assert first(case(LOST, shown)).verdict is Verdict.FAILED


def test_a_charge_that_a_stall_held_back_is_its_chats_own(case, world):
    text = "faults: [{upstream: billing, fault: stall, from: 20s, to: 50s}]\n" + ONCE
    shown = paid(world, range(10)).fault("stall", "billing", 20.0, 50.0)
    shown.request("chat", 20, 20.0, 200, body=UNCHARGED, took_s=11.0).charge(50.001)
    assert first(case(text, shown)).verdict is Verdict.PASSED
    assert first(case(text, shown.charge(55.0))).verdict is Verdict.FAILED


def test_nothing_to_compare_is_inconclusive(case, world):
    shown = world().warmed_up(charge=True).answers("chat", range(10), 200, body=UNCHARGED)
    once, duplicates = both(case(ONCE, shown))
    assert once.verdict is Verdict.INCONCLUSIVE
    assert duplicates.verdict is Verdict.PASSED
    shown = world().warmed_up(charge=True)
    assert [f.verdict for f in both(case(ONCE, shown))] == [Verdict.INCONCLUSIVE] * 2


def test_a_ledger_out_of_sight_is_inconclusive(case, world):
    shown = world().warmed_up().answers("chat", range(10), 200, body=CHARGED)
    assert [f.verdict for f in both(case(ONCE, shown))] == [Verdict.INCONCLUSIVE] * 2


WINDOW = """
faults: [{upstream: billing, fault: refused, to: 50s}]
expect: [{during: %s, charges: "%s"}]
"""


def test_no_charge_in_a_window_passes_with_both_proofs(case, world):
    shown = paid(world, range(70, 80)).fault("refused", "billing", 0.0, 50.0)
    shown.answers("chat", range(70), 200, body=UNCHARGED)
    finding = first(case(WINDOW % ("10s..60s", "0"), shown))
    assert finding.verdict is Verdict.PASSED
    assert finding.observed == "0 charges"
    assert "nothing could reach billing in 10s..50s" in finding.evidence
    assert first(case(WINDOW % ("10s..60s", "0"), shown.charge(55.0))).verdict is Verdict.FAILED


def test_no_charge_where_none_could_reach_billing_is_inconclusive(case, world):
    shown = paid(world, range(70, 80)).fault("refused", "billing", 0.0, 50.0)
    shown.answers("chat", range(70), 200, body=UNCHARGED)
    finding = first(case(WINDOW % ("10s..40s", "0"), shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.evidence == "nobody's charge could reach billing in 10s..40s"


def test_no_charge_without_chats_is_inconclusive(case, world):
    finding = first(case(WINDOW % ("55s..60s", "0"), paid(world, range(10))))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.evidence == "no request that is charged was sent meanwhile"


def test_charges_are_counted(case, world):
    shown = paid(world, range(60, 80))
    assert first(case(WINDOW % ("60s..70s", "10"), shown)).verdict is Verdict.PASSED
    assert first(case(WINDOW % ("60s..70s", ">= 5"), shown)).verdict is Verdict.PASSED
    assert first(case(WINDOW % ("60s..70s", ">= 11"), shown)).verdict is Verdict.FAILED
    assert first(case(WINDOW % ("60s..70s", "<= 9"), shown)).verdict is Verdict.FAILED


@given(
    charged=st.lists(st.booleans(), min_size=1, max_size=20),
    extra=st.integers(0, 3),
    refused=st.integers(0, 3),
)
def test_duplicates_are_charges_beyond_the_charged_answers(case, world, charged, extra, refused):
    shown = world().warmed_up(charge=True)
    for index, yes in enumerate(charged):
        shown.request("chat", index + 1, float(index), 200, body={"charged": yes})
        if yes:
            shown.charge(index + 0.005)
    for index in range(extra):
        shown.charge(40.0 + index)
    for index in range(refused):
        shown.charge(50.0 + index, duplicate=True)
    found = totals(case(ONCE, shown))
    assert found.charges == sum(charged) + extra
    assert found.duplicates == extra
