"""A Flask gateway whose calls go through circuitbreaker, with its defaults but for the wait."""

import os

import requests
from circuitbreaker import CircuitBreakerError, circuit
from flask import Flask

app = Flask(__name__)
RATES = os.environ["RATES_URL"]


@circuit(failure_threshold=5, recovery_timeout=20, expected_exception=requests.RequestException)
def rate() -> float:
    """What the upstream says; any trouble is raised."""
    answer = requests.get(f"{RATES}/rate", timeout=2)
    answer.raise_for_status()
    return float(answer.json()["rate"])


@app.get("/health")
def health() -> str:
    return "well"


@app.get("/price")
def price() -> tuple[dict[str, object], int]:
    try:
        return {"price": 100 * rate()}, 200
    except (requests.RequestException, CircuitBreakerError):
        return {"error": "no rates at the moment"}, 503
