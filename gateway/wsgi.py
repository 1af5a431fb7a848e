"""The gateway for a WSGI server: `gateway.wsgi:app`."""

from __future__ import annotations

from gateway.app import create_app
from gateway.logs import log_to_stderr

log_to_stderr()
app = create_app()
