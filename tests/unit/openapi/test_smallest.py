"""Values that are made up are allowed by their schemas, as a validator sees it."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.openapi.document import Document
from harness.openapi.shortest import shortest_text
from harness.openapi.smallest import Smallest
from harness.scenario.located import Mapping, read_tree

NAMES = st.sampled_from(["a", "b", "c"])
COUNT = st.integers(0, 3)


def ranges() -> st.SearchStrategy[dict[str, Any]]:
    low = st.integers(-50, 50)
    return st.one_of(
        st.just({}),
        st.builds(lambda n: {"minimum": n}, low),
        st.builds(lambda n: {"maximum": n}, low),
        st.builds(lambda n: {"exclusiveMinimum": n}, low),
        st.builds(lambda n, d: {"minimum": n, "maximum": n + d}, low, COUNT),
        st.builds(lambda n, d: {"exclusiveMinimum": n, "maximum": n + d + 1}, low, COUNT),
        st.builds(lambda n, m: {"minimum": n, "multipleOf": m + 1}, low, COUNT),
    )


LEAVES = st.one_of(
    st.builds(lambda kind, bounds: {"type": kind, **bounds},
              st.sampled_from(["integer", "number"]), ranges()),
    st.builds(lambda n, d: {"type": "string", "minLength": n, "maxLength": n + d}, COUNT, COUNT),
    st.sampled_from(["boolean", "null"]).map(lambda kind: {"type": kind}),
    st.just({"type": ["null", "integer"]}),
    st.just({"enum": ["x", 3]}),
    st.just({"const": {"k": 1}}),
    st.just({}),
)  # fmt: skip


def inner(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.builds(
        lambda properties, required: {
            "type": "object", "properties": properties, "required": sorted(required)
        },
        st.dictionaries(NAMES, schemas, max_size=3), st.sets(NAMES),
    )  # fmt: skip
    return st.one_of(
        objects,
        st.builds(lambda items, n: {"type": "array", "items": items, "minItems": n},
                  schemas, COUNT),
        st.lists(schemas, min_size=1, max_size=2).map(lambda options: {"anyOf": options}),
        st.lists(objects, min_size=1, max_size=2).map(lambda parts: {"allOf": parts[:1]}),
        st.builds(lambda n, more: {"type": "object", "minProperties": n,
                                   "additionalProperties": more}, COUNT, schemas),
    )  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.recursive(LEAVES, inner, max_leaves=8))
def test_what_is_made_is_allowed(schema: dict[str, Any]) -> None:
    root, _ = read_tree(json.dumps({"schema": schema}))
    assert isinstance(root, Mapping)
    value = Smallest(Document(root)).value(root.entries["schema"].node)
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^[A-Z]{3}-\d+$", "AAA-0"),
        (r"^(foo|ba|quux)$", "ba"),
        (r"^\w+@\w+\.[a-z]{2,}$", "a@a.aa"),
        (r"^[^a-z]*x?$", ""),
        (r"[^ab0]", "A"),
        (r"^\+?[1-9]\d{1,14}$", "10"),
        ("ü", "ü"),
    ],
)
def test_a_short_text_of_a_pattern(pattern: str, text: str) -> None:
    made = shortest_text(pattern)
    assert made is not None
    assert re.search(pattern, made)
    assert made == text


@pytest.mark.parametrize("pattern", ["(?=b)a", "[", r"\p{L}", "(a{900}){900}", "a" * 1001])
def test_no_text_is_made_up_where_that_is_hard(pattern: str) -> None:
    assert shortest_text(pattern) is None
