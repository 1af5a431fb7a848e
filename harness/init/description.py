"""An application's own OpenAPI document: a file, or what a running one serves at a URL."""

from __future__ import annotations

import time
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

from harness.engines.base import is_loopback
from harness.errors import UsageError
from harness.openapi.document import LARGEST_FILE_BYTES, Document, load_document, parse_document

_WITHIN_S = 10.0
"""How long it may take to come in."""
_PIECE_BYTES = 65_536


def description(said: str, *, allow_remote: bool, within_s: float = _WITHIN_S) -> Document:
    """The document at a path or an http(s) URL, of no more than 4 MB, within some seconds.

    Raises: UsageError where nothing is, where it is too long or takes too long, or where the URL
        is beyond this machine and that isn't allowed; InvalidFile for what is no OpenAPI document.
    """
    if "://" not in said:
        return load_document(Path(said))
    try:
        parts = urlsplit(said)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(
            f"--openapi {said}: expected a file, or a URL such as http://127.0.0.1:8000/openapi.json"
        )
    if not allow_remote and not is_loopback(host):
        raise UsageError(
            f"--openapi {said}: that is not this machine; say --allow-remote if that is meant"
        )
    return parse_document(_fetched(said, within_s), said)


class _Stay(HTTPRedirectHandler):
    """Follows nobody elsewhere: where it would lead to, nobody has allowed."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nothing is asked instead."""


def _fetched(url: str, within_s: float) -> bytes:
    opener = build_opener(ProxyHandler({}), _Stay())
    until_s = time.monotonic() + within_s
    found = b""
    try:
        with opener.open(url, timeout=within_s) as answer:
            while piece := answer.read1(_PIECE_BYTES):
                found += piece
                if len(found) > LARGEST_FILE_BYTES:
                    raise UsageError(f"--openapi {url}: it is larger than 4 MB")
                if time.monotonic() > until_s:
                    raise TimeoutError
    except HTTPError as error:
        error.close()
        raise UsageError(f"--openapi {url}: answered {error.code}") from None
    except TimeoutError:
        raise UsageError(f"--openapi {url}: it did not come in within {within_s:g} s") from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):
            raise UsageError(f"--openapi {url}: nothing came within {within_s:g} s") from None
        raise UsageError(f"--openapi {url}: can't be fetched: {reason}") from None
    return found
