"""Mistakes with identity, ownership and degradation (G1, G2, G3, G5, G8)."""

from __future__ import annotations

from functools import wraps

from flask import request as current

import gateway.context as context
import gateway.identity as identity
import gateway.routes.auth as auth
import gateway.routes.chat as chat
import gateway.routes.projects as projects
from gateway.answers import agreed, refused, said
from gateway.identity import Identity
from gateway.resilience import ServiceUnavailable
from tests.defects.gateways.catalogue import defect

_identify, _of_owner, _context_of = identity.identify, projects.of_owner, chat.context_of
_log_in = auth.log_in


@defect(
    "auth-fails-open",
    "auth fails open",
    claims="G2 G8",
    scenarios="auth_blackhole_burst project_while_auth_is_down",
)
def auth_fails_open():
    def identify(services, token):
        if services.auth.breaker.snapshot().failure_count:
            return _identify(services, token) or Identity(user_id="guest", role="user")
        return _identify(services, token)

    identity.identify = identify


@defect(
    "identity-cached",
    "identity cached across an outage or a revocation",
    claims="G2 G8",
    scenarios="token_revoked token_refused",
)
def identity_cached():
    known = {}

    def identify(services, token):
        if token not in known and (found := _identify(services, token)) is not None:
            known[token] = found
        return known.get(token)

    identity.identify = identify


@defect(
    "identity-cached-for-outages",
    "the last identity is used while auth can't say",
    claims="G2 G8",
    scenarios="auth_blackhole_burst auth_503_50s",
)
def identity_cached_for_outages():
    known = {}

    def identify(services, token):
        found = _identify(services, token)
        if found is not None:
            known[token] = found
        elif services.auth.breaker.snapshot().failure_count:
            return known.get(token)
        return found

    identity.identify = identify


@defect(
    "ownership-cached",
    "ownership cached across an outage",
    claims="G3 G8",
    scenarios="owner_says_odd_things owner_lookup_fails",
)
def ownership_cached():
    owners = {}

    def of_owner(services, user_id, project_id):
        response = _of_owner(services, user_id, project_id)
        if response.status_code == 200:
            owners[project_id] = user_id
        elif response.status_code == 403 and owners.get(project_id) == user_id:
            return said({"project_id": project_id, "owner_id": user_id})
        return response

    projects.of_owner = of_owner


@defect(
    "none-equals-none",
    "None == None makes everyone the owner",
    claims="G2 G3 G8",
    scenarios="project_while_auth_is_down",
)
def none_equals_none():
    def needs_user(services):
        def decorate(view):
            strict = identity.needs_user(services)(view)

            @wraps(view)
            def guarded(*args, **options):
                if current.endpoint != "projects.project":
                    return strict(*args, **options)
                found = _identify(services, identity.token_shown())
                return view(found or Identity(user_id=None, role=""), *args, **options)

            return guarded

        return decorate

    def of_owner(services, user_id, project_id):
        try:
            headers = {"X-INTERNAL-TOKEN": services.internal_token}
            answer = services.auth.get(f"/internal/projects/{project_id}/owner", headers=headers)
            if answer.status_code == 404:
                return refused(404, "no such project")
            owner_id = agreed(answer).get("owner_id")
        except ServiceUnavailable:
            owner_id = None
        if owner_id != user_id:
            return refused(403, "this project is somebody else's")
        return said({"project_id": project_id, "owner_id": owner_id})

    projects.needs_user = needs_user
    projects.of_owner = of_owner


def _login_in_an_outage(answer):
    def log_in(services, email, password):
        response = _log_in(services, email, password)
        return answer(response) if response.status_code == 503 else response

    auth.log_in = log_in


@defect(
    "login-500",
    "login in an outage answers 500",
    claims="G1 G9",
    scenarios="auth_malformed_json login_blackhole_50s",
)
def login_500():
    _login_in_an_outage(lambda _: refused(500, "internal error"))


@defect(
    "login-401",
    "login in an outage answers 401",
    claims="G1",
    scenarios="auth_malformed_json login_blackhole_50s",
)
def login_401():
    _login_in_an_outage(lambda _: refused(401, "Invalid credentials"))


@defect(
    "login-sets-cookie",
    "login in an outage sets a cookie",
    claims="G1",
    scenarios="auth_malformed_json login_blackhole_50s",
)
def login_sets_cookie():
    def with_cookie(response):
        response.set_cookie("auth_token", "None", httponly=True, secure=True, samesite="Lax")
        return response

    _login_in_an_outage(with_cookie)


@defect(
    "no-fallback",
    "no fallback for chroma: 500",
    claims="G5 G9 T6 T7",
    scenarios="chat_meets_every_failure chroma_refused_50s chroma_blackhole_70s",
)
def no_fallback():
    def context_of(services, graph, user_id, project_id, message):
        found = _context_of(services, graph, user_id, project_id, message)
        if found.degraded:
            raise RuntimeError("no context")
        return found

    chat.context_of = context_of


@defect(
    "fallback-cached-by-query",
    "fallback context cached by query alone: one user sees another's",
    claims="G5 G8",
    scenarios="chroma_refused_50s",
)
def fallback_cached_by_query():
    cached: dict[str, context.Context] = {}

    def context_of(services, graph, user_id, project_id, message):
        found = _context_of(services, graph, user_id, project_id, message)
        if not found.degraded:
            cached[message] = found
            return found
        kept = cached.get(message, found)
        return context.Context(texts=kept.texts, sources=kept.sources, degraded=True)

    chat.context_of = context_of


@defect(
    "fallback-cached-for-good",
    "the first context that was found for a query is everybody's fallback",
    claims="G5 G8",
    scenarios="chroma_refused_50s",
)
def fallback_cached_for_good():
    cached: dict[str, context.Context] = {}

    def context_of(services, graph, user_id, project_id, message):
        found = _context_of(services, graph, user_id, project_id, message)
        kept = cached.setdefault(message, found)
        if not found.degraded:
            return found
        return context.Context(texts=kept.texts, sources=kept.sources, degraded=True)

    chat.context_of = context_of
