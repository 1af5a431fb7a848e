"""Toxics added, changed and removed while connections are open and data is on its way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

InTime = Callable[..., None]


def passes(sender: Any, receiver: Any) -> bool:
    sender.send(b"ping")
    return bool(receiver.receive(4, 2) == b"ping")


def test_added_toxic_meets_the_next_chunk(proxied: Any, stream: str, in_time: InTime) -> None:
    sender, receiver = proxied.open().ends(stream)
    assert passes(sender, receiver)
    proxied.add("latency", stream, latency=150)
    begun_s = time.monotonic()
    assert passes(sender, receiver)
    in_time(begun_s, 0.15)


def test_changed_latency_meets_the_next_chunk(proxied: Any, stream: str, in_time: InTime) -> None:
    toxic = proxied.add("latency", stream, latency=2000)
    sender, receiver = proxied.open().ends(stream)
    proxied.update(toxic, attributes={"latency": 120})
    begun_s = time.monotonic()
    assert passes(sender, receiver)
    in_time(begun_s, 0.12)


def test_removed_latency_restores_fast_passage(proxied: Any, stream: str, in_time: InTime) -> None:
    toxic = proxied.add("latency", stream, latency=3000)
    sender, receiver = proxied.open().ends(stream)
    proxied.remove(toxic)
    begun_s = time.monotonic()
    assert passes(sender, receiver)
    in_time(begun_s, 0.0)


def test_data_in_flight_survives_removal_undelayed_and_in_order(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    toxic = proxied.add("latency", stream, latency=3000)
    sender, receiver = proxied.open().ends(stream)
    for number in range(10):
        sender.send(b"%d" % number)
        time.sleep(0.005)
    assert receiver.is_silent()
    begun_s = time.monotonic()
    proxied.remove(toxic)
    assert receiver.receive(10) == b"0123456789"
    in_time(begun_s, 0.0)


def test_update_releases_the_chunk_held_and_times_the_queued_anew(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    toxic = proxied.add("latency", stream, latency=3000)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"1")
    time.sleep(0.05)
    queued_s = sender.send(b"2")
    time.sleep(0.05)
    begun_s = time.monotonic()
    proxied.update(toxic, attributes={"latency": 400})
    assert receiver.receive(1) == b"1"
    in_time(begun_s, 0.0)
    assert receiver.receive(1) == b"2"
    in_time(queued_s, 0.4)


def test_adding_behind_a_latency_releases_the_chunk_held(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    proxied.add("latency", stream, latency=3000)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"held")
    assert receiver.is_silent(0.05)
    begun_s = time.monotonic()
    proxied.add("timeout", stream, timeout=0)
    assert receiver.receive(4) == b"held", "it does not meet the new toxic"
    in_time(begun_s, 0.0)


def test_removing_the_successor_releases_the_chunk_held(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    proxied.add("latency", stream, latency=3000)
    second = proxied.add("noop", stream)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"held")
    assert receiver.is_silent(0.05)
    begun_s = time.monotonic()
    proxied.remove(second)
    assert receiver.receive(4) == b"held"
    in_time(begun_s, 0.0)


def test_changes_of_one_direction_leave_the_other_alone(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    sender, receiver = proxied.open().ends(stream)
    other = "upstream" if stream == "downstream" else "downstream"
    proxied.add("latency", other, latency=3000)
    begun_s = time.monotonic()
    assert passes(sender, receiver)
    in_time(begun_s, 0.0)


def test_raised_bandwidth_lets_the_rest_go_at_once(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    toxic = proxied.add("bandwidth", stream, rate=1)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"x" * 1000)
    assert len(receiver.receive(100)) == 100
    begun_s = time.monotonic()
    proxied.update(toxic, attributes={"rate": 2})
    assert len(receiver.receive(900)) == 900
    in_time(begun_s, 0.0)


def test_slicer_interrupted_sends_the_rest_in_one_piece(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    toxic = proxied.add("slicer", stream, average_size=10, size_variation=0, delay=500_000)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"x" * 80)
    assert len(receiver.receive_once()) == 10
    begun_s = time.monotonic()
    proxied.remove(toxic)
    assert len(receiver.receive(70)) == 70
    in_time(begun_s, 0.0)


def test_timeout_added_silences_a_live_connection_and_removal_closes_it(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    pair = proxied.open()
    sender, receiver = pair.ends(stream)
    assert passes(sender, receiver)
    toxic = proxied.add("timeout", stream, timeout=0)
    sender.send(b"lost")
    assert receiver.is_silent(0.2)
    begun_s = time.monotonic()
    proxied.remove(toxic)
    assert receiver.receive_all() == b"", "what was dropped does not come back"
    assert sender.fate() == "eof"
    in_time(begun_s, 0.0)


def test_removing_a_timeout_closes_even_what_its_toxicity_spared(proxied: Any, stream: str) -> None:
    toxic = proxied.add("timeout", stream, toxicity=0, timeout=0)
    sender, receiver = proxied.open().ends(stream)
    assert passes(sender, receiver)
    proxied.remove(toxic)
    assert receiver.fate() == "eof"


def test_reset_of_the_server_closes_what_a_timeout_silenced(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    proxied.add("timeout", stream, timeout=0)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"lost")
    begun_s = time.monotonic()
    assert proxied.api.call("POST", "/reset").status == 204
    assert receiver.fate() == "eof"
    in_time(begun_s, 0.0)


def test_updated_timeout_counts_from_the_update(proxied: Any, stream: str, in_time: InTime) -> None:
    toxic = proxied.add("timeout", stream, timeout=0)
    _, receiver = proxied.open().ends(stream)
    begun_s = time.monotonic()
    proxied.update(toxic, attributes={"timeout": 150})
    assert receiver.fate() == "eof"
    in_time(begun_s, 0.15)


def test_slow_close_starts_anew_when_updated(proxied: Any, stream: str, in_time: InTime) -> None:
    toxic = proxied.add("slow_close", stream, delay=3000)
    sender, receiver = proxied.open().ends(stream)
    sender.close()
    assert receiver.is_silent()
    begun_s = time.monotonic()
    proxied.update(toxic, attributes={"delay": 150})
    assert receiver.fate() == "eof"
    in_time(begun_s, 0.15)


def test_slow_close_removed_closes_at_once(proxied: Any, stream: str, in_time: InTime) -> None:
    toxic = proxied.add("slow_close", stream, delay=3000)
    sender, receiver = proxied.open().ends(stream)
    sender.close()
    assert receiver.is_silent()
    begun_s = time.monotonic()
    proxied.remove(toxic)
    assert receiver.fate() == "eof"
    in_time(begun_s, 0.0)


@pytest.mark.parametrize("lifted_first", [0, 1])
def test_a_lost_reply_is_silence_though_its_sender_closed_until_it_is_lifted(
    proxied: Any, in_time: InTime, lifted_first: int
) -> None:
    """The faults `reply_lost` and `blackhole` are these two toxics, in this order."""
    toxics = [
        proxied.add("slow_close", "downstream", delay=24 * 3600 * 1000),
        proxied.add("timeout", "downstream", timeout=0),
    ]
    sender, receiver = proxied.open().ends("downstream")
    sender.send(b"lost")
    sender.close()
    assert receiver.is_silent(0.5)
    begun_s = time.monotonic()
    for toxic in (toxics[lifted_first], toxics[1 - lifted_first]):
        proxied.remove(toxic)
    assert receiver.fate() == "eof"
    in_time(begun_s, 0.0)


def test_limit_lowered_below_the_count_closes_at_the_next_chunk(
    proxied: Any, stream: str, request: pytest.FixtureRequest
) -> None:
    toxic = proxied.add("limit_data", stream, bytes=100)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"x" * 50)
    assert len(receiver.receive(50)) == 50
    proxied.update(toxic, attributes={"bytes": 30})
    silent = receiver.is_silent()
    # On a busy machine the real server was seen to close without waiting for the next chunk.
    assert silent or "[toxiproxy" in request.node.name
    if silent:
        sender.send(b"more")
    assert receiver.receive_all(2) == b""


def test_limit_keeps_its_count_over_an_update(proxied: Any, stream: str) -> None:
    toxic = proxied.add("limit_data", stream, bytes=100)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"x" * 60)
    assert len(receiver.receive(60)) == 60
    proxied.update(toxic, attributes={"bytes": 80})
    sender.send(b"x" * 60)
    assert len(receiver.receive_all(2)) == 20


def test_reset_peer_added_to_a_live_connection_closes_it_plainly(proxied: Any, stream: str) -> None:
    sender, receiver = proxied.open().ends(stream)
    assert passes(sender, receiver)
    proxied.add("reset_peer", stream, timeout=0)
    sender.send(b"x")
    assert receiver.fate() == "eof", "the linger option is only set on new connections"


def test_several_toxics_come_and_go_without_losing_a_byte(proxied: Any, stream: str) -> None:
    sender, receiver = proxied.open().ends(stream)
    sent = bytearray()
    kinds: list[tuple[str, dict[str, int]]] = [
        ("latency", {"latency": 20, "jitter": 10}),
        ("slicer", {"average_size": 50, "size_variation": 20, "delay": 100}),
        ("bandwidth", {"rate": 1000}),
        ("noop", {}),
    ]
    names = []
    for number in range(24):
        kind, attributes = kinds[number % 4]
        names.append(proxied.add(kind, stream, **attributes))
        data = b"%06d" % number * 30
        sender.send(data)
        sent += data
        if number % 3 == 2:
            proxied.remove(names.pop(0))
        if number % 5 == 4:
            proxied.update(names[-1], toxicity=0.5)
    for name in names:
        proxied.remove(name)
    assert receiver.receive(len(sent)) == sent


# Ends of connections


def test_half_close_loses_the_reply(proxied: Any) -> None:
    pair = proxied.open()
    pair.client.send(b"question")
    assert pair.server.receive(8) == b"question"
    pair.client.socket.shutdown(1)
    assert pair.server.fate() == "eof"
    pair.server.socket.sendall(b"answer")
    assert pair.client.receive_all() == b"", "there is no half-close: the whole socket is closed"


@pytest.mark.parametrize("who", ["client", "server"])
def test_reset_of_one_side_reaches_the_other_as_an_ordinary_end(proxied: Any, who: str) -> None:
    pair = proxied.open()
    one, other = (pair.client, pair.server) if who == "client" else (pair.server, pair.client)
    one.send(b"x")
    assert other.receive(1) == b"x"
    one.reset()
    assert other.fate() == "eof"


def test_data_before_an_end_arrives(proxied: Any, stream: str) -> None:
    sender, receiver = proxied.open().ends(stream)
    data = b"z" * 300_000
    sender.socket.settimeout(5)
    sender.send(data[:100_000])
    sender.socket.sendall(data[100_000:])
    sender.close()
    assert receiver.receive_all() == data


def test_upstream_gone_with_data_under_way(proxied: Any) -> None:
    proxied.add("latency", "downstream", latency=200)
    pair = proxied.open()
    pair.server.send(b"testament")
    pair.server.close()
    assert pair.client.receive_all() == b"testament"
