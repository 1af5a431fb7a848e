"""A container's health check: exits 0 if a port of its own answers a GET below 500.

Stubs are asked for `/_stub/clock`, with the token that they obey: anything else would be recorded
among the calls that reach them.
"""

from __future__ import annotations

import http.client
import os
import sys

port, path = int(sys.argv[1]), sys.argv[2]
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
try:
    token = os.environ.get("OUTAGE_CONTROL_TOKEN")
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"GET {path} on port {port}: {error}")
sys.exit(0 if status < 500 else f"GET {path} on port {port} gave {status}")
