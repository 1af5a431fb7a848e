"""What a route answers to an upstream's own refusals, by the contract."""

from __future__ import annotations

import pytest

from harness.contracts.routes import GO_ON, Statuses, Step


def step(refused: object) -> Step:
    return Step.model_validate({"call": "stock GET /left", "else": 503, "refused": refused})


@pytest.mark.parametrize(
    ("refused", "said"),
    [(None, 503), (409, 503), (GO_ON, 503), ({"429": 502}, 502), ({"404": 404}, 503)],
)
def test_a_busy_upstream_has_a_word_only_where_it_is_named(refused: object, said: int) -> None:
    """A 429 says nothing of what was asked: what is said of refusals in general is not meant."""
    assert step(refused).to_refusal(429) == (said,)


@pytest.mark.parametrize(
    ("refused", "said"),
    [(GO_ON, ()), ({"404": GO_ON}, ()), ({"404": [404, 410]}, (404, 410)), ({"403": 403}, (503,))],
)
def test_a_route_may_answer_well_what_its_upstream_does_not_know(
    refused: object, said: Statuses
) -> None:
    assert step(refused).to_refusal(404) == said
