"""The JSON Schema says something of every key, and refuses what validation refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from harness.cli.schema import schema_text
from harness.errors import InvalidFile
from harness.scenario.loader import load_each, parse_scenario
from harness.target.loading import parse_target

Node = dict[str, Any]
SCENARIO: Node = json.loads(schema_text("scenario"))
TARGET: Node = json.loads(schema_text("target"))
CONTRACT = json.loads(schema_text("contract"))


def keys(node: object, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every key that a schema describes, wherever; what stands in a condition describes none."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "properties":
                yield from ((f"{path}.{key}", said) for key, said in value.items())
            if name != "if":
                yield from keys(value, f"{path}.{name}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from keys(value, f"{path}[{index}]")


def values(node: Node, schema: Node) -> Iterator[Node]:
    """What a key's value may be, each alternative and what it holds."""
    if "$ref" in node:
        return  # an object with keys of its own
    yield node
    below = [*node.get("anyOf", ()), node.get("items"), node.get("additionalProperties")]
    below += node.get("patternProperties", {}).values()
    for inner in below:
        if isinstance(inner, dict):
            yield from values(inner, schema)


def free(value: Node) -> bool:
    kinds = value.get("type", ())
    is_text = "string" in ([kinds] if isinstance(kinds, str) else kinds)
    return is_text and not value.keys() & {"pattern", "enum", "const", "anyOf"}


@pytest.mark.parametrize(
    "schema", [SCENARIO, TARGET, CONTRACT], ids=["scenario", "target", "contract"]
)
def test_every_key_has_a_description_an_example_and_a_pattern(schema: Node) -> None:
    found = dict(keys(schema))
    assert len(found) > 50
    assert [key for key, said in found.items() if not said.get("description")] == []
    bare = [k for k, said in found.items() if not said.keys() & {"examples", "enum", "const"}]
    assert bare == []
    assert [k for k, said in found.items() if any(map(free, values(said, schema)))] == []


@pytest.mark.parametrize(
    "schema", [SCENARIO, TARGET, CONTRACT], ids=["scenario", "target", "contract"]
)
def test_examples_are_what_may_be_written(schema: Node) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    for key, said in keys(schema):
        for example in said.get("examples", ()):
            # A key's own schema, with what it refers to.
            wanted = {**said, "$defs": schema["$defs"]}
            wrong = jsonschema.Draft202012Validator(wanted).iter_errors(example)
            assert [str(error) for error in wrong] == [], key


def test_the_schemas_have_names_of_their_own() -> None:
    assert SCENARIO["$id"] != TARGET["$id"]


GOOD = """\
title: t
duration: 60s
traffic: {chat: {request: POST /v1/api/chat, as: ada, rate: 1/s}}
faults: [{upstream: auth, fault: blackhole, to: 50s}]
expect: [{breaker: auth, opens: 9s ± 1s}]
"""
BROKEN = [
    # what is there, and what stands there instead
    ("title: t\n", ""),
    ("title: t", "titel: t"),
    ("title: t", "title: ''"),
    ("title: t", "title: [t]"),
    ("{chat: {request", "{my chat: {request"),
    ("duration: 60s", "duration: 60"),
    ("duration: 60s", "duration: 1x"),
    ("duration: 60s", "duration: -5s"),
    ("duration: 60s", "duration: 0s"),
    ("rate: 1/s", "rate: 0/s"),
    ("rate: 1/s", "rate: 0.0/s"),
    ("rate: 1/s", "rate: 1/0s"),
    ("rate: 1/s", "rate: 1/s, hang_up: 0s"),
    ("fault: blackhole", "fault: status, status: 503, share: 200%"),
    ("fault: blackhole", "fault: status, status: 503, share: 100.5%"),
    ("to: 50s", "to: 50s, every: 0s, for: 1s"),
    ("duration: 60s", "duration: 60s\nengines: [cloud]"),
    ("duration: 60s", "duration: 60s\nclaims: [t1]"),
    ("duration: 60s", "duration: 60s\nclaims: T1"),
    ("POST /v1/api/chat", "/v1/api/chat"),
    ("POST /v1/api/chat", "post /v1/api/chat"),
    ("request: POST /v1/api/chat, ", ""),
    (", rate: 1/s", ""),
    ("rate: 1/s", "rate: 1"),
    ("rate: 1/s", "rate: fast"),
    ("rate: 1/s", "count: 50"),
    ("rate: 1/s", "rate: 1/s, during: 10s"),
    ("rate: 1/s", "rate: 1/s, addresses: 0"),
    ("rate: 1/s", "rate: 1/s, with: token"),
    ("rate: 1/s", "rate: 1/s, json: {}, body: x"),
    ("rate: 1/s", "rate: 1/s, healthy: 999"),
    ("traffic: {chat: {request: POST /v1/api/chat, as: ada, rate: 1/s}}", "traffic: {}"),
    ("fault: blackhole", "fault: blakhole"),
    ("fault: blackhole, ", ""),
    ("upstream: auth, ", ""),
    ("fault: blackhole", "fault: latency"),
    ("fault: blackhole", "fault: latency, latency: 3"),
    ("fault: blackhole", "fault: status, status: 99"),
    ("fault: blackhole", "fault: blackhole, delay: 1s"),
    ("fault: blackhole", "fault: blackhole, on: GET"),
    ("fault: blackhole", "fault: blackhole, share: 130"),
    ("fault: blackhole", "fault: blackhole, first: 0"),
    ("fault: blackhole", "fault: blackhole, first: 1, calls: 5.."),
    ("fault: blackhole", "fault: blackhole, one_in: 2, first: 3"),
    ("upstream: auth, fault: blackhole", "upstream: auth, fault: clock_step, by: -1h"),
    ("opens: 9s ± 1s", "opens: 9s"),
    ("opens: 9s ± 1s", "open: 9s ± 1s"),
    ("breaker: auth, opens: 9s ± 1s", "breaker: auth"),
    ("breaker: auth, opens: 9s ± 1s", "braker: auth"),
    ("breaker: auth, opens: 9s ± 1s", "traffic: chat, status: 600"),
    ("breaker: auth, opens: 9s ± 1s", "traffic: chat, status: 200, while: auth opens"),
    ("breaker: auth, opens: 9s ± 1s",
     "traffic: chat, status: 200, during: 1s..9s, while: auth is open"),
    ("breaker: auth, opens: 9s ± 1s", 'traffic: chat, latency: "100ms"'),
    ("breaker: auth, opens: 9s ± 1s", "never: {except: 503}"),
    ("breaker: auth, opens: 9s ± 1s", "log: auth"),
    ("breaker: auth, opens: 9s ± 1s", "log: auth, marks: [opend]"),
    ("breaker: auth, opens: 9s ± 1s", "charges: once"),
]  # fmt: skip


def wrong(text: str, schema: Node = SCENARIO) -> list[str]:
    read = yaml.safe_load(text)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(read)]


def test_both_take_the_good_file() -> None:
    assert wrong(GOOD) == []
    parse_scenario(GOOD, "good.yaml")


@pytest.mark.parametrize(("there", "instead"), BROKEN)
def test_both_refuse_a_broken_file(there: str, instead: str) -> None:
    assert there in GOOD
    text = GOOD.replace(there, instead, 1)
    with pytest.raises(InvalidFile):
        parse_scenario(text, "broken.yaml")
    assert wrong(text)


@pytest.mark.parametrize(
    "matrix", ["{upstream: []}", "{upstream: auth}", "[auth]", "{Upstream: [auth]}"]
)
def test_both_refuse_a_broken_matrix(matrix: str, tmp_path: Path) -> None:
    file = tmp_path / "matrix.yaml"
    file.write_text(f"matrix: {matrix}\n{GOOD}")
    with pytest.raises(InvalidFile):
        load_each(file)
    assert wrong(file.read_text())


KNOWN = """\
name: x
url: http://127.0.0.1:1
known: [{failure: auth_down/never 5xx, because: GATE-12, until: "2030-12-31"}]
"""


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("auth_down/never 5xx", "never 5xx"),
        ("auth_down/never 5xx", "/never 5xx"),
        ("auth_down/never 5xx", "auth_down/"),
        ("because: GATE-12, ", ""),
        ("2030-12-31", "31.12.2030"),
        ("failure", "failures"),
    ],
)
def test_both_refuse_a_broken_entry_of_known(there: str, instead: str) -> None:
    assert wrong(KNOWN, TARGET) == []
    parse_target(KNOWN, "t.yaml")
    broken = KNOWN.replace(there, instead, 1)
    with pytest.raises(InvalidFile):
        parse_target(broken, "t.yaml")
    assert wrong(broken, TARGET)


STARTED = "name: x\nstart: {wsgi: 'app:app'}\n"


@pytest.mark.parametrize(
    "start",
    [
        "{wsgi: app}", "{wsgi: app.py}", "{wsgi: '0s'}", "{asgi: 'app:app:app'}", "{wsgi: ''}",
        "{cwd: .}", "{}", "{wsgi: 'app:app', asgi: 'app:app'}", "{command: []}",
    ],
)  # fmt: skip
def test_both_refuse_a_start_that_starts_nothing(start: str) -> None:
    assert wrong(STARTED, TARGET) == []
    parse_target(STARTED, "t.yaml")
    broken = STARTED.replace("{wsgi: 'app:app'}", start)
    with pytest.raises(InvalidFile):
        parse_target(broken, "t.yaml")
    assert wrong(broken, TARGET)


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("opens: 9s ± 1s", "opens: []"),
        ("opens: 9s ± 1s", "probes: []"),
        ("opens: 9s ± 1s", "closes: []"),
        ("{upstream: auth", "{upstream: []"),
        ("{breaker: auth, opens: 9s ± 1s}", "{log: auth, marks: []}"),
        ("{breaker: auth, opens: 9s ± 1s}", "{log: []}"),
    ],
)
def test_both_refuse_a_list_of_nothing(there: str, instead: str) -> None:
    assert there in GOOD
    broken = GOOD.replace(there, instead, 1)
    with pytest.raises(InvalidFile):
        parse_scenario(broken, "t.yaml")
    assert wrong(broken)


def test_a_wrong_kind_of_fault_is_named() -> None:
    (said,) = wrong(GOOD.replace("blackhole", "blakhole"))
    assert said.startswith("'blakhole' is not one of ['refused', 'blackhole'")


def test_a_wrong_key_of_a_fault_is_the_only_complaint() -> None:
    (said,) = wrong(GOOD.replace("to: 50s", "too: 50s"))
    assert "'too' was unexpected" in said
