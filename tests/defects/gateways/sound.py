"""Gateways that differ from the reference and keep the contract: nothing may fail them."""

from __future__ import annotations

import concurrent.futures
import threading
import time

import requests

import gateway.app as app
import gateway.resilience.transport as transport
import gateway.routes.auth as auth
import gateway.routes.chat as chat
import gateway.routes.lookup as lookup
import gateway.routes.passing as passing
import gateway.routes.projects as projects
import gateway.routes.status as status
import gateway.services as services
from gateway.answers import refused, said
from gateway.resilience import CircuitBreaker, ResilientServiceClient, State
from tests.defects.gateways.catalogue import sound
from tests.defects.gateways.patching import use_breaker, use_client

_passed_on, _context_of = passing.passed_on, chat.context_of


@sound("passes-429-on", "a service's own 429 is passed on (G6 allows both)", scenarios="files_429")
def passes_429_on():
    def passed_on(service, call):
        kept = []

        def keeping():
            kept.append(call())
            return kept[0]

        response = _passed_on(service, keeping)
        if kept and kept[0].status_code == 429:
            return said(kept[0].json(), 429)
        return response

    for module in (lookup, projects):
        module.passed_on = passed_on


@sound(
    "other-words",
    "its errors are worded otherwise, and say more",
    scenarios="everybody_behind_one_breaker files_and_snapshots_503",
)
def other_words():
    def unavailable(what):
        response = refused(503, "come back later")
        response.headers["Retry-After"] = "30"
        return response

    for module in (auth, passing):
        module.unavailable = unavailable


@sound(
    "half-open-by-timer",
    "a timer half opens it, not the next call",
    scenarios="auth_503_50s burst_at_the_probe auth_503_150s status_page",
)
def half_open_by_timer():
    class Breaker(CircuitBreaker):
        def failed(self, permit):
            opened = super().failed(permit)
            if opened:
                timer = threading.Timer(self.wait_s, self._half_open, (self._generation,))
                timer.daemon = True
                timer.start()
            return opened

        def _half_open(self, generation):
            with self._lock:
                if generation == self._generation and self._state is State.OPEN:
                    self._enter(State.HALF_OPEN)

    use_breaker(Breaker)


@sound(
    "attempts-abandoned",
    "an attempt that is given up goes on in a pool, to its end",
    scenarios="auth_blackhole_50s auth_drips drip_at_the_probe",
)
def attempts_abandoned():
    class Sender(transport.Transport):
        def __init__(self, base_url, *, timeout_s):
            super().__init__(base_url, timeout_s=None)
            self._limit_s = timeout_s
            self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=200)

        def send(self, *args, **options):
            future = self._pool.submit(super().send, *args, **options)
            try:
                return future.result(timeout=self._limit_s)
            except concurrent.futures.TimeoutError:
                raise requests.Timeout("given up") from None

    services.Transport = Sender


@sound(
    "client-by-session",
    "each attempt has a session of its own, without a pool",
    scenarios="auth_503_50s git_restarts",
)
def client_by_session():
    class Sender(transport.Transport):
        def send(self, method, path, **options):
            fresh = transport.Transport(self._base_url, timeout_s=self._timeout_s)
            return fresh.send(method, path, **options)

    services.Transport = Sender


@sound(
    "asks-in-parallel",
    "a chat asks for its context while it looks up the balance",
    scenarios="billing_blackhole_50s chroma_refused_50s chat_meets_every_failure",
)
def asks_in_parallel():
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=200)
    reply = chat.reply

    def both(given, graph, user_id, project_id, message):
        asked = pool.submit(_context_of, given, graph, user_id, project_id, message)
        chat_context = lambda *_: asked.result()  # noqa: E731
        local.context_of = chat_context
        return reply(given, graph, user_id, project_id, message)

    local = threading.local()
    chat.context_of = lambda *given: local.context_of(*given)
    chat.reply = both


@sound(
    "watches-health",
    "a thread asks each service's /health every 7 s, for a dashboard",
    scenarios="auth_503_50s files_429",
)
def watches_health():
    watching(every_s=7)


@sound(
    "watches-health-often",
    "a thread asks each service's /health every 2 s, and the first request in its midst",
    scenarios="auth_503_50s auth_blackhole_50s auth_refused_50s",
)
def watches_health_often():
    watching(every_s=2)


def watching(every_s):
    connect = app.connect

    def connecting(settings):
        made = connect(settings)

        def watch():
            while True:
                for _, client in made:
                    try:
                        client._sender.send("GET", "/health")
                    except transport.Failure:
                        continue
                time.sleep(every_s)

        threading.Thread(target=watch, daemon=True).start()
        return made

    app.connect = connecting


@sound(
    "slower",
    "answers take 30 ms more, all of them",
    scenarios="burst_at_the_probe auth_503_50s auth_one_503",
)
def slower():
    create = app.create_app

    def creating(*args, **options):
        made = create(*args, **options)
        made.before_request(lambda: time.sleep(0.03))
        return made

    app.create_app = creating


@sound("status-says-more", "the status page says more than it must", scenarios="status_page")
def status_says_more():
    shown = status._shown
    status._shown = lambda snapshot: {**shown(snapshot), "since": 0, "half_open": False}


@sound(
    "counts-by-hand",
    "its client retries by a loop of its own, in other words",
    scenarios="auth_503_50s auth_one_503",
)
def counts_by_hand():
    class Client(ResilientServiceClient):
        def call(self, request):
            failed, tries = None, 0
            while tries < self.settings.attempts:
                tries += 1
                if failed is not None:
                    self._back_off(tries - 1)
                permit = self._admitted(failed)
                result = self._attempt(request, tries, permit)
                if isinstance(result, requests.Response):
                    return result
                failed = result
            raise self._unavailable("all attempts failed", failed)

    use_client(Client)
