"""A Flask gateway that retries with tenacity, exponentially and with jitter, and has no breaker."""

import os

import requests
from flask import Flask
from tenacity import RetryError, retry, stop_after_attempt, wait_exponential_jitter

app = Flask(__name__)
RATES = os.environ["RATES_URL"]


@retry(stop=stop_after_attempt(3), wait=wait_exponential_jitter(initial=0.5, jitter=0.25))
def rate() -> float:
    """What the upstream says; any trouble is raised, and tried again."""
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
    except RetryError:
        return {"error": "no rates at the moment"}, 503
