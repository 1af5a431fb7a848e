"""What a route answers to an upstream's own refusals, by the contract."""

from __future__ import annotations

import pytest

from harness.contract.routes import _refusal
from harness.contracts.routes import Step


@pytest.mark.parametrize(
    ("refused", "said"),
    [(None, 503), (409, 503), ({"429": 502}, 502), ({"404": 404}, 503)],
)
def test_a_busy_upstream_has_a_word_only_where_it_is_named(refused: object, said: int) -> None:
    """A 429 says nothing of what was asked: what is said of refusals in general is not meant."""
    step = Step.model_validate({"call": "stock GET /left", "else": 503, "refused": refused})
    assert _refusal(step, 429) == (said,)
