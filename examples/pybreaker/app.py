"""A Flask gateway whose calls go through pybreaker, with its defaults but for the wait."""

import os

import pybreaker
import requests
from flask import Flask

app = Flask(__name__)
breaker = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=20)
RATES = os.environ["RATES_URL"]


@breaker
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
    except (requests.RequestException, pybreaker.CircuitBreakerError):
        return {"error": "no rates at the moment"}, 503
