"""Serving a WSGI application under waitress, with threads enough for calls that are held."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import waitress

from gateway.settings import SettingsError

_THREADS = 128
_MOST_CONNECTIONS = 2000
"""Waitress stops accepting, silently, at 100 by default."""


def serve(make: Callable[[], Any]) -> int:
    """Serve what `make` gives on PORT (5000) of HOST (127.0.0.1) until interrupted.

    Returns the exit status: 2 for settings or a port that can't be used.
    """
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "5000"
    try:
        server = waitress.create_server(
            make(),
            host=host,
            port=_port(port),
            threads=_THREADS,
            connection_limit=_MOST_CONNECTIONS,
            backlog=1024,
            channel_timeout=300,
            asyncore_use_poll=True,
            ident="gateway",
        )
    except SettingsError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"gateway: can't listen on {host}:{port}: {error.strerror}", file=sys.stderr)
        return 2
    server.run()
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise SettingsError(f"PORT is {text!r}; expected a number up to 65535")
    return int(text)
