"""What an author expects: forms, told apart by the key that each begins with, one a file.

traffic: chat        what requests of a stream were answered: status, latency, json, cookie
percentiles: ...     how fast a stream's requests were answered, taken together
breaker: mail        when the breaker opens, probes, closes; which request is rejected first
upstream: mail       what reached an upstream: calls
rate: ...            how many calls an upstream got in any stretch of time
in_flight: ...       how many calls at an upstream were under way at once
connections: ...     how many connections to an upstream were open, at any instant
new_connections: ... how many connections to an upstream were opened
amplification: ...   how many attempts at an upstream came of each request of a client
charges: ...         what the ledger of charges shows
never: ...           what no request may meet, at any time
log: mail            what the target logs, in order
check: budget        what a function of the author's own says of the play

A form says what may be written, what is wrong with it in its file, and what it is about. What a
history shows of it, says the check in the module of the same name in `harness.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from harness.places import Places
from harness.scenario.branches import Branches
from harness.scenario.expectations.base import ExpectationBase, Selecting, Surroundings, Windowed
from harness.scenario.expectations.values import Contract, Instant, StatusSet, While

_PLACES = {
    "never": "never:ExpectNever",
    "check": "own:ExpectOwn",
    "log": "log:ExpectLog",
    "breaker": "breaker:ExpectBreaker",
    "charges": "charges:ExpectCharges",
    "rate": "rate:ExpectRate",
    "in_flight": "in_flight:ExpectInFlight",
    "connections": "connections:ExpectConnections",
    "new_connections": "new_connections:ExpectNewConnections",
    "amplification": "amplification:ExpectAmplification",
    "percentiles": "percentiles:ExpectPercentiles",
    "upstream": "calls:ExpectCalls",
    "traffic": "traffic:ExpectTraffic",
}
"""Where each form is (module of this package, class), by the key that tells it; where several of
these keys stand together the first tells."""

FORMS: Mapping[str, type[ExpectationBase]] = Places(__name__, _PLACES)
"""The forms by their telling keys."""


def _form(value: object) -> str | None:
    """The form of an expectation, by its telling key."""
    keys: Any = value if isinstance(value, dict) else getattr(value, "model_fields_set", ())
    return next((key for key in FORMS if key in keys), None)


if TYPE_CHECKING:
    Expectation = ExpectationBase
else:
    Expectation = Annotated[
        ExpectationBase,
        Branches(
            tag=_form,
            models=FORMS,
            unknown=("expectation_form", f"expected one of the keys {', '.join(FORMS)}"),
        ),
    ]

__all__ = [
    "FORMS",
    "Contract",
    "Expectation",
    "ExpectationBase",
    "Instant",
    "Selecting",
    "StatusSet",
    "Surroundings",
    "While",
    "Windowed",
]
