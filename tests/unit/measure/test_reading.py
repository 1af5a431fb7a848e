"""What a play of an experiment shows of each of its requests."""

from __future__ import annotations

from harness.history.events import Answered, Crossed, Sent
from harness.history.view import History
from harness.measure.reading import Reading


def test_a_refused_health_check_is_no_attempt_of_a_call_that_is_over() -> None:
    """A refused connect doesn't say what it was for: a health check comes every 5 s."""
    events = [
        Sent(
            at_s=5.0,
            by="engine",
            id=1,
            stream="probe",
            number=1,
            method="GET",
            path="/price",
            planned_s=5.0,
        ),
        *(
            Crossed(at_s=at_s, by="proxy", upstream="rates", connection=0, what="refused")
            for at_s in (5.002, 5.402, 7.0, 12.0)
        ),
        Answered(at_s=5.41, by="engine", id=1, status=503),
    ]
    history = History(events)
    assert len(Reading(history, "rates", ignored=["GET /ping"]).seen[0].tries) == 2
    assert len(Reading(history, "rates").seen[0].tries) == 4, "it may go on after it answered"
