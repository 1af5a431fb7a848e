"""A defective gateway for a WSGI server: `tests.defects.gateways.wsgi:app`, DEFECT says which."""

from __future__ import annotations

import os

from gateway.logs import log_to_stderr
from tests.defects.gateways.making import make_app

log_to_stderr()
app = make_app(os.environ["DEFECT"])
