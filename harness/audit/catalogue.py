"""Which functions and methods are HTTP calls, by their full names, and what a timeout looks like.

A name ends in `()` where an instance is meant: `requests.Session().get`.
"""

from __future__ import annotations

import ast
import re

_VERBS = "get|post|put|patch|delete|head|options|request"
_CALLS = re.compile(
    "|".join(
        (
            rf"requests(\.api)?\.({_VERBS})",
            rf"requests(\.sessions)?\.[Ss]ession\(\)\.({_VERBS}|send)",
            rf"httpx\.({_VERBS}|stream)",
            rf"httpx\.(Async)?Client\(\)\.({_VERBS}|stream|send)",
            r"urllib\.request\.(urlopen|urlretrieve)",
            r"urllib\.request\.(build_opener|OpenerDirector)\(\)\.open",
            r"http\.client\.HTTPS?Connection\(\)\.(request|putrequest)",
            r"urllib3\.request",
            r"urllib3(\.\w+)*\.(PoolManager|ProxyManager|HTTPS?ConnectionPool|connection_from_url)"
            r"\(\)\.(request|urlopen|request_encode_url|request_encode_body)",
            r"urllib3(\.\w+)*\.HTTPS?Connection\(\)\.request",
            r"aiohttp(\.client)?\.request",
            rf"aiohttp(\.client)?\.ClientSession\(\)\.({_VERBS}|ws_connect)",
        )
    )
)
_ANY = re.compile(r"(requests|httpx|requests\.\w+\(\)|httpx\.\w+\(\))\.\*")
_SESSIONS = re.compile(
    r"requests(\.sessions)?\.[Ss]ession|httpx\.(Async)?Client|aiohttp(\.client)?\.ClientSession"
    r"|http\.client\.HTTPS?Connection"
    r"|urllib3(\.\w+)*\.(PoolManager|ProxyManager|HTTPS?ConnectionPool|HTTPS?Connection)"
)
_THIRD_IS_TIMEOUT = re.compile(r"urllib\.request\.urlopen|http\.client\.HTTPS?Connection")


def is_http_call(name: str) -> bool:
    """Whether a call of that name goes out over HTTP."""
    return _CALLS.fullmatch(name) is not None or _ANY.fullmatch(name) is not None


def is_session(name: str) -> bool:
    """Whether that name is a class whose instances make HTTP calls."""
    return _SESSIONS.fullmatch(name) is not None


def gives_timeout(name: str, call: ast.Call) -> bool:
    """Whether a call of (or a session made by) that name is given a timeout, as far as one sees.

    Options that are handed on (`**options`) may hold one. httpx has one by default.
    """
    for keyword in call.keywords:
        if keyword.arg is None:
            return True
        if keyword.arg == "timeout":
            return not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None)
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return True
    if _THIRD_IS_TIMEOUT.fullmatch(name) and len(call.args) >= 3:
        return True
    return name.startswith("httpx.") and "()" not in name


def refuses_timeout(call: ast.Call) -> bool:
    """Whether it says `timeout=None`, which takes away a session's own."""
    return any(
        keyword.arg == "timeout"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is None
        for keyword in call.keywords
    )


def readable(name: str) -> str:
    """A full name as a person writes it: `requests.Session().get` is `requests.Session.get`."""
    return name.replace("()", "").replace(".*", "'s functions")
