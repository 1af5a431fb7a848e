from __future__ import annotations

import json
import math

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.results import results, results_json
from harness.verdict import Transition

NUMBER = {"type": "number"}
TEXT = {"type": "string"}
VERDICT = {"enum": ["passed", "failed", "inconclusive", "out_of_scope"]}


def strict(**properties):
    return {"type": "object", "required": list(properties), "properties": properties}


SCHEMA = strict(
    schema={"const": 1},
    verdict=VERDICT,
    engine=TEXT,
    proxy=TEXT,
    scenarios={
        "type": "array",
        "items": strict(
            name=TEXT,
            file=TEXT,
            verdict=VERDICT,
            duration_s=NUMBER,
            start_s=NUMBER,
            wall_s=NUMBER,
            requests={"type": "integer"},
            lateness_ms=strict(p50=NUMBER, p99=NUMBER, max=NUMBER),
            breakers={
                "type": "object",
                "additionalProperties": {
                    "type": "array",
                    "items": strict(state={"enum": ["open", "half_open", "closed"]}, at_s=NUMBER),
                },
            },
            perhaps_open={
                "type": "object",
                "additionalProperties": {
                    "type": "array",
                    "items": strict(from_s=NUMBER, to_s=NUMBER),
                },
            },
            charges=strict(
                total={"type": "integer"},
                duplicates={"type": "integer"},
                unacknowledged={"type": "integer"},
            ),
            expectations={
                "type": "array",
                "items": strict(
                    name=TEXT,
                    claims={"type": "array", "items": TEXT},
                    verdict=VERDICT,
                    expected=TEXT,
                    observed=TEXT,
                    evidence=TEXT,
                    noise={"type": "boolean"},
                ),
            },
            streams={
                "type": "object",
                "additionalProperties": strict(
                    requests={"type": "integer"},
                    answers={"type": "object", "additionalProperties": {"type": "integer"}},
                    latency_ms={
                        "type": "object",
                        "additionalProperties": strict(
                            ms=NUMBER, low_ms=NUMBER, high_ms={"type": ["number", "null"]}
                        ),
                    },
                ),
            },
        ),
    },
)


def test_names_and_types_are_those_that_other_programs_read(mixed):
    jsonschema.validate(results(mixed), SCHEMA)


def test_the_figures_are_the_judgements(mixed):
    found = results(mixed)
    assert found["verdict"] == "failed"
    assert [each["verdict"] for each in found["scenarios"]] == [
        "passed",
        "failed",
        "inconclusive",
        "out_of_scope",
    ]
    first = found["scenarios"][0]
    assert first["breakers"]["auth"][0] == {
        "state": "open",
        "at_s": 9.012,
        "error_s": 0.05,
        "evidence": "the wire",
    }
    assert first["lateness_ms"] == {"p50": 0.2, "p99": 1.1, "max": 3.0}
    assert (first["duration_s"], first["start_s"], first["wall_s"]) == (90.0, 1.1, 92.2)


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_no_number_is_ever_nan_or_infinite(judgement, outcome, odd):
    strange = judgement(
        start_s=odd,
        wall_s=odd,
        lateness_ms={"p99": odd},
        breakers={"auth": (Transition(state="open", at_s=odd), Transition(state="open", at_s=1))},
    )
    text = results_json(outcome(strange, wall_s=odd))
    found = json.loads(text, parse_constant=refuse)
    jsonschema.validate(found, SCHEMA)
    assert len(found["scenarios"][0]["breakers"]["auth"]) == 1


@given(text=st.text())
def test_any_text_survives(finding, judgement, outcome, text):
    found = json.loads(
        results_json(outcome(judgement(finding(observed=text), title=text))).encode(
            "utf-8", "surrogatepass"
        )
    )
    jsonschema.validate(found, SCHEMA)
