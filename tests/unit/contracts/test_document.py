"""The bundled contract says what stood in code before it."""

from harness.claims import all_claims
from harness.contracts import document
from harness.explore.surface import CATALOGUE
from harness.settings import DOCUMENTED, UPSTREAM_VARIABLES
from harness.target import DEFAULT_USERS


def test_the_document_says_the_same_as_the_code() -> None:
    contract = document()
    assert contract.settings == DOCUMENTED
    assert contract.others.settings == DOCUMENTED["auth"]
    assert contract.variables == UPSTREAM_VARIABLES
    assert {name: user.model_dump() for name, user in contract.users.items()} == {
        name: user.model_dump() for name, user in DEFAULT_USERS.items()
    }
    assert {name: sample.raw for name, sample in contract.traffic.items()} == {
        route.name: route.raw for route in CATALOGUE
    }


def test_the_claims_are_the_same() -> None:
    told = {claim.id: claim for claim in all_claims()}
    assert list(told) == list(document().claims)
    for name, text in document().claims.items():
        parts = text.model_dump(exclude_none=True)
        assert parts.pop("apart", None) == told[name].apart
        assert parts == {key: " ".join(said.split()) for key, said in told[name].parts.items()}
