"""A gateway's routes over any two clients, and the plain HTTP that their attempts are made by.

Shared by the gateways of this folder and of `rate_gateway`, which differ in their breakers only.
"""

import contextlib
import json
import os
import urllib.error
import urllib.request
from typing import Protocol
from wsgiref.types import StartResponse, WSGIEnvironment


class Down(Exception):
    """The upstream is not to be had."""


class Client(Protocol):
    """What calls an upstream: an answer, or Down."""

    def call(self, path: str, value: object | None = None) -> tuple[int, object]: ...


def parsed(body: bytes) -> object:
    """The JSON of an answer; None for anything else, which is an answer all the same."""
    try:
        return json.loads(body)
    except ValueError:
        return None


class Address:
    """An upstream by the variable of its address, and single attempts at it."""

    def __init__(self, variable: str, timeout_s: float) -> None:
        self.base = os.environ[variable]
        self.timeout_s = timeout_s

    def attempt(self, path: str, value: object | None) -> tuple[int, object]:
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(
            self.base + path, data, {"Content-Type": "application/json"} if data else {}
        )
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as reply:
                return reply.status, parsed(reply.read())
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                raise
            return error.code, None


class Gateway:
    """`POST /v1/api/chat` for whom auth knows; who has no balance that can be told talks too."""

    def __init__(self, auth: Client, billing: Client) -> None:
        self.auth, self.billing = auth, billing

    def user_of(self, environ: WSGIEnvironment) -> str | None:
        token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        try:
            _, said = self.auth.call("/verify_token", {"token": token})
        except Down:
            return None
        known = isinstance(said, dict) and said.get("valid") is True
        return said.get("user_id") if known and isinstance(said, dict) else None

    def chat(self, environ: WSGIEnvironment) -> tuple[int, object]:
        user = self.user_of(environ)
        if user is None:
            return 401, {"error": "who are you?"}
        with contextlib.suppress(Down):
            self.billing.call(f"/balance/{user}")
        return 200, {"response": "hello to you too"}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        if environ["PATH_INFO"] == "/v1/api/chat":
            status, value = self.chat(environ)
        elif environ["PATH_INFO"] == "/ready":
            status, value = 200, "yes"
        else:
            status, value = 404, {"error": "no such route"}
        body = json.dumps(value).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status} -", headers)
        return [body]


def serve(application: Gateway, port: int) -> None:
    """Serve it for ever."""
    import waitress

    waitress.serve(application, host="127.0.0.1", port=port, threads=32)
