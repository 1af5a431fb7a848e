"""How a gateway is made defective: other breakers, clients, settings and answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any

import gateway.services as services
from gateway.resilience import CircuitBreaker, ResilientServiceClient
from gateway.resilience.client import _Failed


def use_breaker(kind: type[CircuitBreaker]) -> None:
    services.CircuitBreaker = kind


def closing_leaves(failures: Callable[[int], int]) -> None:
    """A breaker that closes has so many failures to begin with, by how many it had before."""

    class Breaker(CircuitBreaker):
        def succeeded(self, permit):
            before = self._failures
            closed = super().succeeded(permit)
            if closed:
                self._failures = failures(before)
            return closed

    use_breaker(Breaker)


def use_client(kind: type[ResilientServiceClient]) -> None:
    services.ResilientServiceClient = kind


def change_settings(**changes: Any) -> None:
    """Each client's settings with changes; a change may be a function of the settings."""
    make = services._client

    def changed(upstream):
        given = upstream.client
        new = {k: v(given) if callable(v) else v for k, v in changes.items()}
        return make(dataclasses.replace(upstream, client=dataclasses.replace(given, **new)))

    services._client = changed


def count_by(key: Callable[[Any], Hashable]) -> None:
    """A breaker for each key of a request, instead of one for the service."""

    class Client(ResilientServiceClient):
        def call(self, request):
            by_key = self.__dict__.setdefault("_by_key", {})
            chosen = key(request)
            if chosen not in by_key:
                own = CircuitBreaker(threshold=self.breaker.threshold, wait_s=self.breaker.wait_s)
                by_key[chosen] = ResilientServiceClient(self.name, self._sender, self.settings, own)
            return by_key[chosen].call(request)

    use_client(Client)


def count_not(uncounted: Callable[[Any, _Failed, int], bool]) -> None:
    """Some failures are tried again, and not counted: (request, failure, attempt) says which."""

    class Client(ResilientServiceClient):
        def _on_failure(self, request, attempt, permit, failed):
            if uncounted(request, failed, attempt):
                self.breaker.give_back(permit)
            else:
                super()._on_failure(request, attempt, permit, failed)

    use_client(Client)


def retry_not(final: Callable[[Any, _Failed], bool]) -> None:
    """Some failures are counted, and not tried again: (request, failure) says which."""

    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            result = super()._attempt(request, attempt, permit)
            if isinstance(result, _Failed) and final(request, result):
                raise self._unavailable("all attempts failed", result)
            return result

    use_client(Client)


def back_off(wait_s: Callable[[int], float]) -> None:
    """Other waits between attempts: seconds after the attempt of that number."""

    class Client(ResilientServiceClient):
        def _back_off(self, attempt):
            self._sleep(wait_s(attempt))

    use_client(Client)
