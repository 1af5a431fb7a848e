"""Mistakes in what routes answer: statuses, JSON, cookies, flags, limits (G1-G3, G5, G6, G9)."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections import Counter

from flask import Response, redirect
from flask import request as current

import gateway.answers as answers
import gateway.app as app
import gateway.context as context
import gateway.identity as identity
import gateway.routes.auth as auth
import gateway.routes.chat as chat
import gateway.routes.lookup as lookup
import gateway.routes.passing as passing
import gateway.routes.projects as projects
from gateway.answers import agreed, refused, said
from tests.defects.gateways.catalogue import defect

_log_in, _signed_in, _passed_on, _of_owner = (
    auth.log_in,
    auth._signed_in,
    passing.passed_on,
    projects.of_owner,
)
_context_of, _posted, _create = chat.context_of, answers.posted, app.create_app


def _page(status):
    return Response("<h1>Service unavailable</h1>", status=status, content_type="text/html")


@defect(
    "login-503-page",
    "login in an outage answers 503 with a page instead of JSON",
    claims="G1",
    scenarios="everybody_behind_one_breaker auth_answers_5xx",
)
def login_503_page():
    auth.unavailable = lambda what: _page(503)


@defect(
    "login-503-empty",
    "login in an outage answers 503 with nothing, not even a type",
    claims="G1",
    scenarios="everybody_behind_one_breaker login_blackhole_50s",
)
def login_503_empty():
    def unavailable(what):
        response = Response(status=503)
        del response.headers["Content-Type"]
        return response

    auth.unavailable = unavailable


def _last_words() -> str:
    """How the attempt failed that is being handled."""
    error = sys.exc_info()[1]
    return str(error.__cause__) if error is not None else ""


@defect(
    "login-passes-5xx-on",
    "login answers with auth's own status: 500, 502, 504",
    claims="G1 G9",
    scenarios="auth_answers_5xx",
)
def login_passes_5xx_on():
    def unavailable(what):
        words = _last_words()
        status = int(words.split()[-1]) if words.startswith("Server answered") else 503
        return refused(status, what)

    auth.unavailable = unavailable


@defect(
    "login-500-when-exhausted",
    "login answers 500 when its attempts are exhausted, 503 only while open",
    claims="G1 G9",
    scenarios="auth_answers_5xx",
)
def login_500_when_exhausted():
    def unavailable(what):
        open_ = "circuit breaker open" in str(sys.exc_info()[1])
        return refused(503 if open_ else 500, what)

    auth.unavailable = unavailable


@defect(
    "files-503-page",
    "files, snapshots and lookups answer 503 with a page instead of JSON",
    claims="G6",
    scenarios="files_and_snapshots_503 nonsense_from_the_rest",
)
def files_503_page():
    passing.unavailable = lambda what: _page(503)


@defect(
    "files-500",
    "files, snapshots and lookups answer 500",
    claims="G6 G9",
    scenarios="files_429 files_and_snapshots_503",
)
def files_500():
    passing.unavailable = lambda what: refused(500, "internal error")


@defect(
    "files-502",
    "files, snapshots and lookups answer 502",
    claims="G6",
    scenarios="files_429 files_and_snapshots_503",
)
def files_502():
    passing.unavailable = lambda what: refused(502, "bad gateway")


@defect(
    "files-404",
    "a file that can't be read is answered 404",
    claims="G6",
    scenarios="files_429 files_and_snapshots_503",
)
def files_404():
    passing.unavailable = lambda what: refused(404, "not found")


@defect(
    "files-empty-200",
    "an outage is answered 200 with an empty object",
    claims="G6",
    scenarios="files_429 files_and_snapshots_503",
)
def files_empty_200():
    passing.unavailable = lambda what: said({})


@defect(
    "traceback-in-503",
    "the 503's error is a stack trace",
    claims="G9",
    scenarios="files_and_snapshots_503",
)
def traceback_in_503():
    for module in (auth, passing):
        module.unavailable = lambda what: refused(503, traceback.format_exc())


def _passing_on(answer) -> None:
    for module in (lookup, projects):
        module.passed_on = answer


@defect(
    "files-cached",
    "the last good answer stands in while the service is down",
    claims="G6 T8",
    scenarios="files_429 filesystem_refused_50s lookup_refused_50s",
)
def files_cached():
    known: dict[str, Response] = {}

    def passed_on(service, call):
        response = _passed_on(service, call)
        if response.status_code == 200:
            known[current.full_path] = response.get_json()
        elif current.full_path in known:
            return said(known[current.full_path])
        return response

    _passing_on(passed_on)


@defect(
    "saves-accepted",
    "a file that can't be saved is answered 202, to be saved later",
    claims="G6",
    scenarios="filesystem_stall_30s files_and_snapshots_503",
)
def saves_accepted():
    def passed_on(service, call):
        response = _passed_on(service, call)
        if response.status_code == 503 and current.method != "GET":
            return said({"status": "accepted"}, 202)
        return response

    _passing_on(passed_on)


@defect(
    "nonsense-passed-on",
    "what an upstream says is passed on as it is, JSON or not",
    claims="G6 B1",
    scenarios="nonsense_from_the_rest",
)
def nonsense_passed_on():
    def passed_on(service, call):
        kept = []

        def keeping():
            kept.append(call())
            return kept[0]

        response = _passed_on(service, keeping)
        if kept and kept[0].status_code == 200:
            return Response(kept[0].content, content_type="application/json")
        return response

    _passing_on(passed_on)


@defect("429-is-500", "a service's 429 is answered 500", claims="G6 G9", scenarios="files_429")
def answer_429_is_500():
    def passed_on(service, call):
        kept = []

        def keeping():
            kept.append(call())
            return kept[0]

        response = _passed_on(service, keeping)
        if kept and kept[0].status_code == 429:
            return refused(500, "internal error")
        return response

    _passing_on(passed_on)


def _nobody(answer) -> None:
    """What is said to somebody who can't be identified."""
    identity.refused = lambda status, error: answer() if status == 401 else refused(status, error)


@defect(
    "401-as-403",
    "nobody is answered 403",
    claims="G2",
    scenarios="auth_cut_heads auth_503_50s nobody_gets_in",
)
def unauthorized_as_403():
    _nobody(lambda: refused(403, "forbidden"))


@defect(
    "401-as-503",
    "an outage of auth is answered 503 where a user is needed",
    claims="G2",
    scenarios="auth_cut_heads auth_503_50s",
)
def unauthorized_as_503():
    _nobody(lambda: refused(503, "auth is down"))


@defect(
    "401-as-500",
    "an outage of auth is answered 500",
    claims="G2 G9",
    scenarios="auth_cut_heads auth_503_50s",
)
def unauthorized_as_500():
    _nobody(lambda: refused(500, "internal error"))


@defect(
    "401-as-redirect",
    "nobody is sent to a login page",
    claims="G2",
    scenarios="auth_cut_heads auth_503_50s nobody_gets_in",
)
def unauthorized_as_redirect():
    _nobody(lambda: redirect("/login"))


def _owner(answer) -> None:
    def of_owner(services, user_id, project_id):
        return answer(_of_owner(services, user_id, project_id))

    projects.of_owner = of_owner


@defect(
    "no-project-403",
    "a project that doesn't exist is answered 403, None being nobody's",
    claims="G3",
    scenarios="owner_says_odd_things nobody_gets_in",
)
def no_project_403():
    _owner(lambda r: refused(403, "not yours") if r.status_code == 404 else r)


def _cannot_look_up(response):
    return response.status_code == 403 and "looked up" in (response.get_json() or {})["error"]


@defect(
    "owner-unknown-503",
    "503 when only the owner lookup fails",
    claims="G3",
    scenarios="owner_lookup_fails",
)
def owner_unknown_503():
    _owner(lambda r: refused(503, "try later") if _cannot_look_up(r) else r)


@defect(
    "owner-unknown-404",
    "404 when only the owner lookup fails",
    claims="G3",
    scenarios="owner_lookup_fails",
)
def owner_unknown_404():
    _owner(lambda r: refused(404, "no such project") if _cannot_look_up(r) else r)


@defect(
    "owner-unknown-500",
    "500 when only the owner lookup fails",
    claims="G3 G9",
    scenarios="owner_lookup_fails",
)
def owner_unknown_500():
    _owner(lambda r: refused(500, "internal error") if _cannot_look_up(r) else r)


@defect(
    "owner-unknown-200",
    "whoever is signed in is let in when the owner lookup fails",
    claims="G3 G8",
    scenarios="owner_lookup_fails",
)
def owner_unknown_200():
    _owner(lambda r: said({"project_id": "p1"}) if _cannot_look_up(r) else r)


def _degraded(changed) -> None:
    def context_of(*given):
        found = _context_of(*given)
        return context.Context(
            texts=found.texts, sources=found.sources, degraded=changed(found.degraded)
        )

    chat.context_of = context_of


@defect(
    "degraded-unsaid",
    "a chat without vectors doesn't say that it is degraded",
    claims="G5",
    scenarios="nonsense_from_the_rest chroma_refused_50s",
)
def degraded_unsaid():
    _degraded(lambda degraded: False)


@defect(
    "degraded-always",
    "each chat says that it is degraded",
    claims="G5",
    scenarios="chroma_slow nobody_gets_in nonsense_from_the_rest",
)
def degraded_always():
    _degraded(lambda degraded: True)


@defect(
    "degraded-for-ever",
    "once degraded, each chat says so",
    claims="G5",
    scenarios="nonsense_from_the_rest",
)
def degraded_for_ever():
    once = []

    def changed(degraded):
        if degraded:
            once.append(True)
        return bool(once)

    _degraded(changed)


@defect(
    "chroma-503",
    "a chat without chroma is answered 503",
    claims="G5 T6",
    scenarios="chat_meets_every_failure chroma_refused_50s",
)
def chroma_503():
    reply = chat.reply

    def without(*given):
        response = reply(*given)
        return refused(503, "no context") if response.get_json().get("degraded") else response

    chat.reply = without


@defect(
    "chroma-nonsense-500",
    "chroma's malformed JSON is answered 500",
    claims="G5 G9",
    scenarios="nonsense_from_the_rest",
)
def chroma_nonsense_500():
    def strict(response):
        return json.loads(response.content) if response.status_code == 200 else {}

    context.agreed = strict


@defect(
    "malformed-login-500",
    "a malformed login body is answered 500",
    claims="G1 G9",
    scenarios="nobody_gets_in",
)
def malformed_login_500():
    auth.posted = lambda: json.loads(current.get_data())


@defect(
    "incomplete-login-500",
    "a login without a password is answered 500",
    claims="G1 G9",
    scenarios="nobody_gets_in",
)
def incomplete_login_500():
    def posted():
        given = _posted()
        return None if given is None else {**given, "password": given["password"]}

    auth.posted = posted


@defect(
    "malformed-chat-500",
    "a chat whose body isn't an object is answered 500",
    claims="G9",
    scenarios="nobody_gets_in",
)
def malformed_chat_500():
    chat.posted = lambda: json.loads(current.get_data())


@defect(
    "wrong-password-503",
    "a wrong password is answered 503",
    claims="G1",
    scenarios="nobody_gets_in",
)
def wrong_password_503():
    auth.refused = lambda status, error: refused(503 if status == 401 else status, error)


@defect(
    "wrong-password-400",
    "a wrong password is answered 400",
    claims="G1",
    scenarios="wrong_passwords",
)
def wrong_password_400():
    auth.refused = lambda status, error: refused(400 if status == 401 else status, error)


@defect(
    "wrong-password-sets-cookie",
    "a wrong password is answered 401 with a cookie",
    claims="G1",
    scenarios="wrong_passwords nobody_gets_in",
)
def wrong_password_sets_cookie():
    def refusing(status, error):
        response = refused(status, error)
        response.set_cookie("auth_token", "", httponly=True, secure=True, samesite="Lax")
        return response

    auth.refused = refusing


@defect("login-unlimited", "as many logins as one likes", claims="G1", scenarios="wrong_passwords")
def login_unlimited():
    auth.LOGIN_LIMIT = "100000/minute"


@defect(
    "login-limit-shared",
    "five logins a minute for everybody together",
    claims="G1",
    scenarios="wrong_passwords",
)
def login_limit_shared():
    app.get_remote_address = lambda: "everybody"


@defect(
    "login-limit-20",
    "twenty logins a minute for each address",
    claims="G1",
    scenarios="wrong_passwords",
)
def login_limit_20():
    auth.LOGIN_LIMIT = "20/minute"


@defect(
    "login-limit-half-a-minute",
    "five logins in half a minute for each address",
    claims="G1",
    scenarios="login_limit",
)
def login_limit_half_a_minute():
    auth.LOGIN_LIMIT = "5/30 seconds"


@defect(
    "login-limit-wrong-only",
    "only logins with a wrong password count for the limit",
    claims="G1",
    scenarios="login_limit",
)
def login_limit_wrong_only():
    make = app.Limiter

    class Limiter(make):
        def limit(self, value):
            return super().limit(value, deduct_when=lambda response: response.status_code == 401)

    app.Limiter = Limiter


def _cookie(**flags) -> None:
    def signed_in(answer):
        response = _signed_in(answer)
        if response.status_code == 200:
            del response.headers["Set-Cookie"]
            options = {"httponly": True, "secure": True, "samesite": "Lax", **flags}
            response.set_cookie("auth_token", agreed(answer)["token"], **options)
        return response

    auth._signed_in = signed_in


@defect("cookie-readable", "the cookie isn't HttpOnly", claims="G1", scenarios="wrong_passwords")
def cookie_readable():
    _cookie(httponly=False)


@defect("cookie-in-clear", "the cookie isn't Secure", claims="G1", scenarios="wrong_passwords")
def cookie_in_clear():
    _cookie(secure=False)


@defect(
    "cookie-cross-site", "the cookie is SameSite=None", claims="G1", scenarios="wrong_passwords"
)
def cookie_cross_site():
    _cookie(samesite="None")


@defect("cookie-missing", "a login sets no cookie", claims="G1", scenarios="wrong_passwords")
def cookie_missing():
    def signed_in(answer):
        response = _signed_in(answer)
        response.headers.pop("Set-Cookie", None)
        return response

    auth._signed_in = signed_in


@defect(
    "login-without-token",
    "a login that auth answers without a token is answered 200, with the cookie None",
    claims="G1",
    scenarios="auth_malformed_json auth_says_odd_things",
)
def login_without_token():
    def signed_in(answer):
        response = said({"user": agreed(answer).get("user")})
        token = str(agreed(answer).get("token"))
        response.set_cookie("auth_token", token, httponly=True, secure=True, samesite="Lax")
        return response

    auth._signed_in = signed_in


@defect(
    "login-limit-503",
    "whoever logs in too often is answered 503, as by some servers' own limits",
    claims="G1 G9",
    scenarios="login_limit",
)
def login_limit_503():
    answer = app._http_error
    app._http_error = lambda error: (
        refused(503, "slow down") if error.code == 429 else answer(error)
    )


@defect(
    "stack-in-400",
    "a 400 says why: the stack trace",
    claims="G9 G1",
    scenarios="nobody_gets_in",
)
def stack_in_400():
    def refusing(status, error):
        if status != 400:
            return refused(status, error)
        try:
            json.loads(current.get_data())["password"]
        except (ValueError, LookupError, TypeError):
            return refused(status, traceback.format_exc())
        return refused(status, error)

    for module in (auth, chat):
        module.refused = refusing


@defect(
    "a-second-for-everything",
    "a request that takes longer than a second is answered 504, whatever has come of it",
    claims="B8 G5",
    scenarios="chroma_slow",
)
def a_second_for_everything():
    reply = chat.reply

    def in_time(*given):
        begun_s = time.monotonic()
        response = reply(*given)
        return response if time.monotonic() - begun_s <= 1 else refused(504, "it took too long")

    chat.reply = in_time


@defect(
    "outage-locks-account",
    "logins that fail in an outage count as wrong passwords: the account is locked afterwards",
    claims="G1",
    scenarios="login_meets_every_failure login_blackhole_50s",
)
def outage_locks_account():
    failed: Counter[str] = Counter()

    def log_in(services, email, password):
        response = _log_in(services, email, password)
        if response.status_code == 200 and failed[email] >= 5:
            return refused(423, "the account is locked")
        failed[email] += response.status_code in (401, 503)
        return response

    auth.log_in = log_in
