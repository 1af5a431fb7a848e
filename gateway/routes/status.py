"""The gateway's own state: `GET /v1/api/status/services` (B12) and `GET /health`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response

from gateway.answers import said
from gateway.resilience import Snapshot
from gateway.services import Services


def blueprint(services: Services) -> Blueprint:
    """Status and health; neither calls an upstream."""
    routes = Blueprint("status", __name__)

    @routes.get("/v1/api/status/services")
    def status() -> Response:
        shown = {name: _shown(client.breaker.snapshot()) for name, client in services}
        return said({"services": shown})

    @routes.get("/health")
    def health() -> Response:
        return said({"status": "ok"})

    return routes


def _shown(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "state": snapshot.state.value,
        "failure_count": snapshot.failure_count,
        "last_failure": _text(snapshot.last_failure),
        "last_state_change": _text(snapshot.last_state_change),
    }


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="milliseconds")
