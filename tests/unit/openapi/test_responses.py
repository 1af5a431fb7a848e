"""What the stub of an OpenAPI file answers, and what of a file is refused by its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.engines.services import routes_json
from harness.errors import InvalidFile
from harness.openapi import routes_of
from harness.openapi.document import LARGEST_FILE_BYTES
from harness.target import Target
from harness.target.loading import parse_target
from stub_services import build
from stub_services.messages import Reply, Request

SPEC = """\
openapi: 3.0.3
info: {title: payments, version: "1"}
servers: [{url: "https://{region}.example.com/v1/", variables: {region: {default: eu}}}]
paths:
  /payments/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      responses:
        "404": {description: none}
        "200":
          description: one
          headers: {X-Rate: {required: true, schema: {type: integer, minimum: 3}}, X-Seen: {}}
          content:
            application/json:
              example: {id: p-1, note: "{path.2}", amount: 12345678901234567890}
    delete: {responses: {"204": {description: gone}}}
  /payments:
    post:
      responses:
        "201": {$ref: "#/components/responses/Made"}
  /events:
    get:
      responses:
        default:
          content:
            application/xml: {schema: {type: string}, example: "<events/>"}
            application/problem+json:
              examples: {first: {$ref: "#/components/examples/One"}, second: {value: 2}}
  /motd: {get: {responses: {2XX: {content: {text/plain: {example: good day}}}}}}
  /moved: {get: {responses: {302: {headers: {Location: {example: /motd}}}, 400: {}}}}
components:
  examples: {One: {value: {kind: event}}}
  responses:
    Made:
      content:
        application/json:
          schema: {$ref: "#/components/schemas/Payment"}
  schemas:
    Payment:
      allOf:
        - {$ref: "#/components/schemas/Base"}
        - type: object
          required: [state]
          properties:
            state: {type: string, enum: [paid, refused]}
            parent: {$ref: "#/components/schemas/Payment"}
            lines: {type: array, minItems: 1, items: {$ref: "#/components/schemas/Line"}}
            code: {type: string, pattern: "^[A-Z]{3}-\\\\d+$"}
            secret: {type: string, writeOnly: true}
            at: {type: string, format: date-time, nullable: true}
            by: {oneOf: [{type: "null"}, {type: integer, maximum: -2}]}
    Line: {type: number, exclusiveMinimum: true, minimum: 0}
    Base: {type: object, required: [id], properties: {id: {type: string, minLength: 2}}}
"""
HEAD = "name: t\nurl: http://127.0.0.1:1\nupstreams: {PAY_URL: pay}\nstubs:\n  pay:\n"


def target(folder: Path, spec: str, name: str = "pay.yaml", more: str = "") -> Target:
    (folder / name).write_text(spec, encoding="utf-8")
    return parse_target(f"{HEAD}    openapi: {name}\n{more}", str(folder / "t.yaml"))


def ask(found: Target, route: str) -> Reply:
    service = build(["pay"])["pay"]
    service.give_routes(json.loads(json.dumps(routes_json(found, "pay"))))
    method, _, path = route.partition(" ")
    return service.find(Request(method=method, target=path), 0.0)[1]()


def test_examples_are_what_is_answered(tmp_path: Path) -> None:
    found = target(tmp_path, SPEC)
    one = ask(found, "GET /payments/7")
    assert one.json == {"id": "p-1", "note": "{path.2}", "amount": 12345678901234567890}
    assert (one.status, one.headers) == (200, (("X-Rate", "3"),))
    assert ask(found, "GET /v1/payments/7").json == one.json, "with the server's path, too"
    assert ask(found, "DELETE /payments/7").status == 204
    assert ask(found, "GET /events").json == {"kind": "event"}
    motd = ask(found, "GET /motd")
    assert (motd.body, motd.headers) == (b"good day", (("Content-Type", "text/plain"),))
    moved = ask(found, "GET /moved")
    assert (moved.status, moved.headers) == (302, (("Location", "/motd"),))
    assert ask(found, "GET /elsewhere").status == 404


def test_a_schema_without_example_gives_a_small_value(tmp_path: Path) -> None:
    made = ask(target(tmp_path, SPEC), "POST /payments")
    assert made.status == 201
    assert made.json == {
        "id": "aa", "state": "paid", "lines": [1], "code": "AAA-0",
        "at": "1970-01-01T00:00:00Z", "by": -2,
    }  # fmt: skip


def test_json_says_the_same_with_its_own_escapes(tmp_path: Path) -> None:
    spec: dict[str, Any] = {
        "swagger": "2.0",
        "basePath": "/api",
        "paths": {
            "/a/{x}.json": {
                "get": {"responses": {200: {"schema": {"$ref": "#/definitions/A~1b"}}}},
                "post": {"responses": {200: {"examples": {"application/json": ["\U0001f600/é"]}}}},
            }
        },
        "definitions": {"A/b": {"properties": {"n": {"type": "integer"}}}},
    }
    text = json.dumps(spec, indent="\t").replace("/é", "\\/é")
    found = target(tmp_path, text, "pay.json")
    assert ask(found, "GET /api/a/9").json == {"n": 0}
    assert ask(found, "POST /a/9").json == ["\U0001f600/é"]


def test_routes_beside_a_file_win_and_are_the_only_ones_that_must_be_called(
    tmp_path: Path,
) -> None:
    spec = SPEC.replace('pattern: "^[A-Z]{3}-\\\\d+$"', 'pattern: "(?=b)a"')
    more = "    routes: [{route: POST /payments, status: 402}]\n"
    found = target(tmp_path, spec, more=more)
    assert ask(found, "POST /payments").status == 402
    assert ask(found, "GET /payments/7").status == 200
    assert [route.route for route in found.written_routes("pay")] == ["POST /payments"]


def test_a_file_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    assert ask(target(tmp_path, SPEC), "GET /motd").body == b"good day"
    assert ask(target(tmp_path, SPEC.replace("good day", "good evening")), "GET /motd").body == (
        b"good evening"
    )


@pytest.mark.parametrize(
    ("there", "instead", "message"),
    [
        ("openapi: 3.0.3", "openapi: 4.0.0", "expected `openapi: 3.x`"),
        ("openapi: 3.0.3", "opneapi: 3.0.3", "did you mean 'openapi'?"),
        ("schemas/Base", "schemas/Bsae", "leads nowhere; did you mean 'Base'?"),
        ('"#/components/responses/Made"', "other.yaml#/Made", "leads out of this file"),
        ('"^[A-Z]{3}-\\\\d+$"', '"(?=b)a"', "POST /payments: a text of this pattern"),
        ("minimum: 0}", "minimum: 0, maximum: 0}", "no number is within these bounds"),
        ("required: [id]", "required: [id], required: [id]", "'required' is given twice"),
        ("  /motd:", "  motd:", "doesn't begin with /"),
        ('"204": {description: gone}', '"404": {}', "no answer for success"),
        ("{type: string, minLength: 2}", "7", "a schema: expected keys and values"),
        ("good day}", "good day", "is not closed"),
        ("info: {title", "info: {title: !!python/object:os.system x, y", "is not allowed"),
    ],
)
def test_what_is_wrong_with_a_file_is_named_by_its_line(
    there: str, instead: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidFile) as caught:
        target(tmp_path, SPEC.replace(there, instead, 1))
    problem = caught.value.problems[0]
    assert problem.file == str(tmp_path / "pay.yaml")
    assert message in problem.message
    assert problem.line == SPEC[: SPEC.index(there)].count("\n") + 1


def test_a_file_that_is_not_there_is_named_where_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as caught:
        parse_target(f"{HEAD}    openapi: none.yaml\n", str(tmp_path / "t.yaml"))
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == (str(tmp_path / "t.yaml"), 6)
    assert "there is no such file" in problem.message
    for text, message in (("    opneapi: x.yaml\n", "did you mean 'openapi'?"), ("    {}\n", "`o")):
        with pytest.raises(InvalidFile) as caught:
            parse_target(HEAD + text, "t.yaml")
        assert any(message in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize(
    "schema",
    [
        "{type: array, minItems: 1, items: {$ref: '#/components/schemas/S'}}",
        "{type: object, required: [s], properties: {s: {$ref: '#/components/schemas/S'}}}",
        "{allOf: [{$ref: '#/components/schemas/S'}]}",
        "{anyOf: [{$ref: '#/components/schemas/S'}]}",
        "{$ref: '#/components/schemas/S'}",
        "{type: array, minItems: 100000, items: {type: array, minItems: 100000}}",
        "{type: string, minLength: 100000000}",
        "{type: string, pattern: '(a{900}){900}'}",
    ],
)
def test_what_has_no_small_value_is_refused(schema: str, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      responses:\n        200:\n"
        "          content: {application/json: {schema: {$ref: '#/components/schemas/S'}}}\n"
        f"components:\n  schemas:\n    S: {schema}\n",
        encoding="utf-8",
    )
    with pytest.raises(InvalidFile) as caught:
        routes_of(path)
    assert caught.value.problems[0].line in (7, 10)


def test_reading_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"openapi: 3.1.0\n# " + b"x" * LARGEST_FILE_BYTES)
    with pytest.raises(InvalidFile, match="larger than 4000 KB"):
        routes_of(path)
    bomb = ["a0: &a0 [1, 1]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30))]
    path.write_text("\n".join(["openapi: 3.1.0", *bomb]), encoding="utf-8")
    with pytest.raises(InvalidFile, match="values, aliases counted"):
        routes_of(path)
    many = "".join(f"  /p{n}: {{get: {{responses: {{200: {{}}}}}}}}\n" for n in range(1001))
    path.write_text(f"openapi: 3.1.0\npaths:\n{many}", encoding="utf-8")
    with pytest.raises(InvalidFile, match="1001 routes"):
        routes_of(path)
