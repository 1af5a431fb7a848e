"""What the audit finds and what it leaves alone; `#! rule` marks the line of each finding."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from harness.audit import audit

CLIENT = """
import requests

class ServiceUnavailable(Exception): ...

class ResilientServiceClient:
    def __init__(self, url, *, timeout):
        self.url, self.timeout, self.breaker = url, timeout, Breaker()
        self.session = requests.Session()

    def post(self, path, json=None):
        if not self.breaker.allow():
            raise ServiceUnavailable("circuit breaker open")
        return self.session.post(self.url + path, json=json, timeout=self.timeout)
"""

DIRECT = {
    "a plain call": """
        import requests
        requests.get("http://auth")  #! direct-call no-timeout
        requests.post("http://auth", timeout=5)  #! direct-call
        requests.request("GET", "http://auth", timeout=None)  #! direct-call no-timeout
        """,
    "aliases": """
        import requests as r
        from requests import post as send, api
        r.put("http://auth", timeout=1)  #! direct-call
        send("http://auth", timeout=1)  #! direct-call
        api.delete("http://auth", timeout=1)  #! direct-call
        fetch = r.get
        again = fetch
        again("http://auth", timeout=1)  #! direct-call
        """,
    "sessions": """
        import requests
        from requests import Session
        session = requests.Session()
        session.get("http://auth", timeout=1)  #! direct-call
        Session().post("http://auth")  #! direct-call no-timeout
        with requests.Session() as s:
            s.head("http://auth", timeout=1)  #! direct-call
        """,
    "attributes": """
        import requests
        class Gateway:
            shared = requests.Session()
            def __init__(self):
                self.http = requests.Session()
            def ask(self):
                self.shared.get("http://auth", timeout=1)  #! direct-call
                return self.http.get("http://auth", timeout=1)  #! direct-call
        gateway = Gateway()
        gateway.http.get("http://auth", timeout=1)  #! direct-call
        """,
    "subclasses": """
        import requests
        class Named(requests.Session):
            def ask(self):
                return self.get("http://auth", timeout=1)  #! direct-call
        Named().post("http://auth", timeout=1)  #! direct-call
        """,
    "annotations": """
        import httpx, requests
        from typing import Optional
        def one(session: requests.Session):
            session.get("http://auth", timeout=1)  #! direct-call
        def two(client: "Optional[httpx.Client]" = None):
            client.get("http://auth")  #! direct-call
        class Three:
            session: requests.Session | None
            def ask(self):
                self.session.get("http://auth", timeout=1)  #! direct-call
        """,
    "partials": """
        from functools import partial
        import requests
        post = partial(requests.post, timeout=5)  #! direct-call
        post("http://auth")  #! direct-call
        """,
    "handed on": """
        import requests
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor() as pool:
            pool.submit(requests.get, "http://auth")  #! direct-call
        methods = {"get": requests.get}  #! direct-call
        methods["get"]("http://auth", timeout=1)  #! direct-call
        """,
    "by name": """
        import importlib
        import requests
        getattr(requests, "get")("http://auth", timeout=1)  #! direct-call
        def ask(method):
            return getattr(requests, method)("http://auth", timeout=1)  #! direct-call
        importlib.import_module("requests").get("http://auth", timeout=1)  #! direct-call
        """,
    "what functions return": """
        import requests
        def session():
            return requests.Session()
        session().get("http://auth", timeout=1)  #! direct-call
        """,
    "inside functions": """
        def ask():
            import requests as http
            return http.get("http://auth", timeout=1)  #! direct-call
        async def ask_too():
            import httpx
            async with httpx.AsyncClient() as client:
                return await client.get("http://auth")  #! direct-call
        """,
    "httpx": """
        import httpx
        httpx.get("http://auth")  #! direct-call
        httpx.get("http://auth", timeout=None)  #! direct-call no-timeout
        client = httpx.Client(timeout=None)
        client.post("http://auth")  #! direct-call no-timeout
        with httpx.stream("GET", "http://auth") as answer:  #! direct-call
            pass
        """,
    "the standard library": """
        import http.client
        import urllib.request
        from urllib.request import urlopen
        urllib.request.urlopen("http://auth")  #! direct-call no-timeout
        urlopen("http://auth", None, 5)  #! direct-call
        connection = http.client.HTTPConnection("auth", timeout=5)
        connection.request("GET", "/")  #! direct-call
        http.client.HTTPSConnection("auth").request("GET", "/")  #! direct-call no-timeout
        """,
    "urllib3 and aiohttp": """
        import aiohttp
        import urllib3
        pool = urllib3.PoolManager()
        pool.request("GET", "http://auth")  #! direct-call no-timeout
        urllib3.PoolManager(timeout=3).request("GET", "http://auth")  #! direct-call
        async def ask():
            async with aiohttp.ClientSession() as session:
                async with session.get("http://auth", timeout=3) as answer:  #! direct-call
                    return await answer.json()
        """,
    "a wrapper that is no client": """
        import requests
        class BillingClient:
            def get(self, path):
                return requests.get("http://billing" + path, timeout=5)  #! direct-call
        """,
}

LEFT_ALONE = {
    "other things called get": """
        import os
        settings = {}
        settings.get("url")
        os.environ.get("URL")
        class Session:
            def get(self, url): ...
        Session().get("x")
        """,
    "a parameter of that name": """
        import requests
        def ask(requests):
            return requests.get("x")
        """,
    "answers": """
        from requests import Response
        def read(answer: Response):
            return answer.json(), answer.headers.get("x")
        """,
    "text": """
        '''requests.get("http://auth")'''
        # requests.get("http://auth")
        x = "requests.post("
        """,
    "errors and types": """
        import requests
        try:
            pass
        except requests.RequestException:
            pass
        requests.codes.ok
        """,
    "allowed by a comment": """
        import requests
        requests.get("http://auth")  # outage: allow (a health check at start)
        requests.get(
            "http://auth",
        )  # outage: allow
        def start():  # outage: allow
            requests.get("http://auth")
        """,
    "a method that a breaker's call runs": """
        import pybreaker
        import requests
        class Upstream:
            def __init__(self, base):
                self.base, self.guard = base, pybreaker.CircuitBreaker(fail_max=3)
            def once(self, path):
                return requests.get(self.base + path, timeout=2)
            def ask(self, path):
                return self.guard.call(self.once, path)
        """,
    "a lambda and a block of a breaker": """
        import pybreaker
        import requests
        db = pybreaker.CircuitBreaker()
        db.call(lambda: requests.get("http://auth", timeout=2))
        with db.calling():
            requests.post("http://auth", timeout=2)
        """,
    "behind a breaker library": """
        import requests
        from circuitbreaker import circuit
        import pybreaker
        @circuit(failure_threshold=5)
        def ask():
            return requests.get("http://auth", timeout=5)
        breaker = pybreaker.CircuitBreaker()
        breaker.call(requests.get, "http://auth", timeout=5)
        """,
    "the resilient client itself": CLIENT,
}


def found(folder: Path) -> set[tuple[str, int, str]]:
    return {(Path(f.file).name, f.line, f.rule) for f in audit(folder).findings}


def marked(text: str, file: str = "app.py") -> set[tuple[str, int, str]]:
    return {
        (file, number, rule)
        for number, line in enumerate(text.splitlines(), 1)
        if (mark := re.search(r"#! (.*)", line))
        for rule in mark[1].split()
    }


def check(folder: Path, text: str) -> None:
    text = textwrap.dedent(text)
    (folder / "app.py").write_text(text)
    assert found(folder) == marked(text)


@pytest.mark.parametrize("text", DIRECT.values(), ids=DIRECT.keys())
def test_direct_calls_are_found(text: str, tmp_path: Path) -> None:
    assert marked(textwrap.dedent(text))
    check(tmp_path, text)


@pytest.mark.parametrize("text", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_other_code_is_left_alone(text: str, tmp_path: Path) -> None:
    assert not marked(textwrap.dedent(text))
    check(tmp_path, text)


UNGUARDED = {
    "nobody catches": """
        from client import ResilientServiceClient
        auth_client = ResilientServiceClient("http://auth", timeout=5)
        def login():
            return auth_client.post("/login")  #! unguarded-call
        """,
    "caught where it is called": """
        from client import ResilientServiceClient, ServiceUnavailable
        auth_client = ResilientServiceClient("http://auth", timeout=5)
        def login():
            try:
                return auth_client.post("/login")
            except ServiceUnavailable:
                return None
        """,
    "caught by a caller": """
        from client import ResilientServiceClient, ServiceUnavailable
        auth_client = ResilientServiceClient("http://auth", timeout=5)
        def ask():
            return auth_client.post("/login")
        def login():
            try:
                return ask()
            except (ValueError, ServiceUnavailable):
                return None
        """,
    "one caller catches, another does not": """
        from client import ResilientServiceClient, ServiceUnavailable
        auth_client = ResilientServiceClient("http://auth", timeout=5)
        def ask():
            return auth_client.post("/login")  #! unguarded-call
        def login():
            try:
                return ask()
            except ServiceUnavailable:
                return None
        def check():
            return ask()
        """,
    "the wrong error is caught": """
        import requests
        from client import ResilientServiceClient
        auth_client = ResilientServiceClient("http://auth", timeout=5)
        def login():
            try:
                return auth_client.post("/login")  #! unguarded-call
            except requests.RequestException:
                return None
        """,
    "in the handler, not in the try": """
        from client import ResilientServiceClient, ServiceUnavailable
        auth_client = ResilientServiceClient("http://auth", timeout=5)
        def login():
            try:
                return auth_client.post("/login")
            except ServiceUnavailable:
                return auth_client.post("/again")  #! unguarded-call
        """,
    "suppressed": """
        from contextlib import suppress
        from client import ResilientServiceClient, ServiceUnavailable
        auth_client = ResilientServiceClient("http://auth", timeout=5)
        def login():
            with suppress(ServiceUnavailable):
                auth_client.post("/login")
        """,
    "handed to one that catches": """
        from client import ResilientServiceClient, ServiceUnavailable
        auth_client = ResilientServiceClient("http://auth", timeout=5)
        def passed_on(call):
            try:
                return call()
            except ServiceUnavailable:
                return None
        def login():
            return passed_on(lambda: auth_client.post("/login"))
        """,
    "an error handler of the application": """
        from client import ResilientServiceClient, ServiceUnavailable
        auth_client = ResilientServiceClient("http://auth", timeout=5)
        @app.errorhandler(ServiceUnavailable)
        def unavailable(error):
            return {}, 503
        def login():
            return auth_client.post("/login")
        """,
    "fields of a container": """
        from dataclasses import dataclass
        from client import ResilientServiceClient
        @dataclass
        class Services:
            auth: ResilientServiceClient
        def login(services: Services):
            return services.auth.post("/login")  #! unguarded-call
        """,
}


@pytest.mark.parametrize("text", UNGUARDED.values(), ids=UNGUARDED.keys())
def test_calls_whose_error_nobody_catches(text: str, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(CLIENT)
    check(tmp_path, text)


@pytest.mark.parametrize("text", UNGUARDED.values(), ids=UNGUARDED.keys())
def test_the_client_need_not_be_audited_too(text: str, tmp_path: Path) -> None:
    check(tmp_path, text)


def test_what_a_client_is_built_on_may_call_directly(tmp_path: Path) -> None:
    package = tmp_path / "resilience"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "wire.py").write_text(
        "import requests\ndef send(url):\n    return requests.get(url, timeout=1)\n"
    )
    (package / "client.py").write_text(
        "from .wire import send\n"
        "class ResilientClient:\n"
        "    def get(self, url):\n"
        "        self.breaker.check()\n"
        "        return send(url)\n"
    )
    (tmp_path / "app.py").write_text("import requests\nrequests.get('x', timeout=1)\n")
    assert found(tmp_path) == {("app.py", 2, "direct-call")}


def test_sessions_are_followed_through_files(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("import requests\nhttp = requests.Session()\n")
    (tmp_path / "app.py").write_text(
        "from net import http\nimport net\nhttp.get('x', timeout=1)\nnet.http.get('x', timeout=1)\n"
    )
    assert found(tmp_path) == {("app.py", 3, "direct-call"), ("app.py", 4, "direct-call")}


def test_a_client_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import requests\n"
        "class Caller:\n"
        "    def get(self, url):\n"
        "        return requests.get(url, timeout=1)\n"
    )
    assert {f.rule for f in audit(tmp_path).findings} == {"direct-call"}
    assert audit(tmp_path, clients=["Caller"]).findings == ()
