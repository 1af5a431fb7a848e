"""`python -m harness.toxiproxy`: the embedded server without the rest of the command line."""

from __future__ import annotations

from harness.cli.proxy import proxy

if __name__ == "__main__":
    proxy()
