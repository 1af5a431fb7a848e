"""The contract's breaker as an acceptor: what it explains, and what it doesn't."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.policy.counting import Result
from harness.policy.settings import ServiceSettings, in_a_row
from harness.policy.shares import ShareOfAll, ShareOfSeconds
from harness.wire.breaker import Acceptor, read
from harness.wire.demand import Asked
from harness.wire.outcomes import Outcomes
from harness.wire.policy import declared
from harness.wire.states import NEVER, Reading, State

TIE_S = 0.05
FAILED = [(0.0, 0.1, "f"), (1.0, 1.1, "f"), (2.0, 2.1, "f")]
"""Three failures open it at 2.1 s; a probe is due at 12.1 s."""


def away(at_s: float) -> Asked:
    return Asked(asked_s=at_s, by_s=at_s + 0.01, request=1)


def hold(made, asked, settings: ServiceSettings, lost=()) -> Reading:
    """What the declared breaker makes of it."""
    outcomes = Outcomes(declared(settings), settings.timeout_s)
    return read(made, asked, outcomes, tie_s=lambda at_s: TIE_S, lost=lost)


def kinds(reading: Reading) -> list[str]:
    (changes,) = reading.changes
    return [change.kind for change in changes]


def wrong(reading: Reading) -> str | None:
    return None if reading.refutation is None else reading.refutation.wrong


def test_failures_rejections_a_probe_and_success_are_explained(attempts, settings) -> None:
    made = attempts(*FAILED, (12.2, 12.3, "s"), (13.0, 13.1, "s"))
    reading = hold(made, [away(3), away(7), away(11)], settings)
    assert wrong(reading) is None
    assert kinds(reading) == ["open", "half_open", "closed"]


def test_a_failed_probe_opens_it_for_a_whole_wait_again(attempts, settings) -> None:
    made = attempts(*FAILED, (12.2, 12.3, "f"), (22.4, 22.5, "s"))
    assert wrong(hold(made, [away(15), away(22)], settings)) is None
    made = attempts(*FAILED, (12.2, 12.3, "f"), (20.0, 20.1, "s"))
    assert wrong(hold(made, [], settings)) == "while open"


def test_an_attempt_while_it_is_open_is_refuted_with_its_instant(attempts, settings) -> None:
    reading = hold(attempts(*FAILED, (3.0, 3.1, "f")), [], settings)
    assert reading.refutation is not None
    assert reading.refutation.wrong == "while open"
    assert reading.refutation.at_s == 3.0
    assert reading.refutation.state_s == pytest.approx(2.1)


def test_what_a_fault_held_back_may_be_no_attempt_at_all(attempts, settings) -> None:
    """It comes when nobody waits for it: an open breaker let nothing through, a closed one counts
    nothing. Or it was one, that failed.
    """
    made = attempts(*FAILED, (3.0, 3.1, "f"))
    assert wrong(hold([*made[:3], replace(made[3], old=True)], [], settings)) is None
    made = attempts(*FAILED[:2], (2.0, 2.1, "fs"), (5.0, 5.1, "s"))
    maybe = [*made[:2], replace(made[2], old=True), made[3]]
    assert wrong(hold(maybe, [], settings)) is None, "it stayed closed"
    assert wrong(hold(maybe[:3], [away(3)], settings)) is None, "or it opened"


def test_a_second_attempt_during_the_probe_is_refuted(attempts, settings) -> None:
    made = attempts(*FAILED, (12.2, 14.0, "s"), (13.0, 13.1, "s"))
    assert wrong(hold(made, [], settings)) == "two probes"


def test_a_rejection_before_the_threshold_is_refuted(attempts, settings) -> None:
    assert wrong(hold(attempts(*FAILED[:2]), [away(2)], settings)) == "turned away"


def test_a_success_in_between_resets_the_count(attempts, settings) -> None:
    made = attempts((0.0, 0.1, "f"), (1.0, 1.1, "f"), (2.0, 2.1, "s"), (3.0, 3.1, "f"))
    assert wrong(hold(made, [], settings)) is None
    assert wrong(hold(made, [away(4)], settings)) == "turned away"


def test_a_rejection_long_after_the_wait_is_refuted(attempts, settings) -> None:
    assert wrong(hold(attempts(*FAILED), [away(12.2)], settings)) is None
    assert wrong(hold(attempts(*FAILED), [away(12.8)], settings)) == "no probe"


def test_a_quarter_second_around_the_wait_either_answer_is_right(attempts, settings) -> None:
    made = attempts(*FAILED, (11.9, 12.0, "s"))
    assert wrong(hold(made, [], settings)) is None
    made = attempts(*FAILED, (11.7, 11.8, "s"))
    assert wrong(hold(made, [], settings)) == "while open"


def test_it_waits_from_any_instant_at_which_the_last_failure_may_have_been_heard(
    attempts, settings
) -> None:
    *before, last, probe = attempts(*FAILED[:2], (2.0, 6.0, "f"), (13.0, 13.1, "s"))
    drips = replace(last, ends_from_s=2.5)
    assert wrong(hold([*before, drips, probe], [], settings)) is None
    early = replace(probe, start_s=12.0)
    assert wrong(hold([*before, drips, early], [], settings)) == "while open"
    assert wrong(hold([*before, drips], [away(16)], settings)) is None
    assert wrong(hold([*before, drips], [away(16.6)], settings)) == "no probe"


def test_a_probe_that_drips_may_have_failed_long_before_its_last_byte(attempts, settings) -> None:
    *before, probe, again = attempts(*FAILED, (12.2, 16.0, "f"), (23.0, 23.1, "s"))
    drips = replace(probe, ends_from_s=12.3)
    assert wrong(hold([*before, drips, again], [], settings)) is None
    assert wrong(hold([*before, probe, again], [], settings)) == "while open"


def test_a_straggler_changes_nothing(attempts, settings) -> None:
    late_success = attempts((0.0, 4.5, "s"), *FAILED)
    assert wrong(hold(late_success, [away(5), away(11)], settings)) is None
    late_failure = attempts((0.0, 4.5, "f"), *FAILED, (12.2, 12.3, "s"))
    assert wrong(hold(late_failure, [away(11)], settings)) is None


def test_a_neutral_probe_gives_its_slot_back(attempts, settings) -> None:
    made = attempts(*FAILED, (12.2, 12.3, "n"), (13.0, 13.1, "s"), (14.0, 14.1, "s"))
    assert wrong(hold(made, [], settings)) is None
    kept = attempts(*FAILED, (12.2, 12.3, "n"))
    assert wrong(hold(kept, [away(13)], settings)) == "no probe"


def test_at_one_instant_either_order_is_right(attempts, settings) -> None:
    # The success may have come before or after the third failure: open and closed are possible.
    tied = (*FAILED, (0.5, 2.12, "s"))
    assert wrong(hold(attempts(*tied, (3.0, 3.1, "s")), [], settings)) is None
    assert wrong(hold(attempts(*tied), [away(3)], settings)) is None


def test_an_uncertain_result_is_taken_either_way(attempts, settings) -> None:
    unsure = (*FAILED[:2], (2.0, 2.1, "sf"))
    assert wrong(hold(attempts(*unsure), [away(3)], settings)) is None
    assert wrong(hold(attempts(*unsure, (3.0, 3.1, "s")), [], settings)) is None


def test_what_was_asked_just_before_the_trip_may_still_arrive(attempts, settings) -> None:
    made = attempts(*FAILED, (2.13, 2.2, "f"))
    assert wrong(hold(made, [away(4)], settings)) is None


def test_other_settings_are_taken_as_they_are(attempts) -> None:
    eager = in_a_row(attempts=1, timeout_s=1, threshold=1, wait_s=2)
    made = attempts((0.0, 0.1, "f"), (2.2, 2.3, "s"))
    assert wrong(hold(made, [away(1)], eager)) is None
    assert wrong(hold(attempts((0.0, 0.1, "f"), (1.0, 1.1, "s")), [], eager)) == ("while open")


def test_an_attempt_that_nobody_saw_may_have_failed(attempts, settings) -> None:
    seen = attempts(*FAILED[:2])
    assert wrong(hold(seen, [away(2)], settings, lost=[1.5])) is None
    # Or there was none, and it is closed still.
    made = attempts(*FAILED[:2], (2.0, 2.1, "s"))
    assert wrong(hold(made, [], settings, lost=[1.5])) is None
    # It explains one failure, not two.
    assert wrong(hold(attempts(FAILED[0]), [away(2)], settings, lost=[1.5])) == ("turned away")


def test_a_probe_that_nobody_saw_may_have_failed(attempts, settings) -> None:
    made = attempts(*FAILED, (22.6, 22.7, "s"))
    rejected = [away(13), away(22)]
    assert wrong(hold(made, rejected, settings)) == "no probe"
    assert wrong(hold(made, rejected, settings, lost=[12.4])) is None
    # While it is open for sure nothing was sent.
    assert wrong(hold(made, rejected, settings, lost=[8.0])) == "no probe"


def test_what_counts_for_nothing_beside_a_failure_makes_it_no_less_of_one(
    attempts, settings
) -> None:
    neutral = [(start_s, end_s, "n") for start_s, end_s, _ in FAILED]
    reading = hold(attempts(*FAILED, *neutral, (4.0, 4.1, "f")), [], settings)
    assert wrong(reading) == "while open"
    opposite = [(start_s, end_s, "s") for start_s, end_s, _ in FAILED]
    assert wrong(hold(attempts(*FAILED, *opposite, (4.0, 4.1, "f")), [], settings)) is None


def test_a_wait_that_begins_anew_was_not_over_just_before(attempts, settings) -> None:
    """A late failure begins its wait anew at 3.0 s: it is open all the time from 2.1 s on."""
    policy = replace(declared(settings), stragglers="restarts")
    outcomes = Outcomes(policy, settings.timeout_s)
    for at_s, right in ((3.02, "while open"), (2.12, None)):
        made = attempts(*FAILED, (0.5, 3.0, "f"), (at_s, at_s + 0.1, "f"))
        found = read(made, [away(10)], outcomes, tie_s=lambda at_s: TIE_S)
        assert wrong(found) == right


def test_after_a_time_that_nobody_can_read_a_rate_may_count_what_was_before(attempts) -> None:
    """What it had seen by then keeps the five failures below a half of the last 10 s."""
    policy = replace(
        declared(in_a_row(attempts=1, timeout_s=1, threshold=5, wait_s=4)),
        opens=ShareOfSeconds(0.5, 10.0, 6),
    )
    made = attempts(
        *((k / 2, k / 2, "s") for k in range(1, 9)),
        *((k / 2, k / 2, "f") for k in range(10, 16)),
        (8.0, 8.0, "s"),
        (30.0, 30.0, "s"),
    )

    def read_with(unread_s: float) -> Reading:
        tie_s = lambda at_s: 2.0 if at_s == unread_s else TIE_S  # noqa: E731
        return read(made, (), Outcomes(policy, 1.0), tie_s=tie_s)

    assert wrong(read_with(-1.0)) is None
    assert wrong(read_with(3.5)) is None
    (changes,) = read_with(3.5).changes
    assert [change.kind for change in changes] == ["any", "closed"]
    assert changes[-1].high_s == 30.0


def test_all_of_a_long_warm_up_counts_where_no_result_is_forgotten(attempts) -> None:
    """Thirty good ones want 45 failures for 60 %; by the last twenty it opened late, by 15."""
    share = declared(in_a_row(attempts=1, timeout_s=1, threshold=5, wait_s=40))
    policy = replace(share, opens=ShareOfAll(0.6, 6))
    made = attempts(*((k / 2, k / 2, "f") for k in range(1, 46)))
    warm_up = [-20.0 + k / 2 for k in range(30)]
    reading = read(
        made, [away(23.0)], Outcomes(policy, 1.0), tie_s=lambda at_s: TIE_S, earlier=warm_up
    )
    assert wrong(reading) is None


def test_a_call_that_would_have_tried_again_need_not_have_failed_yet(attempts) -> None:
    """Where calls are counted: it is turned away before its last attempt, and says nothing."""
    by_call = in_a_row(attempts=2, timeout_s=5, threshold=2, wait_s=10, per_call=True)
    made = attempts(
        (0.0, 0.0, "f"), (0.5, 0.5, "f"), (1.0, 1.0, "f"), (1.2, 1.2, "f"), (1.4, 1.4, "f"),
        (1.5, 1.5, "f"), (11.6, 11.6, "f"), (21.7, 21.7, "s"),
    )  # fmt: skip
    calls = [(made[0], made[2]), (made[1], made[5]), *((made[k],) for k in (3, 4, 6, 7))]
    outcomes = Outcomes(declared(by_call), by_call.timeout_s, calls, tries=by_call.attempts)
    reading = read(made, [away(2.2), away(21.0)], outcomes, tie_s=lambda at_s: TIE_S)

    assert wrong(reading) is None
    assert kinds(reading) == ["open", "half_open", "open", "half_open", "closed"]
    assert outcomes.results(made[3]) == {Result.FAILURE, None}
    assert outcomes.results(made[2]) == {Result.FAILURE}


def test_what_is_forgotten_of_an_open_one_leaves_it_due(attempts, settings) -> None:
    """It was said to be open for ever: minus infinity less itself is no number."""
    outcomes = Outcomes(declared(settings), settings.timeout_s)
    acceptor = Acceptor(attempts(*FAILED), outcomes, lambda at_s: TIE_S)
    (forgotten,) = acceptor.forgotten({State("open", 2.1, 2.0): ()}, 60.0)
    assert (forgotten.kind, forgotten.since_s) == ("open", NEVER)
    assert acceptor.is_due(forgotten, 60.0)
