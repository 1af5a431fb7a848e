"""Lookups in external data: `GET /v1/api/lookup?q=` (G6)."""

from __future__ import annotations

from flask import Blueprint, Response
from flask import request as current

from gateway.identity import Identity, needs_user
from gateway.routes.passing import passed_on
from gateway.services import Services


def blueprint(services: Services) -> Blueprint:
    """Lookup."""
    routes = Blueprint("lookup", __name__)

    @routes.get("/v1/api/lookup")
    @needs_user(services)
    def lookup(identity: Identity) -> Response:
        del identity
        query = {"q": current.args.get("q", "")}
        return passed_on(
            "Lookup service", lambda: services.external_data.get("/lookup", params=query)
        )

    return routes
