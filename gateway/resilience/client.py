"""The resilient client of one upstream: attempts, backoff, and its breaker asked before each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import requests

from gateway.resilience.breaker import CircuitBreaker, Permit
from gateway.resilience.errors import ServiceUnavailable
from gateway.resilience.transport import Failure, describe

logger = logging.getLogger("gateway.resilience")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """n, T, N and W of one upstream (contract.md, section 1)."""

    attempts: int
    """n: attempts a call makes, the first included."""
    timeout_s: float
    """T: deadline of one attempt, in seconds."""
    threshold: int
    """N: consecutive failures that open the breaker."""
    wait_s: float
    """W: seconds from the trip to the probe."""
    per_call: bool = False
    """Count one failure a call, not one an attempt."""


class Sender(Protocol):
    """Makes one attempt; `transport.Transport` is the real one."""

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The whole answer; raises one of `transport.Failure`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What is attempted, the same on every attempt."""

    method: str
    path: str
    json: Any = None
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """How an attempt failed."""

    words: str
    error: BaseException | None


class ResilientServiceClient:
    """Calls one upstream; made once, at start, and shared by all threads (B10).

    `name` is the upstream's name in the log, such as "Auth".
    """

    def __init__(
        self,
        name: str,
        sender: Sender,
        settings: ClientSettings,
        breaker: CircuitBreaker,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.settings = settings
        self.breaker = breaker
        self._sender = sender
        self._sleep = sleep

    def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """GET; see `call`."""
        return self.call(_Request(method="GET", path=path, params=params, headers=headers))

    def post(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """POST; see `call`."""
        return self.call(_Request(method="POST", path=path, json=json, headers=headers))

    def call(self, request: _Request) -> requests.Response:
        """The answer, of any status below 500, its body read whole.

        Raises: ServiceUnavailable when the breaker rejects it or all attempts failed.
        """
        failed: _Failed | None = None
        for attempt in range(1, self.settings.attempts + 1):
            if attempt > 1:
                self._back_off(attempt - 1)
            permit = self._admitted(failed)
            result = self._attempt(request, attempt, permit)
            if isinstance(result, requests.Response):
                return result
            failed = result
        raise self._unavailable("all attempts failed", failed)

    def _admitted(self, failed: _Failed | None) -> Permit:
        """Leave from the breaker, asked right before each attempt (B6)."""
        permit = self.breaker.admit()
        if permit is None:
            logger.warning("%s service unavailable (circuit breaker open)", self.name)
            raise self._unavailable("circuit breaker open", failed)
        return permit

    def _unavailable(self, reason: str, failed: _Failed | None) -> ServiceUnavailable:
        raised = ServiceUnavailable(self.name, reason)
        raised.__cause__ = None if failed is None else failed.error
        return raised

    def _back_off(self, attempt: int) -> None:
        """Wait 1 s, 2 s, 4 s... after an attempt that failed (B7)."""
        wait_s = 2 ** (attempt - 1)
        logger.warning("Retrying in %ds...", wait_s)
        self._sleep(wait_s)

    def _attempt(
        self, request: _Request, attempt: int, permit: Permit
    ) -> requests.Response | _Failed:
        self._log_start(request, attempt, permit)
        try:
            result = self._result(request)
            if isinstance(result, _Failed):
                self._on_failure(request, attempt, permit, result)
            else:
                self._on_answer(result, attempt, permit)
        except BaseException:
            # A mistake of ours says nothing of the upstream, but must not keep the probe's slot.
            self.breaker.give_back(permit)
            raise
        return result

    def _result(self, request: _Request) -> requests.Response | _Failed:
        """One attempt over the network, and whether it failed (B1)."""
        try:
            response = self._sender.send(
                request.method,
                request.path,
                json=request.json,
                params=request.params,
                headers=request.headers,
            )
        except Failure as error:
            return _Failed(words=describe(error), error=error)
        if response.status_code >= 500:
            words = f"Server answered {response.status_code}"
            return _Failed(words=words, error=requests.HTTPError(words))
        return response

    def _on_answer(self, response: requests.Response, attempt: int, permit: Permit) -> None:
        if response.status_code == 429:
            self.breaker.give_back(permit)
            return
        if permit.probe:
            logger.info("✓ %s Server succeeded", self.name)
        elif attempt > 1:
            logger.info("✓ %s Server succeeded after retry", self.name)
        if self.breaker.succeeded(permit):
            logger.info("Circuit breaker CLOSED (service recovered) - %s Server", self.name)

    def _on_failure(self, request: _Request, attempt: int, permit: Permit, failed: _Failed) -> None:
        attempts = self.settings.attempts
        if attempt == 1 and not permit.probe:
            self._log_attempt(request, attempt)
        last = attempt == attempts
        logger.log(logging.ERROR if last else logging.WARNING, "%s", failed.words)
        if last:
            logger.error("✗ %s Server - all attempts failed", self.name)
        if self.settings.per_call and not last and not permit.probe:
            return
        if self.breaker.failed(permit):
            why = "probe failed" if permit.probe else f"threshold reached: {self._reached()}"
            logger.critical("Circuit breaker OPEN (%s) - %s Server", why, self.name)

    def _reached(self) -> str:
        return f"{self.breaker.threshold}/{self.breaker.threshold}"

    def _log_start(self, request: _Request, attempt: int, permit: Permit) -> None:
        if permit.probe:
            logger.info(
                "Circuit breaker entering HALF_OPEN state (testing recovery) - %s Server",
                self.name,
            )
            self._log_attempt(request, attempt)
        elif attempt > 1:
            self._log_attempt(request, attempt)
        else:
            logger.info("%s Server CLOSED - request processing", self.name)

    def _log_attempt(self, request: _Request, attempt: int) -> None:
        logger.warning(
            "%s Server %s %s (attempt %d/%d)",
            self.name,
            request.method,
            request.path,
            attempt,
            self.settings.attempts,
        )
