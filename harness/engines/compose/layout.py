"""What docker-compose.yml says of names and ports, for the code that has to know it too."""

from __future__ import annotations

from harness.contracts import document

_UPSTREAMS = tuple(document().upstreams)

STUB_PORTS: dict[str, int] = {name: 6001 + index for index, name in enumerate(_UPSTREAMS)}
"""Where each stub listens in its container, which has the stub's name."""
PROXY_PORTS: dict[str, int] = {name: 7001 + index for index, name in enumerate(_UPSTREAMS)}
"""Where each stub's proxy listens in the container `toxiproxy`."""
GATEWAY_PORT = 5000
DOORWAY_PORT = 5001
"""In the gateway's network: lets a client have an address of its own (containers/doorway.py)."""
API_PORT = 8474
"""Toxiproxy's API."""
VACANCY_PORT = 5098
"""In Toxiproxy's network: holds ports without answering (containers/vacancy.py)."""
KEEPER_PORT = 5099
"""In each stub's container and the gateway's: containers/keeper.py."""

SERVICES = (*STUB_PORTS, "toxiproxy", "vacancy", "gateway", "doorway")
"""What a world on the host starts: all but the harness itself."""
