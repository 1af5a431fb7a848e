"""Signing in and out: `/v1/api/auth/...` (G1)."""

from __future__ import annotations

from typing import Any

import requests
from flask import Blueprint, Response
from flask_limiter import Limiter

from gateway.answers import agreed, posted, refused, said, unavailable
from gateway.identity import COOKIE, Identity, needs_user
from gateway.resilience import ServiceUnavailable
from gateway.services import Services

LOGIN_LIMIT = "5/minute"


def blueprint(services: Services, limiter: Limiter) -> Blueprint:
    """login, check, logout."""
    routes = Blueprint("auth", __name__, url_prefix="/v1/api/auth")

    @routes.post("/login")
    @limiter.limit(LOGIN_LIMIT)
    def login() -> Response:
        given = posted() or {}
        email, password = given.get("email"), given.get("password")
        if not isinstance(email, str) or not isinstance(password, str):
            return refused(400, "expected a JSON object with email and password")
        return log_in(services, email, password)

    @routes.get("/check")
    @needs_user(services)
    def check(identity: Identity) -> Response:
        return said({"authenticated": True, "user_id": identity.user_id, "role": identity.role})

    @routes.post("/logout")
    def logout() -> Response:
        response = said({"status": "signed out"})
        response.delete_cookie(COOKIE, httponly=True, secure=True, samesite="Lax")
        return response

    return routes


def log_in(services: Services, email: str, password: str) -> Response:
    """Ask auth; 503 when it can't say, and a cookie only when it said yes."""
    try:
        answer = services.auth.post("/login", json={"email": email, "password": password})
    except ServiceUnavailable:
        return unavailable("Login service")
    if answer.status_code in (401, 403):
        return refused(401, "Invalid credentials")
    if answer.status_code in (400, 422):
        return refused(400, "email or password can't be used")
    return _signed_in(answer)


def _signed_in(answer: requests.Response) -> Response:
    given = agreed(answer)
    token, user = given.get("token"), given.get("user")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        return unavailable("Login service")
    shown: dict[str, Any] = user if isinstance(user, dict) else {}
    response = said({"user": shown})
    response.set_cookie(COOKIE, token, httponly=True, secure=True, samesite="Lax")
    return response
