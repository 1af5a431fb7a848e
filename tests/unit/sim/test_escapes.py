"""Whatever gets out of the simulation is named with its line; nothing hangs in silence."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pydantic
import pytest

from harness.engines.sim.own_code import OwnCode

from .conftest import Simulate

# What the target does on line 4, and what the report of it must say.
ESCAPES = {
    "subprocess": ("import subprocess", "return subprocess.run(['true'])", "another process"),
    "fork": ("import os", "return os.fork()", "another process"),
    "system": ("import os", "return os.system('true')", "another process"),
    "kill": ("import os", "return os.kill(os.getpid(), 10)", "a signal"),
    "alarm": ("import signal", "return signal.alarm(1)", "a signal"),
    "udp": (
        "import socket",
        "return socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 8125))",
        "datagram",
    ),
    "unix socket": (
        "import socket",
        "return socket.socket(socket.AF_UNIX).connect('/run/x.sock')",
        "Unix socket",
    ),
    "tls": (
        "import ssl, socket",
        "return ssl.create_default_context().wrap_socket(socket.socket(), server_hostname='x')",
        "TLS",
    ),
    "multiprocessing": (
        "import multiprocessing",
        "return multiprocessing.Process(target=print).start()",
        "another process",
    ),
    "a wait in C": (
        "import ctypes",
        "return ctypes.CDLL(None).usleep(400_000)",
        "waited in real time",
    ),
}


@pytest.mark.parametrize("escape", ESCAPES)
def test_an_escape_is_named_with_file_and_line(escape: str, simulate: Simulate) -> None:
    imports, line, said = ESCAPES[escape]
    outcome = simulate(f"{imports}\n\ndef work(environ):\n    {line}\n")
    assert any(found.startswith("target.py:4 ") and said in found for found in outcome.escapes), (
        outcome.escapes
    )
    assert all("--engine local" in found for found in outcome.escapes)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells in which way a thread waits")
def test_a_wait_that_the_kernel_lets_nobody_break_off_is_none_of_the_targets(
    simulate: Simulate, tmp_path: Path
) -> None:
    """As for the disk: so waits, too, who starts a program, here one whose input comes late."""
    os.mkfifo(tmp_path / "input")
    outcome = simulate(
        f"""
from ctypes import CDLL, byref, c_char_p, c_int, create_string_buffer

def work(environ):
    libc, fifo = CDLL(None), {os.fsencode(tmp_path / "input")!r}
    libc.system(b"(sleep 0.5; : > " + fifo + b") > /dev/null 2>&1 &")
    actions, true = create_string_buffer(1024), b"/bin/true"
    libc.posix_spawn_file_actions_init(actions)
    libc.posix_spawn_file_actions_addopen(actions, 0, fifo, 0, 0)
    return libc.posix_spawn(byref(c_int()), true, actions, None, (c_char_p * 2)(true), None)
"""
    )
    assert outcome.body == "0"
    assert outcome.escapes == []


def test_the_harness_and_its_stubs_are_not_the_target_s_code_wherever_it_is() -> None:
    root = str(Path(__file__).parents[3])
    own = OwnCode()
    assert not own.holds(f"{root}/gateway/app.py")
    own.begin(root, stubs=f"{root}/stub_services")
    assert own.holds(f"{root}/gateway/app.py")
    assert own.short(f"{root}/gateway/app.py") == "gateway/app.py"
    ours = ["harness/engines/sim/scheduler.py", "harness/faults/link.py", "stub_services/http.py"]
    libraries = [".venv/lib/python3.11/site-packages/flask/app.py", "lib/python3.11/random.py"]
    assert not any(own.holds(f"{root}/{file}") for file in [*ours, *libraries])
    assert not own.holds(f"{root}er/app.py")


def test_a_package_is_the_target_s_wherever_it_is_found() -> None:
    own = OwnCode()
    own.begin("/nowhere", stubs="/stubs")
    own.add_package("pydantic")
    assert own.holds(pydantic.__file__)
    assert not own.holds(pytest.__file__)
    own.add_package("no_such_package")
    assert not own.holds(pydantic.__file__)


def test_a_real_socket_made_in_c_is_named(simulate: Simulate) -> None:
    outcome = simulate(
        "import ctypes\n\ndef work(environ):\n    return ctypes.CDLL(None).socket(2, 1, 0)\n"
    )
    assert any("a real socket is open" in found for found in outcome.escapes)


def test_a_busy_loop_is_named_and_ended(simulate: Simulate) -> None:
    begun_s = time.monotonic()
    outcome = simulate("def work(environ):\n    while True:\n        pass\n")
    assert any(found.startswith("target.py:") and "busy" in found for found in outcome.escapes)
    assert outcome.troubles
    assert time.monotonic() - begun_s < 120


def test_a_loop_on_the_clock_is_remarked_on(simulate: Simulate) -> None:
    outcome = simulate(
        "import time\ndef work(environ):\n    a = time.time()\n"
        "    while time.time() < a + 1:\n        pass\n"
    )
    assert outcome.escapes == []
    assert any(
        remark.startswith("target.py:4 ") and "clock" in remark
        for remark in outcome.document["remarks"]
    )


def test_a_name_outside_the_world_is_remarked_on(simulate: Simulate) -> None:
    outcome = simulate(
        "import socket\ndef work(environ):\n    try:\n"
        "        socket.create_connection(('api.example.com', 80))\n"
        "    except socket.gaierror as error:\n        return error\n"
    )
    assert "not known" in outcome.body
    assert any("api.example.com" in remark for remark in outcome.document["remarks"])


def test_who_waits_for_what_is_told_when_a_request_never_ends(simulate: Simulate) -> None:
    outcome = simulate(
        "import threading\nlock = threading.Lock()\nlock.acquire()\n"
        "def work(environ):\n    lock.acquire()\n"
    )
    assert outcome.bodies == []
    (waiting,) = outcome.of("waiting")
    assert waiting["task"] == "test #1"
    assert waiting["what"] == "a lock"
    assert waiting["where"].startswith("target.py:5")


def test_an_import_that_waits_for_ever_is_told(simulate: Simulate) -> None:
    outcome = simulate("import threading\nthreading.Event().wait()\n")
    assert any("everything waits: main for a lock" in trouble for trouble in outcome.troubles)


def test_a_failing_import_is_told_with_its_line(simulate: Simulate) -> None:
    outcome = simulate("import os\nos.environ['NOT_THERE']\n")
    (fact,) = outcome.of("unstarted")
    assert fact["why"].startswith("could not be started: KeyError from importing target:")
    assert fact["why"].endswith("at target.py:2")
    assert fact["said"].endswith("KeyError: 'NOT_THERE'\n")


def test_an_unready_target_is_told(simulate: Simulate) -> None:
    outcome = simulate(
        "import target\n"
        "def broken(environ, start_response):\n"
        "    start_response('503 No', [])\n    return [b'']\n",
        app="target:broken",
    )
    (fact,) = outcome.of("unstarted")
    assert fact["why"] == "was not ready in 5 s: GET /health gave 503"


def test_a_name_replaced_after_the_import_is_named(simulate: Simulate) -> None:
    outcome = simulate("import time\ntime.sleep = print\ndef work(environ):\n    return 1\n")
    assert any("replaced time.sleep" in found for found in outcome.escapes)


def test_threads_of_another_runtime_are_named(simulate: Simulate) -> None:
    outcome = simulate(
        "import ctypes, time\n"
        "call = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)\n"
        "@call\n"
        "def other(_):\n"
        "    try:\n"
        "        time.sleep(1)\n"
        "    except RuntimeError:\n"
        "        pass\n"
        "    return None\n"
        "def work(environ):\n"
        "    t = ctypes.c_ulong()\n"
        "    lib = ctypes.CDLL(None)\n"
        "    lib.pthread_create(ctypes.byref(t), None, other, None)\n"
        "    lib.pthread_join(t, None)\n"
        "    return 'done'\n"
    )
    assert outcome.body == "done"
    assert any("thread that the simulation didn't start" in found for found in outcome.escapes)


def test_this_file_runs_where_schedstat_tells_of_waits() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the watchdog judges real waits on Linux only")
    with open(f"/proc/self/task/{__import__('threading').get_native_id()}/schedstat") as file:
        assert len(file.read().split()) == 3
