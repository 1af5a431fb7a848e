"""A proxy's port is nobody else's, also while nobody listens there."""

from __future__ import annotations

import socket
import sys

import pytest

from harness.engines.local.ports import HeldPorts

HOST = "127.0.0.1"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is held there")


@pytest.fixture
def ports():
    held = HeldPorts(HOST)
    yield held
    held.close()


def test_it_refuses_and_is_given_to_no_client(ports: HeldPorts) -> None:
    port = ports.hold()
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect((HOST, port))
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((HOST, port))  # as the system does for a client that names no port


def test_servers_may_come_and_go_there(ports: HeldPorts) -> None:
    port = ports.hold()
    for _ in range(3):
        with socket.create_server((HOST, port)), socket.create_connection((HOST, port)):
            pass
        with socket.socket() as client, pytest.raises(ConnectionRefusedError):
            client.connect((HOST, port))


def test_a_port_that_somebody_has_stays_the_servers_trouble(ports: HeldPorts) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert ports.hold(port) == port
