"""What a target file says of its stubs: refused by line where nobody could answer so."""

from __future__ import annotations

import pytest

from harness.engines.services import routes_json
from harness.errors import InvalidFile
from harness.taint import secrets_of
from harness.target import Target
from harness.target.loading import parse_target

HEAD = "name: t\nurl: http://127.0.0.1:1\nupstreams: {MAIL_URL: mail}\nstubs:\n  mail:\n"


def target(*routes: str) -> Target:
    return parse_target(HEAD + "".join(f"    - {route}\n" for route in routes), "t.yaml")


def test_stubs_are_told_what_stands_there() -> None:
    found = routes_json(
        target(
            "{route: GET /a/*, json: {id: '{path.2}'}, delay: 50ms}",
            "{route: POST /b/**, answers: [{status: 503}, {body: 'ok {call}'}], cycle: true}",
            "{route: GET /**, status: 404}",
        ),
        "mail",
    )
    plain = {"json": None, "body": None, "status": 200, "headers": {}, "delay_s": 0.0}
    assert found == [
        {**plain, "route": "GET /a/*", "json": {"id": "{path.2}"}, "delay_s": 0.05},
        {
            "route": "POST /b",
            "answers": [{**plain, "status": 503}, {**plain, "body": "ok {call}"}],
            "cycle": True,
        },
        {**plain, "route": "GET /", "status": 404},
    ]


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ("{route: GET /a, json: {q: '{qurey.q}'}}", "did you mean '{query.q}'?"),
        ("{route: GET /a, json: ['{nothing like it}', '{flavour}']}", "{flavour}' is not known; k"),
        ("{route: GET /a, headers: {A: '{header}'}}", "such as {header.X-Request-Id}"),
        ("{route: GET /a, answers: [{status: 503}, {body: '{path.x}'}]}", "the number of a segm"),
        ("{route: GET /a, answers: [{status: 503}], status: 200}", "`status` stands in each of"),
        ("{route: GET /a, answers: []}", "at least one answer"),
        ("{route: GET /a, answers: [{stauts: 503}]}", "did you mean 'status'?"),
        ("{route: GET /a, cycle: true}", "`cycle` is for several"),
        ("{route: GET /a, json: 1, body: x}", "exclude each other"),
        ("{route: GET /a/**/b}", "** stands at a route's end"),
        ("{route: GET /a, delay: 50}", "50"),
        ("{route: GET /first/}", "GET /first/ is given above already"),
    ],
)
def test_what_no_stub_could_answer_is_refused_with_its_line(route: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        target("{route: GET /first}", route)
    (problem,) = caught.value.problems
    assert problem.line == 7
    assert message in problem.message


def test_a_place_is_found_on_its_own_line() -> None:
    text = "route: GET /a\n      json:\n        one: 1\n        two:\n          - '{pth.1}'"
    with pytest.raises(InvalidFile) as caught:
        target(text)
    (problem,) = caught.value.problems
    assert problem.line == 10
    assert "did you mean '{path.1}'?" in problem.message


def test_secrets_of_every_answer_are_known() -> None:
    known = set(
        secrets_of(
            target(
                "{route: GET /a, answers: [{json: {token: first-token}}, "
                "{headers: {X-Api-Key: second-key}}]}"
            )
        )
    )
    assert {"first-token", "second-key"} <= known
