"""Run the gateway: `python -m gateway`; its settings come from the environment (`settings`)."""

from __future__ import annotations

import sys

from gateway.app import create_app
from gateway.logs import log_to_stderr
from gateway.serving import serve

if __name__ == "__main__":
    log_to_stderr()
    sys.exit(serve(create_app))
