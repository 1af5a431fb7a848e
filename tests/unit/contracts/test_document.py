"""The bundled contract, held against those who implement it and play its upstreams."""

from gateway.settings import PROFILES
from harness.contracts import bundled_upstreams, bundled_users, document
from harness.policy.settings import in_a_row
from stub_services import DEFAULT_USERS, SERVICES


def test_the_reference_gateway_is_configured_as_the_contract_says() -> None:
    contract = document()
    for reading in contract.readings:
        told = {
            name: in_a_row(
                attempts=own.attempts,
                timeout_s=own.timeout_s,
                threshold=own.threshold,
                wait_s=own.wait_s,
                per_call=own.per_call,
            )
            for name, own in PROFILES[reading].items()
        }
        assert contract.profile(reading) == told


def test_the_stubs_know_its_users_and_answer_the_calls_of_its_routes() -> None:
    contract = document()
    assert list(SERVICES) == list(contract.upstreams)
    assert {name: list(own.owns or ()) for name, own in contract.users.items()} == {
        name: own["owns"] for name, own in DEFAULT_USERS.items()
    }


def test_each_request_of_its_traffic_is_of_one_of_its_routes() -> None:
    contract = document()
    for name, sample in contract.traffic.items():
        assert contract.route_of(sample.request) is not None, name


def test_whom_it_names_can_be_read_without_the_rest() -> None:
    contract = document()
    assert bundled_upstreams() == tuple(contract.upstreams)
    assert bundled_users() == tuple(contract.users)
