"""What an answer must say of an outage, from histories by hand."""

from __future__ import annotations

from typing import Any

import pytest

from harness.explore.answers import unflagged
from harness.explore.evidence import Evidence
from harness.explore.outage import Flow, Outage
from harness.explore.surface import ROUTES, Offered, Surface
from harness.history.events import Answered, Sent
from harness.history.view import History
from harness.settings import DOCUMENTED

_CHAT = Offered(
    route=ROUTES["chat"],
    calls=(("auth", "POST /verify_token"), ("chroma", "POST /query")),
    says_degraded=True,
)
_DOWN = {"upstream": "chroma", "fault": "status", "status": 503, "from": 0.0, "to": 5.0}


def evidence(fault: dict[str, Any], *, sent_s: float, degraded: bool) -> Evidence:
    """One chat under one fault."""
    outage = Outage(
        flows=(Flow(name="chat", route="chat", raw=ROUTES["chat"].raw, rate_per_s=1.0),),
        faults=(fault,),
        duration_s=10.0,
    )
    sent = Sent(at_s=sent_s, by="client", id=1, stream="chat", number=1, planned_s=sent_s,
                method="POST", path="/v1/api/chat", user="ada")  # fmt: skip
    answered = Answered(at_s=sent_s + 0.1, by="client", id=1, status=200,
                        body={"degraded": degraded})  # fmt: skip
    surface = Surface(offered=(_CHAT,), missing=(), settings=DOCUMENTED)
    return Evidence(outage, outage.scenario(), History([sent, answered]), surface)


def test_a_chat_without_chroma_that_does_not_say_so_is_told() -> None:
    (found,) = unflagged(evidence(_DOWN, sent_s=1.0, degraded=False))
    assert found.about == "chroma"
    assert found.expectations[0]["json"] == {"degraded": True}


@pytest.mark.parametrize(
    ("fault", "sent_s", "degraded"),
    [
        (_DOWN, 1.0, True),
        (_DOWN, 6.0, False),
        (_DOWN, 4.95, False),
        ({**_DOWN, "one_in": 2}, 1.0, False),
        ({**_DOWN, "upstream": "auth"}, 1.0, False),
    ],
    ids=["says so", "after the lift", "across the lift", "some calls only", "another upstream"],
)
def test_what_may_have_had_chroma_is_not(
    fault: dict[str, Any], sent_s: float, degraded: bool
) -> None:
    assert not list(unflagged(evidence(fault, sent_s=sent_s, degraded=degraded)))
