"""The log: the document's lines on standard error (B11)."""

from __future__ import annotations

import logging

_FORMAT = "[%(asctime)s] %(levelname)s: %(message)s"
_INSTANT = "%Y-%m-%d %H:%M:%S"


def log_to_stderr() -> None:
    """Show the gateway's own lines from DEBUG, libraries' from WARNING."""
    logging.basicConfig(format=_FORMAT, datefmt=_INSTANT, level=logging.WARNING)
    logging.getLogger("gateway").setLevel(logging.DEBUG)
    # Threads are many on purpose; a short queue is no news.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
