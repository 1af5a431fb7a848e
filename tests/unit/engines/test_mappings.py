"""Faults as proxies and stubs get them, and secrets that stay out of histories."""

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest
from msgspec.structs import replace
from pydantic import TypeAdapter

from harness.engines import base
from harness.engines.base import Abilities
from harness.engines.network import plan
from harness.engines.redact import Redactor
from harness.engines.requests import kept_body, wire_request
from harness.engines.services import behaviour
from harness.history.events import Answered
from harness.history.lines import from_json, to_json
from harness.scenario.faults import KINDS, Fault, FaultBase
from harness.scenario.model import Scenario
from harness.scenario.traffic import Stream
from harness.taint import secrets_of
from harness.target.loading import bundled

EXAMPLES = {
    "reset": {},
    "certificate": {"is": "expired"},
    "latency": {"latency": "250ms", "jitter": "50ms"},
    "bandwidth": {"rate": "10KB/s"},
    "slow_close": {"delay": "1s"},
    "slicer": {"average_size": "64B", "delay": "10ms"},
    "limit_data": {"bytes": "100B"},
    "timeout": {"timeout": "1s"},
    "status": {"status": 503},
    "delay": {"delay": "1s"},
    "json": {"json": {"a": 1}},
    "headers": {"headers": {"a": "b"}},
    "revoke": {"user": "ada"},
}


def make(kind: str, **more: object) -> FaultBase:
    value = {"upstream": "auth", "fault": kind, **EXAMPLES.get(kind, {}), **more}
    return TypeAdapter(Fault).validate_python(value)


@pytest.mark.parametrize("kind", [k.name for k in KINDS.values() if k.where == "proxy"])
def test_every_network_fault_has_a_plan(kind: str) -> None:
    found = plan(make(kind))

    assert found.disabled or found.cut_off or found.toxics or found.diverted


@pytest.mark.parametrize("kind", [k.name for k in KINDS.values() if k.in_stub])
def test_every_selective_fault_has_a_behaviour(kind: str) -> None:
    fault = make(kind, on="POST /verify_token", calls="5..8")

    found = behaviour(fault, seed=7)

    assert fault.where == "stub"
    assert (found["route"], found["from_call"], found["to_call"]) == ("POST /verify_token", 5, 8)
    assert found["action"]


def test_a_blackhole_is_a_timeout_of_zero_both_ways() -> None:
    toxics = plan(make("blackhole")).toxics

    assert {(t.stream, t.attributes["timeout"]) for t in toxics if t.type == "timeout"} == {
        ("upstream", 0),
        ("downstream", 0),
    }


@pytest.mark.parametrize("kind", ["blackhole", "reply_lost", "timeout"])
def test_where_answers_are_dropped_the_close_is_held_back_first(kind: str) -> None:
    down = [t for t in plan(make(kind)).toxics if t.stream == "downstream"]

    assert [t.type for t in down] == ["slow_close", "timeout"]
    assert down[0].attributes["delay"] == (down[1].attributes["timeout"] or 24 * 3600 * 1000)


def test_a_proxy_that_lacks_its_toxic_cant_play_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(KINDS["latency"], proxies=("embedded",))
    monkeypatch.setattr(base, "KINDS", {**KINDS, "latency": own})
    scenario = Scenario.model_validate(
        {
            "title": "x",
            "duration": "9s",
            "traffic": {"check": {"request": "GET /v1/api/auth/check", "as": "ada", "rate": "1/s"}},
            "faults": [{"upstream": "auth", "fault": "latency", "latency": "1s"}],
            "expect": [{"never": {"status": 599}}],
        }
    )

    assert Abilities(engine="local", proxy="embedded").unplayable(scenario) is None
    assert Abilities(engine="sim").unplayable(scenario) is None
    assert Abilities(engine="local", proxy="toxiproxy 2.12.0").unplayable(scenario) == (
        "toxiproxy 2.12.0 can't play latency; embedded can"
    )


def test_toxic_attributes_are_in_toxiproxys_units() -> None:
    (latency,) = plan(make("latency")).toxics
    (slicer,) = plan(make("slicer")).toxics

    assert latency.attributes == {"latency": 250, "jitter": 50}
    assert slicer.attributes["delay"] == 10_000


def test_placeholders_stand_for_the_user() -> None:
    target = bundled("reference")
    assert target is not None
    stream = Stream.model_validate(
        {
            "request": "POST /v1/api/project/{project}",
            "json": {"email": "{email}", "deep": ["{password}", "{number}"]},
            "as": "ada",
            "rate": "1/s",
        }
    )

    request = wire_request(stream, target, "ada", 3)

    assert request.path == "/v1/api/project/p1"
    assert request.body == b'{"email": "ada@example.com", "deep": ["correct-horse", "3"]}'
    assert request.headers["Authorization"] == "Bearer token-ada"


def test_secrets_are_redacted_wherever_they_stand() -> None:
    target = bundled("reference")
    assert target is not None
    redactor = Redactor.of_target(target, "internal-secret")

    headers = redactor.headers([("Set-Cookie", "auth_token=abc123; HttpOnly"), ("X", "token-ada")])
    body = kept_body(b'{"token": "abc", "said": "token-ada knows correct-horse"}', redactor)

    assert headers == (("set-cookie", "auth_token=[redacted]; HttpOnly"), ("x", "[redacted]"))
    assert body == {"token": "[redacted]", "said": "[redacted] knows [redacted]"}
    assert redactor.text("Bearer xyz, internal-secret") == "Bearer [redacted] [redacted]"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"name": "\\ud800"}', {"name": "\\ud800"}),
        (b"[" * 4000 + b"]" * 4000, "[" * 500),
        (b'{"n": NaN}', '{"n": NaN}'),
        (b'{"n": 1e999}', '{"n": 1e999}'),
        (b'{"n": ' + b"9" * 400 + b"}", '{"n": ' + "9" * 400 + "}"),
        (b'{"n": ' + b"9" * 30 + b"}", {"n": int("9" * 30)}),
        (b'{"n": "' + b"x" * 20_000 + b'"}', '{"n": "' + "x" * 493),
    ],
)
def test_whatever_an_answer_holds_can_be_kept_and_read_again(body: bytes, kept: object) -> None:
    found = kept_body(body, Redactor(()))
    event = Answered(at_s=0.0, by="client", id=1, status=200, body=found)

    assert found == kept
    assert from_json(to_json(event)) == event


SECRET = "can/ary+pass word&1"


@pytest.mark.parametrize(
    "text",
    [
        f"say {SECRET} aloud",
        "/x?next=" + quote(SECRET, safe=""),
        "/x?next=" + quote(SECRET, safe="").lower(),
        "a=b&c=" + quote_plus(SECRET),
        "/y?url=" + quote("/x?p=" + quote(SECRET, safe=""), safe=""),
        json.dumps({"said": SECRET}),
        "Basic " + b64encode(f"ada:{SECRET}".encode()).decode(),
        "it was " + b64encode(f"someone.else:{SECRET}!".encode()).decode(),
        "https://ada:pw12@there/",
        "https://there/?api_key=5e55&x=1",
        '{"access_token": "opaque"',
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "the answer ends in " + SECRET[:14],
        "two threads say " + SECRET[:14] + SECRET[:13] + "was given",
    ],
)
def test_secrets_are_found_in_whatever_form(text: str) -> None:
    shown = Redactor((SECRET,)).text(text)

    assert "[redacted]" in shown
    for part in (SECRET, SECRET[:14], quote(SECRET, safe=""), "pw12", "5e55", "opaque", "eyJzdWI"):
        assert part not in shown
    assert Redactor((SECRET,), keep=True).text(text) == text


def test_half_a_secret_goes_with_all_that_is_of_it() -> None:
    redactor = Redactor(("canary-issued-c4d41f",))

    assert redactor.text("a canary-issued-c4 b canary-issued-c canary") == (
        "a [redacted] b [redacted] canary"
    )


def test_short_secrets_are_no_part_of_words() -> None:
    redactor = Redactor(("chat",))

    assert redactor.text("a chatty user") == "a chatty user"
    assert redactor.text("he said chat!") == "he said [redacted]!"


def test_secrets_come_from_the_target_and_the_scenario() -> None:
    target = bundled("reference")
    assert target is not None
    assert target.start is not None
    env = {
        "DB_PASSWORD": "hunter2!",
        "MODE": "production",
        "URL": "redis://u:p4ss@h",
        "WORKERS": "4",
    }
    target = target.model_copy(update={"start": target.start.model_copy(update={"env": env})})

    known = set(secrets_of(target))

    assert {"token-ada", "correct-horse", "hunter2!", "p4ss"} <= known
    assert not {"production", "4"} & known
