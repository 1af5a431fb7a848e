"""The Flask application: routes over the resilient clients, and JSON for every error."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from flask import Flask, Response
from flask import request as current
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.exceptions import HTTPException

from gateway.answers import refused
from gateway.context import GraphStore
from gateway.resilience.tracing import TRACEPARENT
from gateway.routes import auth, chat, lookup, projects, status
from gateway.services import connect
from gateway.settings import from_environment

logger = logging.getLogger("gateway")

_LARGEST_BODY = 1_000_000


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """Make the gateway that an environment describes; see `settings`.

    Raises: SettingsError.
    """
    services = connect(from_environment(environ))
    app = Flask("gateway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri="memory://",
        # A fixed window would let ten attempts through around the turn of a minute.
        strategy="moving-window",
        headers_enabled=True,
    )
    app.before_request(_join_trace)
    app.register_blueprint(auth.blueprint(services, limiter))
    app.register_blueprint(chat.blueprint(services, GraphStore()))
    app.register_blueprint(projects.blueprint(services))
    app.register_blueprint(lookup.blueprint(services))
    app.register_blueprint(status.blueprint(services))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _mistake)
    return app


def _join_trace() -> None:
    """Also where a request has no trace: its thread may have worked on one that had."""
    TRACEPARENT.set(current.headers.get("traceparent"))


def _http_error(error: HTTPException) -> Response:
    """Werkzeug's own refusals, as JSON, with their headers (Allow, Retry-After)."""
    response = refused(error.code or 500, error.description or error.name)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _mistake(error: Exception) -> Response:
    logger.error("Unexpected error", exc_info=error)
    return refused(500, "internal error")
