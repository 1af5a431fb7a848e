"""What a route calls, by two healthy requests of it; which routes are left out, and why."""

from __future__ import annotations

import pytest

from harness.contracts import document, parse_contract
from harness.init.files import stubs_of
from harness.measure.downs import Downs, note_answers
from harness.measure.findings import Findings
from harness.measure.measuring import Measured
from harness.measure.routes import Asked, Called, Known, called
from harness.measure.writing import as_contract, left_out, target_sections
from harness.units import Range

PRINT = (0.01, "spores", "GET /prints/1")
PING = (0.03, "labs", "GET /ping")
BACKGROUND = {"labs": frozenset({"GET /ping"})}


def route_of(*asked: Asked) -> Called | str:
    stream = {"request": "GET /species/1"}
    return called("species", stream, asked, Range(200, 299), BACKGROUND)


def asked(*calls: tuple[float, str, str], status: int = 200) -> Asked:
    return Asked(status=status, lasts_s=0.1, calls=calls)


def test_calls_that_come_without_any_request_are_none_of_its_own():
    found = route_of(asked(PRINT, PING), asked(PRINT))
    assert isinstance(found, Called)
    assert found.calls == (("spores", "GET /prints/1"),)
    assert found.begins_s == {"spores": 0.01}


def test_a_call_that_comes_each_time_is_its_own_although_it_comes_by_itself_too():
    found = route_of(asked(PRINT, PING), asked(PRINT, PING))
    assert isinstance(found, Called)
    assert found.upstreams == ("spores", "labs")


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (
            asked(PRINT),
            asked(),
            "it makes other calls the second time (a cache?): spores GET /prints/1 and then none",
        ),
        (asked(PRINT), asked(PRINT, status=409), "not always answered the same: 200 and 409"),
        (asked(status=404), asked(status=404), "answered 404"),
    ],
)
def test_a_route_of_which_nothing_can_be_said_is_left_out_with_the_reason(first, second, why):
    assert route_of(first, second) == why


def measured(answers: set[int | None]) -> Measured:
    route = route_of(asked(PRINT), asked(PRINT))
    assert isinstance(route, Called)
    known = Known(routes=(route,), missing={"GET /caps": "answered 404"}, background=BACKGROUND)
    downs = Downs()
    if answers:
        note_answers(downs, route.request, "spores", answers)
    findings = {name: Findings(upstream=name, attempts=1) for name in ("spores", "labs")}
    return Measured(target="shrooms", engine="sim", upstreams=findings, known=known, downs=downs)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({503, 500}, "while spores is down it is not always the same: 500, 503"),
        (set(), "while spores is down it was not asked in time"),
        ({503}, None),
    ],
)
def test_a_contract_names_the_routes_that_it_leaves_out(answers, why):
    found = measured(answers)
    named = {"GET /caps": "answered 404"} | ({"GET /species/1": why} if why else {})
    assert dict(left_out(found)) == named
    text = as_contract(found, {"SPORES_URL": "spores", "LABS_URL": "labs"})
    assert list(parse_contract(text, "contract.yaml").routes) == ([] if why else ["species"])
    for request, reason in named.items():
        assert f"# left out of `routes`: {request}: {reason}\n" in text


def test_stubs_answer_what_an_application_asks_by_itself_too():
    routes = stubs_of(measured({503}), {"spores": {"print": 1}, "labs": {}})
    assert routes["labs"] == [{"route": "GET /ping", "json": {}}]


def test_what_it_calls_by_itself_is_declared():
    assert target_sections(measured({503}), document())["background"] == {"labs": ["GET /ping"]}
