"""An OpenAPI document from a running application: from this machine, bounded in size and time."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from harness.errors import InvalidFile, UsageError
from harness.init.description import description
from harness.openapi.requests import named, requests_of

DOCUMENT = b'{"openapi": "3.1.0", "paths": {"/orders/{id}": {"get": {"responses": {"200": {}}}}}}'
Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a document; at /moved it leads elsewhere, at /slow it never ends."""
    over = threading.Event()
    servers = []

    def serving(document: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(302 if self.path == "/moved" else 200)
                self.send_header("Location", "http://192.0.2.1/openapi.json")
                self.end_headers()
                while self.path == "/slow" and not over.wait(0.05):
                    self.wfile.write(b" ")
                self.wfile.write(document)

            def log_message(self, *words: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serving
    over.set()
    for server in servers:
        server.shutdown()
        server.server_close()


def test_it_says_what_can_be_asked(serve: Serve) -> None:
    found, left_out = requests_of(description(f"{serve(DOCUMENT)}/x", allow_remote=False))
    assert named(found) == {"orders": {"request": "GET /orders/1", "healthy": 200}}
    assert not left_out


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://192.0.2.1/openapi.json", "not this machine"),
        ("http://api.example/openapi.json", "--allow-remote"),
        ("ftp://127.0.0.1/openapi.json", "expected a file, or a URL"),
        ("http://127.0.0.1:1/openapi.json", "can't be fetched"),
        ("nowhere.yaml", "there is no such file"),
    ],
)
def test_what_is_elsewhere_or_nowhere_is_refused(url: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        description(url, allow_remote=False)


def test_it_is_not_led_elsewhere(serve: Serve) -> None:
    with pytest.raises(UsageError, match="answered 302"):
        description(f"{serve(DOCUMENT)}/moved", allow_remote=False)


def test_it_is_bounded_in_size_and_time(serve: Serve) -> None:
    with pytest.raises(UsageError, match="larger than 4 MB"):
        description(f"{serve(b' ' * 4_000_001)}/x", allow_remote=False)
    begun_s = time.monotonic()
    with pytest.raises(UsageError, match=r"within 0\.3 s"):
        description(f"{serve(DOCUMENT)}/slow", allow_remote=False, within_s=0.3)
    assert time.monotonic() - begun_s < 10


def test_what_is_no_document_is_named_with_its_line(serve: Serve) -> None:
    with pytest.raises(InvalidFile, match=r"/x:1: is no OpenAPI file"):
        description(f"{serve(b'{}')}/x", allow_remote=False)
