"""Mistakes with timeouts, locks and connections (B8, G9); most need real sockets and threads."""

from __future__ import annotations

import threading

import requests
import urllib3.connectionpool
from requests.adapters import HTTPAdapter

import gateway.context as context
import gateway.resilience.transport as transport
import gateway.routes.chat as chat
import gateway.services as services
from gateway.answers import unavailable
from gateway.resilience import ResilientServiceClient
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import use_client


@defect(
    "timeout-per-read",
    "the timeout is per read, so a dripping body holds the call",
    claims="B8 G9",
    scenarios="auth_drips drip_at_the_probe",
)
def timeout_per_read():
    transport._Adapter = HTTPAdapter


@defect(
    "lock-across-call",
    "a lock held across the call: concurrent calls queue",
    claims="B8 B2 T1 G9",
    scenarios="auth_blackhole_burst auth_blackhole_50s",
)
def lock_across_call():
    class Client(ResilientServiceClient):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self._calling = threading.Lock()

        def call(self, request):
            with self._calling:
                return super().call(request)

    use_client(Client)


@defect(
    "six-places",
    "six places for calls at a service, waited for once the breaker has let one through",
    claims="B2 B3 B6 B8 T1",
    scenarios="auth_blackhole_50s",
)
def six_places():
    class Sender(transport.Transport):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self._places = threading.Semaphore(6)

        def send(self, *args, **options):
            with self._places:
                return super().send(*args, **options)

    services.Transport = Sender


@defect(
    "sleeps-under-lock",
    "sleeping under the lock: healthy calls are delayed",
    claims="B7 T11",
    scenarios="auth_one_503 auth_503_every_second_call",
)
def sleeps_under_lock():
    class Client(ResilientServiceClient):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self._waiting = threading.Lock()

        def _admitted(self, failed):
            with self._waiting:
                return super()._admitted(failed)

        def _back_off(self, attempt):
            with self._waiting:
                super()._back_off(attempt)

    use_client(Client)


@defect(
    "responses-left-open",
    "responses not closed on retry: connections run out",
    claims="B7 B8 G9",
    scenarios="auth_503_every_second_call",
)
def responses_left_open():
    left_open = []

    class Sender(transport.Transport):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            adapter = HTTPAdapter(pool_connections=1, pool_maxsize=10, pool_block=True)
            self._session.mount("http://", adapter)

        def send(self, method, path, *, json=None, params=None, headers=None):
            response = self._session.request(
                method,
                f"{self._base_url}{path}",
                json=json,
                params=params,
                headers=headers,
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,
            )
            if response.status_code >= 500:
                left_open.append(response)
            else:
                assert response.content is not None
            return response

    services.Transport = Sender


@defect(
    "stale-connections",
    "a stale kept-alive connection after the upstream restarts surfaces as an error",
    claims="B9 G6",
    scenarios="git_restarts",
)
def stale_connections():
    class Sender(transport.Transport):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self._session.headers["Connection"] = "keep-alive"

    services.Transport = Sender
    urllib3.connectionpool.is_connection_dropped = lambda connection: False


@defect(
    "redirects-followed",
    "a redirect followed with the internal header",
    claims="G3 G8",
    scenarios="owner_lookup_redirected",
)
def redirects_followed():
    class Session(transport._Session):
        get_redirect_target = requests.Session.get_redirect_target

        def send(self, request, **options):
            return super().send(request, **{**options, "allow_redirects": True})

    transport._Session = Session


@defect(
    "dead-connection-opens",
    "connections are kept alive, and one that has died opens the breaker at once",
    claims="B1 B9",
    scenarios="git_restarts",
)
def dead_connection_opens():
    stale_connections()

    class Client(ResilientServiceClient):
        def _on_failure(self, request, attempt, permit, failed):
            if "reset" in failed.words or "closed" in failed.words:
                self.breaker._failures = self.breaker.threshold
            super()._on_failure(request, attempt, permit, failed)

    use_client(Client)


@defect(
    "nonsense-keeps-connection",
    "a document that can't be read keeps its connection: after five there is none left, 503",
    claims="G5 B8",
    scenarios="nonsense_from_the_rest",
)
def nonsense_keeps_connection():
    lost = []
    understood = context._documents

    def documents(answer):
        found = understood(answer)
        if found is None:
            lost.append(answer)
        return found

    reply = chat.reply

    def with_a_connection(*given):
        return unavailable("Vector store") if len(lost) >= 5 else reply(*given)

    context._documents = documents
    chat.reply = with_a_connection
