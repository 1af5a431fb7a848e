"""JSON as Go reads and writes it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.toxiproxy.gojson import JsonError, Number, Pairs, encode, first_value


def plain(value: object) -> object:
    """Without the spelling of numbers and the order of keys."""
    if isinstance(value, Pairs):
        return {key: plain(item) for key, item in value}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return float(value) if isinstance(value, Number) else value


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_JSON, st.text(alphabet=" \t\r\n"))
def test_reads_what_json_writes(value: object, space: str) -> None:
    text = f"{space}{json.dumps(value)}{space}rest"
    if isinstance(value, int) and not isinstance(value, bool) and not space:
        text = f"{json.dumps(value)} rest"
    assert plain(first_value(text.encode())) == value


@given(_JSON.filter(lambda value: not isinstance(value, float)))
def test_writes_what_json_reads(value: object) -> None:
    assert json.loads(encode(value)) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(JsonError):  # anything else would be a crash
        first_value(body)


def test_numbers_keep_their_spelling() -> None:
    assert first_value(b"[1.0, 1e3, -0]") == ["1.0", "1e3", "-0"]


def test_depth_is_limited_without_a_traceback() -> None:
    with pytest.raises(JsonError, match="exceeded max depth"):
        first_value(b"[" * 20_000)
    with pytest.raises(JsonError, match="exceeded max depth"):
        first_value(b"[" * 9_000 + b"]" * 9_000)


@pytest.mark.parametrize(
    ("value", "text"),
    [("<&>", '"\\u003c\\u0026\\u003e"'), ("\u2028", '"\\u2028"'), ("\x00\x1f", '"\\u0000\\u001f"'),
     ("\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'), ('"\\/', '"\\"\\\\/"'), ("é😀\x7f", '"é😀\x7f"')],
)  # fmt: skip
def test_strings_in_gos_spelling(value: str, text: str) -> None:
    assert encode(value) == text
