"""Mistakes that take two users, two services or two calls at once (B8, G7, G8, G9)."""

from __future__ import annotations

import threading
import time
from functools import wraps

from flask import request as current

import gateway.identity as identity
import gateway.money as money
import gateway.resilience.transport as transport
import gateway.routes.auth as auth
import gateway.routes.chat as chat
import gateway.routes.lookup as lookup
import gateway.routes.projects as projects
import gateway.services as services_module
from gateway.answers import refused
from gateway.resilience import ResilientServiceClient
from gateway.resilience.client import _Failed
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import change_settings, use_client

_needs_user, _log_in, _charge = identity.needs_user, auth.log_in, money.charge
_identify = identity.identify


@defect(
    "current-user-shared",
    "who asks is kept in one place for all: whoever came last",
    claims="G2 G3 G7 G8",
    scenarios="two_users_at_once",
)
def current_user_shared():
    last = {}

    def identify(services, token):
        found = _identify(services, token)
        last["user"] = found
        return found

    def of_owner(services, user_id, project_id):
        headers = {"X-INTERNAL-TOKEN": services.internal_token}
        answer = services.auth.get(f"/internal/projects/{project_id}/owner", headers=headers)
        owner_id = answer.json().get("owner_id") if answer.status_code == 200 else None
        if last["user"] is None or owner_id != last["user"].user_id:
            return refused(403, "this project is somebody else's")
        return projects.said({"project_id": project_id, "owner_id": owner_id})

    identity.identify = identify
    projects.of_owner = of_owner


@defect(
    "charges-whoever-came-last",
    "the charge goes to the user whose balance was looked up last",
    claims="G7 G8",
    scenarios="two_users_at_once",
)
def charges_whoever_came_last():
    last = {}
    balance_of = money.balance_of

    def remembering(services, user_id):
        last["user"] = user_id
        return balance_of(services, user_id)

    chat.balance_of = remembering
    chat.charge = lambda services, user_id, job_id: _charge(services, last["user"], job_id)


@defect(
    "charges-the-first-user",
    "every chat is charged to whoever chatted first",
    claims="G7",
    scenarios="chat_meets_every_failure two_users_at_once",
)
def charges_the_first_user():
    users: list[str] = []

    def charge(services, user_id, job_id):
        users.append(user_id)
        return _charge(services, users[0], job_id)

    chat.charge = charge


@defect(
    "requests-queue",
    "one request at a time: whoever waits for an upstream makes all others wait",
    claims="B2 B8 G9 B3",
    scenarios="auth_blackhole_burst",
)
def requests_queue():
    one_at_a_time = threading.Lock()

    def needs_user(services):
        decorate = _needs_user(services)

        def queueing(view):
            guarded = decorate(view)

            @wraps(guarded)
            def queued(*args, **options):
                with one_at_a_time:
                    return guarded(*args, **options)

            return queued

        return queueing

    for module in (auth, chat, lookup, projects):
        module.needs_user = needs_user


@defect(
    "one-timeout-for-all",
    "5 s for every service, whatever T says",
    claims="B8 T7 B1 B2",
    scenarios="chroma_blackhole_70s",
)
def one_timeout_for_all():
    make = transport.Transport

    class Sender(make):
        def __init__(self, base_url, *, timeout_s):
            super().__init__(base_url, timeout_s=5)

    services_module.Transport = Sender


@defect(
    "one-wait-for-all",
    "60 s of recovery wait for every service",
    claims="B4 T8",
    scenarios="git_refused_50s",
)
def one_wait_for_all():
    change_settings(wait_s=60)


@defect(
    "connects-without-deadline",
    "the deadline is for reading only: a connect may take for ever",
    claims="B8 B1 B2 G9",
    scenarios="lookup_unanswered_30s",
)
def connects_without_deadline():
    make = transport.Transport

    class Sender(make):
        def __init__(self, base_url, *, timeout_s):
            super().__init__(base_url, timeout_s=(None, timeout_s))

    services_module.Transport = Sender


@defect("429-retried", "429 is tried again", claims="B1", scenarios="files_429")
def retried_429():
    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            result = super()._attempt(request, attempt, permit)
            again = getattr(result, "status_code", 0) == 429 and attempt < self.settings.attempts
            return _Failed(words="Server answered 429", error=None) if again else result

    use_client(Client)


@defect(
    "login-locks-out",
    "after five logins in a minute the address is locked out for an hour",
    claims="G1",
    scenarios="login_limit",
)
def login_locks_out():
    tried: dict[str, list[float]] = {}

    def log_in(services, email, password):
        mine = tried.setdefault(current.remote_addr or "", [])
        now_s = time.monotonic()
        mine[:] = [at_s for at_s in mine if now_s - at_s < 3600]
        if len(mine) >= 5:
            return refused(429, "too many logins")
        mine.append(now_s)
        return _log_in(services, email, password)

    auth.log_in = log_in


@defect(
    "login-limits-the-user",
    "five logins a minute for each user, from wherever",
    claims="G1",
    scenarios="wrong_passwords",
)
def login_limits_the_user():
    tried: dict[str, list[float]] = {}

    def log_in(services, email, password):
        mine = tried.setdefault(email, [])
        now_s = time.monotonic()
        mine[:] = [at_s for at_s in mine if now_s - at_s < 60]
        if len(mine) >= 5:
            return refused(429, "too many logins")
        mine.append(now_s)
        return _log_in(services, email, password)

    auth.log_in = log_in


@defect(
    "owner-lookup-without-token",
    "the owner lookup goes without the internal token: nobody owns anything",
    claims="G3",
    scenarios="nobody_gets_in",
)
def owner_lookup_without_token():
    class Client(ResilientServiceClient):
        def _result(self, request):
            if request.headers and "X-INTERNAL-TOKEN" in request.headers:
                request.headers.pop("X-INTERNAL-TOKEN")
            return super()._result(request)

    use_client(Client)


@defect(
    "verifications-coalesced",
    "who asks while another's token is being verified is given that one's answer",
    claims="G2 G8",
    scenarios="two_users_at_once",
)
def verifications_coalesced():
    under_way = []

    def coalesced(services, token):
        if under_way:
            first = under_way[0]
            while under_way and under_way[0] is first:
                time.sleep(0.01)
            return first.get("user")
        own = {}
        under_way.append(own)
        try:
            own["user"] = _identify(services, token)
        finally:
            under_way.clear()
        return own["user"]

    identity.identify = coalesced


@defect(
    "latest-answer-for-all",
    "the answer of auth that is read is the latest that has come, whoever asked for it",
    claims="G2 G8",
    scenarios="two_users_at_once",
)
def latest_answer_for_all():
    latest = {}

    def identify(services, token):
        latest["user"] = _identify(services, token)
        time.sleep(0.05)  # as long as it takes to write it down somewhere
        return latest["user"]

    identity.identify = identify


@defect(
    "chats-conflict",
    "a chat during which another one came is answered 409: what was remembered has changed",
    claims="G4 G7",
    scenarios="two_users_at_once",
)
def chats_conflict():
    reply, begun = chat.reply, []

    def unless_changed(*given):
        begun.append(given)
        version = len(begun)
        response = reply(*given)
        return response if len(begun) == version else refused(409, "try again")

    chat.reply = unless_changed
