"""Resilient calls: a circuit breaker for each upstream, retries, and deadlines that hold."""

from gateway.resilience.breaker import CircuitBreaker, Permit, Snapshot, State
from gateway.resilience.client import ClientSettings, ResilientServiceClient
from gateway.resilience.errors import ServiceUnavailable

__all__ = [
    "CircuitBreaker",
    "ClientSettings",
    "Permit",
    "ResilientServiceClient",
    "ServiceUnavailable",
    "Snapshot",
    "State",
]
