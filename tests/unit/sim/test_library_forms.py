"""Ordinary library calls of a target, each on virtual time: to the instant, and at no real cost."""

from __future__ import annotations

import time

import pytest

from .conftest import Simulate, send

FORMS = {
    "time.sleep": """
import time
def work(environ):
    a = time.monotonic(); time.sleep(3); return round(time.monotonic() - a, 6)
""",
    "from time import": """
from time import monotonic, sleep, time, perf_counter_ns
def work(environ):
    a = time(), perf_counter_ns(); sleep(3); return round(time() - a[0], 3)
""",
    "clocks kept in a class body": """
import time
class Timer:
    now = time.monotonic
    nap = time.sleep
def work(environ):
    t = Timer(); a = t.now(); t.nap(3); return round(t.now() - a, 6)
""",
    "datetime.now": """
import datetime, time
from datetime import timezone
def work(environ):
    a = datetime.datetime.now(timezone.utc); time.sleep(3)
    b = datetime.datetime.now(timezone.utc)
    assert isinstance(b, datetime.datetime) and isinstance(b - a, datetime.timedelta)
    assert datetime.date.today().year == 2026
    return (b - a).total_seconds()
""",
    "classes derived from datetime's": """
import datetime, time
import pydantic.v1
class Meta(type): pass
class Stamp(datetime.datetime, metaclass=Meta): pass
class Day(datetime.date, metaclass=Meta): pass
class Order(pydantic.v1.BaseModel):
    at: datetime.datetime
    on: datetime.date
def work(environ):
    a = Stamp.now(); order = Order(at="2026-01-01T00:00:00", on="2026-01-01"); time.sleep(3)
    b = datetime.datetime.utcnow()
    assert type(a) is Stamp and type(b) is datetime.datetime and Day.today() == order.on
    assert isinstance(order.at, datetime.datetime) and isinstance(b.date(), datetime.date)
    assert a.date() == datetime.datetime.today().date() == order.on
    return round((b - datetime.datetime.fromtimestamp(a.timestamp())).total_seconds(), 3)
""",
    "threading.Event": """
import threading, time
def work(environ):
    a = time.monotonic(); e = threading.Event()
    threading.Thread(target=lambda: (time.sleep(3), e.set())).start()
    assert not e.wait(1) and e.wait(10)
    return round(time.monotonic() - a, 6)
""",
    "threading.Condition": """
import threading, time
def work(environ):
    a = time.monotonic(); c = threading.Condition(); ready = []
    def later():
        time.sleep(3)
        with c:
            ready.append(1); c.notify_all()
    threading.Thread(target=later).start()
    with c:
        assert c.wait_for(lambda: ready, timeout=10)
    return round(time.monotonic() - a, 6)
""",
    "threading.Timer": """
import threading, time
def work(environ):
    a = time.monotonic(); t = threading.Timer(3, lambda: None); t.start(); t.join()
    assert not t.is_alive()
    return round(time.monotonic() - a, 6)
""",
    "lock with timeout": """
import threading, time
def work(environ):
    a = time.monotonic(); lock = threading.Lock(); lock.acquire()
    assert not lock.acquire(timeout=3)
    return round(time.monotonic() - a, 6)
""",
    "RLock, semaphore, barrier": """
import threading, time
def work(environ):
    a = time.monotonic(); r = threading.RLock(); s = threading.Semaphore(2)
    b = threading.Barrier(3)
    def one():
        with r, r:
            pass
        with s:
            time.sleep(1)
        b.wait()
    threads = [threading.Thread(target=one) for _ in range(3)]
    [t.start() for t in threads]; [t.join() for t in threads]
    return round(time.monotonic() - a, 6) + 1
""",
    "thread pool": """
import time
from concurrent.futures import ThreadPoolExecutor, as_completed, wait, TimeoutError
def work(environ):
    a = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        fs = [pool.submit(lambda i=i: (time.sleep(i), i)[1]) for i in (3, 1, 2)]
        assert [f.result() for f in as_completed(fs)] == [1, 2, 3]
        late = pool.submit(time.sleep, 0)
        done, left = wait([late], timeout=1)
        assert not left
    return round(time.monotonic() - a, 6)
""",
    "future with timeout": """
import time
from concurrent.futures import ThreadPoolExecutor, TimeoutError
pool = ThreadPoolExecutor(2)
def work(environ):
    a = time.monotonic()
    try:
        pool.submit(time.sleep, 9).result(timeout=3)
    except TimeoutError:
        return round(time.monotonic() - a, 6)
""",
    "queue": """
import queue, threading, time
def work(environ):
    a = time.monotonic(); q = queue.Queue(1)
    def feed():
        time.sleep(2); q.put(1); q.put(2)
    threading.Thread(target=feed).start()
    assert q.get(timeout=5) == 1 and q.get() == 2
    try:
        queue.SimpleQueue().get(timeout=1)
    except queue.Empty:
        return round(time.monotonic() - a, 6)
""",
    "sched": """
import sched, time
def work(environ):
    a = time.monotonic(); s = sched.scheduler(); s.enter(3, 1, lambda: None); s.run()
    return round(time.monotonic() - a, 6)
""",
    "thread-local values": """
import threading, time
here = threading.local()
class Mine(threading.local):
    def __init__(self, value): self.value = value
mine = Mine(7)
def work(environ):
    here.x = 1; mine.value = 8; seen = []
    t = threading.Thread(target=lambda: seen.append((hasattr(here, "x"), mine.value)))
    t.start(); t.join()
    assert seen == [(False, 7)] and here.x == 1 and mine.value == 8
    return 3
""",
    "asyncio": """
import asyncio, time
async def main():
    await asyncio.gather(asyncio.sleep(1), asyncio.to_thread(time.sleep, 2))
    try:
        await asyncio.wait_for(asyncio.sleep(9), 1)
    except asyncio.TimeoutError:
        pass
def work(environ):
    a = time.monotonic(); asyncio.run(main()); return round(time.monotonic() - a)
""",
    "a loop on the clock": """
import time
def work(environ):
    a = time.monotonic()
    while time.monotonic() < a + 3:
        pass
    assert 3 <= time.monotonic() - a < 3.05
    return 3
""",
}


@pytest.mark.parametrize("form", FORMS)
def test_three_virtual_seconds_pass_without_real_ones(form: str, simulate: Simulate) -> None:
    begun_s = time.monotonic()
    outcome = simulate(FORMS[form])
    assert outcome.logs == []
    assert float(outcome.body) == 3, outcome.body
    assert outcome.escapes == []
    assert outcome.troubles == []
    assert time.monotonic() - begun_s < 2.9


CLIENTS = {
    "requests": """
import os, requests
session = requests.Session()
def work(environ):
    return session.get(os.environ["UPSTREAM"] + environ["PATH_INFO"], timeout=5).text
""",
    "urllib": """
import os, urllib.request
def work(environ):
    return urllib.request.urlopen(os.environ["UPSTREAM"] + environ["PATH_INFO"], timeout=5).read()
""",
    "http.client": """
import os, http.client
connection = http.client.HTTPConnection(os.environ["UPSTREAM"][7:], timeout=5)
def work(environ):
    connection.request("GET", environ["PATH_INFO"]); return connection.getresponse().read()
""",
    "httpx": """
import os, httpx
client = httpx.Client(timeout=5)
def work(environ):
    return client.get(os.environ["UPSTREAM"] + environ["PATH_INFO"]).text
""",
    "urllib3 with retries": """
import os, urllib3
pool = urllib3.PoolManager(retries=urllib3.Retry(3, backoff_factor=0.5), timeout=5)
def work(environ):
    return pool.request("GET", os.environ["UPSTREAM"] + environ["PATH_INFO"]).data.decode()
""",
    "a plain socket": """
import os, socket
def work(environ):
    host, port = os.environ["UPSTREAM"][7:].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        sock.sendall(b"GET %s HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"
                     % environ["PATH_INFO"].encode())
        with sock.makefile("rb") as reader:
            assert reader.readline().startswith(b"HTTP/1.1 200")
            return reader.read()
""",
}
ROUTES = [{"route": "GET /thing", "json": {"thing": 1}}]
UPSTREAMS = [{"name": "auth", "port": 20_001, "users": {}, "routes": ROUTES}]


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_reach_a_stub_through_the_simulated_network(
    client: str, simulate: Simulate
) -> None:
    steps = [send(float(i), "/thing", i + 1) for i in range(2)]
    outcome = simulate(CLIENTS[client], upstreams=UPSTREAMS, steps=steps)
    assert outcome.logs == []
    assert len(outcome.bodies) == 2
    assert all("thing" in body for body in outcome.bodies)
    assert [fact["what"] for fact in outcome.of("crossed")].count("request") == 2
    assert outcome.escapes == []


def test_requests_that_are_over_leave_no_threads(simulate: Simulate) -> None:
    source = (
        "import threading\n\n"
        "def work(environ):\n"
        "    return threading.current_thread().is_alive(), threading.active_count()\n"
    )
    outcome = simulate(source, steps=[send(float(at), number=at + 1) for at in range(3)])
    assert outcome.bodies == ["(True, 2)"] * 3, "the main thread and its own"
