"""What each toxic does to bytes and connections, in both directions, and when."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

InTime = Callable[..., None]


# latency


def test_latency_delays_one_direction(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("latency", stream, latency=500)
    pair = proxied.open()
    sender, receiver = pair.ends(stream)
    begun_s = sender.send(b"hello")
    assert receiver.receive(5) == b"hello"
    in_time(begun_s, 0.5)
    begun_s = receiver.send(b"back")
    assert sender.receive(4) == b"back"
    in_time(begun_s, 0.0, 0.45)


def test_latency_delays_a_burst_once(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("latency", stream, latency=150)
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"0")
    for number in range(1, 10):
        time.sleep(0.005)
        last_s = sender.send(b"%d" % number)
    assert receiver.receive(1) == b"0"
    in_time(begun_s, 0.15)
    assert receiver.receive(9) == b"123456789"
    in_time(last_s, 0.15)


def test_latency_does_not_delay_connects_or_idle_closes(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    proxied.add("latency", stream, latency=2000)
    begun_s = time.monotonic()
    sender, receiver = proxied.open().ends(stream)
    sender.close()
    assert receiver.fate() == "eof"
    in_time(begun_s, 0.0, 1.9)


def test_end_stays_behind_late_data(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("latency", stream, latency=150)
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"last words")
    sender.close()
    assert receiver.receive_all() == b"last words"
    in_time(begun_s, 0.15)


def test_latencies_add_up(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("latency", stream, latency=100)
    proxied.add("latency", stream, latency=80)
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"x")
    receiver.receive(1)
    in_time(begun_s, 0.18)


def test_jitter_spreads_within_its_bounds(proxied: Any, stream: str) -> None:
    proxied.add("latency", stream, latency=20, jitter=15)
    sender, receiver = proxied.open().ends(stream)
    times = []
    for _ in range(25):
        begun_s = sender.send(b"x")
        receiver.receive(1)
        times.append(time.monotonic() - begun_s)
    assert min(times) >= 0.005
    assert statistics.median(times) < 0.035 + 0.2
    # Uniform over 30 ms: all 25 within 10 ms of each other has a probability below 1e-10.
    assert max(times) - min(times) > 0.010


def test_negative_latency_is_none(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("latency", stream, latency=-5000)
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"x")
    receiver.receive(1)
    in_time(begun_s, 0.0)


# bandwidth


def test_bandwidth_limits_the_rate(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("bandwidth", stream, rate=100)  # 100 KB/s, KB = 1000 B
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"x" * 30_000)
    assert len(receiver.receive(10_000)) == 10_000
    in_time(begun_s, 0.1)
    assert len(receiver.receive(20_000)) == 20_000
    in_time(begun_s, 0.3)


def test_bandwidth_holds_a_chunk_for_its_whole_time(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    proxied.add("bandwidth", stream, rate=10)
    sender, receiver = proxied.open().ends(stream)
    time.sleep(0.2)  # idle time earns no credit
    begun_s = sender.send(b"x" * 900)
    assert len(receiver.receive_once()) == 900
    in_time(begun_s, 0.09)


def test_bandwidth_slices_every_100_ms(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("bandwidth", stream, rate=1)
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"x" * 250)
    for size, due_s in ((100, 0.1), (100, 0.2), (50, 0.25)):
        assert len(receiver.receive_once()) == size
        in_time(begun_s, due_s)


def test_bandwidth_0_stops_data_and_the_end_behind_it(proxied: Any, stream: str) -> None:
    proxied.add("bandwidth", stream, rate=0)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"stuck")
    sender.close()
    assert receiver.is_silent(0.3)


def test_bandwidth_0_lets_an_idle_end_pass(proxied: Any, stream: str) -> None:
    proxied.add("bandwidth", stream, rate=0)
    sender, receiver = proxied.open().ends(stream)
    sender.close()
    assert receiver.fate(2) == "eof"


def test_stalled_data_arrives_whole_when_the_stall_is_lifted(proxied: Any, stream: str) -> None:
    toxic = proxied.add("bandwidth", stream, rate=0)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"first,")
    time.sleep(0.05)
    sender.send(b"second")
    assert receiver.is_silent()
    proxied.remove(toxic)
    assert receiver.receive(12, 1) == b"first,second"


def test_stall_pushes_back_on_the_sender(proxied: Any, stream: str) -> None:
    toxic = proxied.add("bandwidth", stream, rate=0)
    sender, receiver = proxied.open().ends(stream)
    sent = sender.fill()
    assert sent < 200_000_000
    proxied.remove(toxic)
    assert len(receiver.receive(sent, 20)) == sent


# slow_close


def test_slow_close_delays_the_end_only(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("slow_close", stream, delay=600)
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"data")
    assert receiver.receive(4) == b"data"
    in_time(begun_s, 0.0, 0.55)
    begun_s = time.monotonic()
    sender.close()
    assert receiver.fate() == "eof"
    in_time(begun_s, 0.6)


def test_slow_close_is_ignored_by_disabling(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("slow_close", stream, delay=5000)
    sender, receiver = proxied.open().ends(stream)
    sender.close()
    assert receiver.is_silent()
    begun_s = time.monotonic()
    proxied.switch(False)
    assert receiver.fate() == "eof"
    in_time(begun_s, 0.0)


# timeout


def test_timeout_drops_data_and_closes_after_silence(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    proxied.add("timeout", stream, timeout=200)
    begun_s = time.monotonic()
    sender, receiver = proxied.open().ends(stream)
    opened_s = time.monotonic()
    assert receiver.receive_all() == b""
    in_time(begun_s, 0.2, 1.0 + opened_s - begun_s)
    assert sender.fate() == "eof"


def test_timeout_counts_anew_from_each_chunk(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("timeout", stream, timeout=200)
    sender, receiver = proxied.open().ends(stream)
    for _ in range(6):
        last_s = sender.send(b"dropped")
        assert receiver.is_silent(0.06)
    assert receiver.receive_all() == b""
    in_time(last_s, 0.2)


@pytest.mark.parametrize("timeout", [0, -5])
def test_timeout_0_is_a_black_hole(proxied: Any, stream: str, timeout: int) -> None:
    proxied.add("timeout", stream, timeout=timeout)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"lost")
    assert receiver.is_silent(0.3)
    receiver.send(b"the other direction passes")
    assert sender.receive(26) == b"the other direction passes"
    sender.close()
    assert receiver.fate(2) == "eof", "the end passes at once"


# reset_peer


def test_reset_peer_resets_both_sides_after_the_first_bytes(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    proxied.add("reset_peer", stream, timeout=150)
    sender, receiver = proxied.open().ends(stream)
    assert receiver.is_silent(), "an idle connection is never reset"
    begun_s = sender.send(b"lost")
    with pytest.raises(ConnectionResetError):
        receiver.receive(4)
    in_time(begun_s, 0.15)
    assert sender.fate() == "reset"


def test_reset_peer_counts_an_end_as_first_bytes(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    proxied.add("reset_peer", stream, timeout=100)
    sender, receiver = proxied.open().ends(stream)
    begun_s = time.monotonic()
    sender.close()
    assert receiver.fate() == "reset"
    in_time(begun_s, 0.1)


def test_reset_peer_leaves_the_other_direction_alone(proxied: Any, stream: str) -> None:
    proxied.add("reset_peer", stream, timeout=0)
    sender, receiver = proxied.open().ends(stream)
    receiver.send(b"passes")
    assert sender.receive(6) == b"passes"


# slicer


def test_slicer_cuts_and_pauses(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("slicer", stream, average_size=100, size_variation=20, delay=20_000)
    sender, receiver = proxied.open().ends(stream)
    data = bytes(range(250)) * 4
    begun_s = sender.send(data)
    pieces = []
    while sum(map(len, pieces)) < len(data):
        pieces.append(receiver.receive_once())
    assert b"".join(pieces) == data
    assert len(pieces) >= 5
    in_time(begun_s, 0.02 * 7)


def test_slicer_sizes(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("slicer", stream, average_size=64, size_variation=0, delay=50_000)
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"x" * 256)
    sizes = []
    while sum(sizes) < 256:
        sizes.append(len(receiver.receive_once()))
    # A reader that is late finds several pieces at once, but never a part of one.
    assert [size % 64 for size in sizes] == [0] * len(sizes)
    in_time(begun_s, 0.15)


# limit_data


@pytest.mark.parametrize(("sent", "passed"), [(150, 100), (100, 100)])
def test_limit_data_closes_at_the_limit(proxied: Any, stream: str, sent: int, passed: int) -> None:
    proxied.add("limit_data", stream, bytes=100)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"x" * 60)
    assert len(receiver.receive(60)) == 60
    sender.send(b"x" * (sent - 60))
    assert len(receiver.receive_all(2)) == passed - 60
    assert sender.fate(2) in ("eof", "reset")


def test_limit_data_below_the_limit_stays_open(proxied: Any, stream: str) -> None:
    proxied.add("limit_data", stream, bytes=100)
    sender, receiver = proxied.open().ends(stream)
    sender.send(b"x" * 99)
    assert len(receiver.receive(99)) == 99
    assert receiver.is_silent()


def test_limit_data_0_closes_at_the_first_chunk(proxied: Any, stream: str) -> None:
    proxied.add("limit_data", stream, bytes=0)
    sender, receiver = proxied.open().ends(stream)
    assert receiver.is_silent()
    sender.send(b"x")
    assert receiver.receive_all(2) == b""


def test_limit_data_counts_each_connection(proxied: Any, stream: str) -> None:
    proxied.add("limit_data", stream, bytes=10)
    for _ in range(2):
        sender, receiver = proxied.open().ends(stream)
        sender.send(b"x" * 20)
        assert len(receiver.receive_all(2)) == 10


# noop, none, and chains


def test_noop_passes_everything(proxied: Any, stream: str) -> None:
    proxied.add("noop", stream)
    sender, receiver = proxied.open().ends(stream)
    data = bytes(range(256)) * 4000
    thread = threading.Thread(target=sender.send, args=(data,))
    thread.start()
    assert receiver.receive(len(data)) == data
    thread.join()


def test_toxics_act_in_order_of_creation(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("limit_data", stream, bytes=40)
    proxied.add("bandwidth", stream, rate=1)
    proxied.add("latency", stream, latency=100)
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"x" * 60)
    # 40 ms at 1 KB/s count towards the 100 ms, because latency looks at the chunk's age.
    assert receiver.receive_all() == b"x" * 40
    in_time(begun_s, 0.1)


def test_latency_before_bandwidth_adds(proxied: Any, stream: str, in_time: InTime) -> None:
    proxied.add("latency", stream, latency=100)
    proxied.add("bandwidth", stream, rate=1)
    sender, receiver = proxied.open().ends(stream)
    begun_s = sender.send(b"x" * 80)
    assert len(receiver.receive(80)) == 80
    in_time(begun_s, 0.18)


def test_timeout_ends_the_link_for_a_slow_close_behind_it(
    proxied: Any, stream: str, in_time: InTime
) -> None:
    proxied.add("timeout", stream, timeout=100)
    proxied.add("slow_close", stream, delay=150)
    begun_s = time.monotonic()
    _, receiver = proxied.open().ends(stream)
    assert receiver.fate() == "eof"
    in_time(begun_s, 0.25)
