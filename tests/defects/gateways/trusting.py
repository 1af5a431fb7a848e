"""More mistakes with who is let in: what is believed, and for how long (G2, G3, G8)."""

from __future__ import annotations

import time
from collections import defaultdict

from flask import request as current

import gateway.identity as identity
import gateway.routes.projects as projects
from gateway.answers import agreed, refused, said
from gateway.identity import Identity
from gateway.resilience import ServiceUnavailable
from tests.defects.gateways.catalogue import defect

_identify, _token_shown = identity.identify, identity.token_shown


def _believing(believe) -> None:
    """Who a token's answer says somebody is, by another rule: (answer) -> Identity or None."""

    def identify(services, token):
        if not token:
            return None
        try:
            return believe(services.auth.post("/verify_token", json={"token": token}))
        except ServiceUnavailable:
            return None

    identity.identify = identify


@defect(
    "valid-is-truthy",
    'any true-ish "valid" will do, the text "false" too',
    claims="G2 G8",
    scenarios="auth_says_odd_things",
)
def valid_is_truthy():
    def believe(response):
        user = agreed(response)
        if not user.get("valid") or not user.get("user_id"):
            return None
        return Identity(user_id=user["user_id"], role=str(user.get("role")))

    _believing(believe)


@defect(
    "valid-without-user",
    "valid without a user is somebody: None",
    claims="G2 G8",
    scenarios="auth_says_odd_things",
)
def valid_without_user():
    def believe(response):
        user = agreed(response)
        if user.get("valid") is not True:
            return None
        return Identity(user_id=user.get("user_id"), role=str(user.get("role")))

    _believing(believe)


@defect(
    "user-without-valid",
    "a user's name is enough, whether or not it says valid",
    claims="G2 G8",
    scenarios="auth_says_odd_things",
)
def user_without_valid():
    def believe(response):
        user = agreed(response)
        if user.get("valid") is False or not user.get("user_id"):
            return None
        return Identity(user_id=user["user_id"], role=str(user.get("role")))

    _believing(believe)


@defect(
    "status-ignored",
    "a body that says valid is believed, whatever its status",
    claims="G2 G8",
    scenarios="auth_says_odd_things",
)
def status_ignored():
    def believe(response):
        response.status_code = 200
        user = agreed(response)
        if user.get("valid") is not True or not user.get("user_id"):
            return None
        return Identity(user_id=user["user_id"], role=str(user.get("role")))

    _believing(believe)


@defect(
    "a-list-is-500",
    "an answer that is no object is an unhandled error",
    claims="G2 G9",
    scenarios="auth_says_odd_things",
)
def a_list_is_500():
    def believe(response):
        user = response.json() if response.status_code == 200 else {}
        if user.get("valid") is not True:
            return None
        return Identity(user_id=str(user.get("user_id")), role="user") if user["user_id"] else None

    _believing(believe)


@defect(
    "forged-let-in",
    "a token that auth doesn't know is let in as a guest",
    claims="G2 G8",
    scenarios="auth_cut_heads nobody_gets_in",
)
def forged_let_in():
    def identify(services, token):
        found = _identify(services, token)
        return found or (Identity(user_id="guest", role="guest") if token else None)

    identity.identify = identify


@defect(
    "nobody-is-guest",
    "who shows no token is a guest",
    claims="G2 G8",
    scenarios="nobody_gets_in project_while_auth_is_down",
)
def nobody_is_guest():
    def identify(services, token):
        return _identify(services, token) if token else Identity(user_id="guest", role="guest")

    identity.identify = identify


@defect(
    "bearer-then-cookie",
    "a bearer token that fails is followed by the cookie",
    claims="G2",
    scenarios="token_refused",
)
def bearer_then_cookie():
    def identify(services, token):
        found = _identify(services, token)
        cookie = current.cookies.get(identity.COOKIE)
        return found or (_identify(services, cookie) if cookie else None)

    identity.identify = identify


@defect(
    "cookie-ignored",
    "only bearer tokens are looked at, cookies aren't",
    claims="G2",
    scenarios="nobody_gets_in",
)
def cookie_ignored():
    identity.token_shown = lambda: (
        _token_shown() if current.headers.get("Authorization") is not None else None
    )


@defect(
    "revoked-for-a-while",
    "a revoked token is good for five seconds more",
    claims="G2 G8",
    scenarios="token_revoked",
)
def revoked_for_a_while():
    seen = {}

    def identify(services, token):
        found = _identify(services, token)
        if found is not None:
            seen[token] = (time.monotonic(), found)
        elif token in seen and time.monotonic() - seen[token][0] < 5:
            return seen[token][1]
        return found

    identity.identify = identify


@defect(
    "refusals-remembered",
    "a token that was refused once is refused for a minute",
    claims="G2 B1",
    scenarios="token_refused token_revoked",
)
def refusals_remembered():
    refused_s = {}

    def identify(services, token):
        if token in refused_s and time.monotonic() - refused_s[token] < 60:
            return None
        found = _identify(services, token)
        if found is None and token:
            refused_s[token] = time.monotonic()
        return found

    identity.identify = identify


@defect(
    "refusals-ban-the-network",
    "three refused tokens, and whoever comes from their network is refused for a minute",
    claims="G2",
    scenarios="token_revoked",
)
def refusals_ban_the_network():
    refused_s = defaultdict(list)

    def identify(services, token):
        network = current.remote_addr.rpartition(".")[0]
        own_s, now_s = refused_s[network], time.monotonic()
        if len(own_s) >= 3 and now_s - own_s[-1] < 60:
            return None
        found = _identify(services, token)
        if found is None and token:
            own_s.append(now_s)
        return found

    identity.identify = identify


def _owning(owns) -> None:
    """Whether a user owns a project by another rule: (answer, user) -> bool."""

    def of_owner(services, user_id, project_id):
        headers = {"X-INTERNAL-TOKEN": services.internal_token}
        try:
            answer = services.auth.get(f"/internal/projects/{project_id}/owner", headers=headers)
        except ServiceUnavailable:
            return refused(403, "the project's owner can't be looked up")
        if answer.status_code == 404:
            return refused(404, "no such project")
        if not owns(answer, user_id):
            return refused(403, "this project is somebody else's")
        return said({"project_id": project_id, "owner_id": user_id})

    projects.of_owner = of_owner


@defect(
    "ownerless-is-everyones",
    "a project whose owner isn't named is everybody's",
    claims="G3 G8",
    scenarios="owner_says_odd_things",
)
def ownerless_is_everyones():
    _owning(lambda answer, user_id: agreed(answer).get("owner_id") in (None, user_id))


@defect(
    "owner-status-ignored",
    "an owner is believed, whatever the answer's status",
    claims="G3 G8",
    scenarios="owner_says_odd_things",
)
def owner_status_ignored():
    def owns(answer, user_id):
        answer.status_code = 200
        return agreed(answer).get("owner_id") == user_id

    _owning(owns)


@defect(
    "owner-nonsense-500",
    "a malformed owner lookup is an unhandled error",
    claims="G3 G9",
    scenarios="owner_says_odd_things",
)
def owner_nonsense_500():
    _owning(lambda answer, user_id: answer.json().get("owner_id") == user_id)


@defect(
    "strangers-let-in",
    "whoever is signed in may open any project",
    claims="G3 G8",
    scenarios="owner_lookup_redirected nobody_gets_in",
)
def strangers_let_in():
    _owning(lambda answer, user_id: True)


@defect(
    "redirect-500",
    "a redirect where an owner was asked for is an unhandled error",
    claims="G3 G9",
    scenarios="owner_lookup_redirected",
)
def redirect_500():
    def owns(answer, user_id):
        if 300 <= answer.status_code < 400:
            raise RuntimeError("nobody expected a redirect")
        return agreed(answer).get("owner_id") == user_id

    _owning(owns)


@defect(
    "cookie-first",
    "the cookie's token is taken where there is a bearer token, too",
    claims="G2 G8",
    scenarios="nobody_gets_in",
)
def cookie_first():
    identity.token_shown = lambda: current.cookies.get(identity.COOKIE) or _token_shown()
