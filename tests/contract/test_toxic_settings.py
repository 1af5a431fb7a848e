"""How toxics are created, named, defaulted, updated and listed."""

from __future__ import annotations

from typing import Any

import pytest

ATTRIBUTES = {
    "latency": {"latency": 0, "jitter": 0},
    "bandwidth": {"rate": 0},
    "slow_close": {"delay": 0},
    "timeout": {"timeout": 0},
    "reset_peer": {"timeout": 0},
    "slicer": {"average_size": 0, "size_variation": 0, "delay": 0},
    "limit_data": {"bytes": 0},
    "noop": {},
}


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_defaults(proxied: Any, kind: str) -> None:
    reply = proxied.api.call("POST", f"{proxied.path}/toxics", {"type": kind})
    assert reply.status == 200, "not 201"
    assert reply.headers["Content-Type"] == "application/json"
    attributes = ",".join(f'"{name}":{value}' for name, value in ATTRIBUTES[kind].items())
    assert reply.body.decode() == (
        f'{{"attributes":{{{attributes}}},"name":"{kind}_downstream","type":"{kind}",'
        '"stream":"downstream","toxicity":1}'
    )


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_every_attribute_is_stored_and_updated(proxied: Any, kind: str) -> None:
    given = {name: 100 + place for place, name in enumerate(ATTRIBUTES[kind])}
    name = proxied.add(kind, "upstream", **given)
    path = f"{proxied.path}/toxics/{name}"
    assert proxied.api.call("GET", path).json["attributes"] == given
    for attribute in given:
        changed = proxied.update(name, attributes={attribute: 7}).json["attributes"]
        given[attribute] = 7
        assert changed == given, "the others are kept"


@pytest.mark.parametrize("stream", ["upstream", "downstream", "UPstream", "Downstream"])
def test_stream_is_echoed_as_written_and_part_of_the_name(proxied: Any, stream: str) -> None:
    body = {"type": "noop", "stream": stream}
    reply = proxied.api.call("POST", f"{proxied.path}/toxics", body)
    assert (reply.json["stream"], reply.json["name"]) == (stream, f"noop_{stream}")


@pytest.mark.parametrize(
    ("given", "shown"),
    [(b"0.5", b"0.5"), (b"0.1", b"0.1"),
     (b"1", b"1"), (b"1.0", b"1"), (b"0", b"0"), (b"2.5", b"2.5"),
     (b"-1", b"-1"), (b"1e-7", b"1e-7"), (b"1e-6", b"0.000001"), (b"0.1234567891", b"0.12345679"),
     (b"16777217", b"16777216"), (b"1e20", b"100000000000000000000"), (b"1e21", b"1e+21"),
     (b"null", b"1"), (b"3.4e38", b"3.4e+38")],
)  # fmt: skip
def test_toxicity_is_a_32_bit_float(proxied: Any, given: bytes, shown: bytes) -> None:
    body = b'{"type":"noop","toxicity":' + given + b"}"
    reply = proxied.api.call("POST", f"{proxied.path}/toxics", body)
    assert reply.body.endswith(b'"toxicity":' + shown + b"}")


def test_toxicity_out_of_range_of_32_bits(proxied: Any) -> None:
    body = b'{"type":"noop","toxicity":1e50}'
    reply = proxied.api.call("POST", f"{proxied.path}/toxics", body)
    assert reply.status == 400
    assert reply.json["error"].startswith("bad request body: json: cannot unmarshal number 1e50")


def test_negative_and_misplaced_attributes(proxied: Any) -> None:
    body = {"type": "latency", "latency": 9, "attributes": {"LATENCY": -5, "jiter": 3}}
    reply = proxied.api.call("POST", f"{proxied.path}/toxics", body)
    assert reply.json["attributes"] == {"latency": -5, "jitter": 0}


def test_listing_shows_upstream_first_each_in_order_of_creation(proxied: Any) -> None:
    down = [proxied.add("noop"), proxied.add("latency")]
    up = [proxied.add("timeout", "upstream"), proxied.add("noop", "upstream")]
    listed = proxied.api.call("GET", f"{proxied.path}/toxics").json
    assert [toxic["name"] for toxic in listed] == up + down
    assert proxied.shown["toxics"] == listed


def test_update_ignores_name_type_and_stream(proxied: Any) -> None:
    name = proxied.add("latency", latency=5)
    reply = proxied.update(name, name="other", type="noop", stream=7, toxicity=0.25)
    assert reply.json == {
        "attributes": {"latency": 5, "jitter": 0},
        "name": name,
        "type": "latency",
        "stream": "downstream",
        "toxicity": 0.25,
    }


def test_update_with_post_does_the_same(proxied: Any) -> None:
    name = proxied.add("latency", latency=5)
    path = f"{proxied.path}/toxics/{name}"
    reply = proxied.api.call("POST", path, {"attributes": {"jitter": 3}})
    assert reply.json["attributes"] == {"latency": 5, "jitter": 3}


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        (b'{"attributes":{"latency":"x","jitter":7},"toxicity":0.5}', {"latency": 5, "jitter": 7}),
        (b'{"attributes":{"jitter":8,"latency":"x"}}', {"latency": 5, "jitter": 8}),
        (b'{"attributes":{"latency":9},"toxicity":"x"}', {"latency": 9, "jitter": 0}),
        (b'{"attributes":{"latency":9}', {"latency": 5, "jitter": 0}),
        (b'{"attributes":5}', {"latency": 5, "jitter": 0}),
    ],
)
def test_rejected_update_leaves_its_valid_attributes_in_force(
    proxied: Any, body: bytes, attributes: dict[str, int]
) -> None:
    path = f"{proxied.path}/toxics/{proxied.add('latency', latency=5)}"
    assert proxied.api.call("PATCH", path, body).status == 400
    shown = proxied.api.call("GET", path).json
    assert (shown["attributes"], shown["toxicity"]) == (attributes, 1)


def test_removed_toxic_frees_its_name(proxied: Any) -> None:
    name = proxied.add("latency")
    assert proxied.remove(name).status == 204
    assert proxied.remove(name).status == 404
    reply = proxied.api.call("POST", f"{proxied.path}/toxics", {"name": name, "type": "noop"})
    assert reply.status == 200
