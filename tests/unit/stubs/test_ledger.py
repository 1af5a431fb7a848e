"""A ledger outlives the process that wrote it."""

import json

from stub_services import Connection, build


def ask(service: object, method: str, path: str, value: object) -> dict[str, object]:
    connection = Connection(service, lambda: None)  # type: ignore[arg-type]
    body = json.dumps(value).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.feed(1.0, head.encode() + body)
    data = b"".join(out for out in connection.advance(1.0) if isinstance(out, bytes))
    return dict(json.loads(data.partition(b"\r\n\r\n")[2]))


def test_a_restored_charge_is_a_duplicate_when_it_comes_again() -> None:
    billing = build(["billing"])["billing"]
    charge = {"job_id": "j1", "user_id": "ada", "cost": 0.57}

    ask(billing, "PUT", "/_stub/ledger", [charge])
    again = ask(billing, "POST", "/deduct", charge | {"description": "chat"})
    balance = ask(billing, "GET", "/balance/ada", None)

    assert again == {"status": "duplicate"}
    assert balance["balance"] == 999.43


def test_a_ledger_that_is_none_is_refused() -> None:
    services = build(["billing", "auth"])

    assert "error" in ask(services["billing"], "PUT", "/_stub/ledger", {"no": "list"})
    assert "error" in ask(services["auth"], "PUT", "/_stub/ledger", [])
