"""A FastAPI gateway whose calls go through purgatory, with its defaults but for the wait."""

import os

import httpx
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

app = FastAPI()
breakers = AsyncCircuitBreakerFactory(default_threshold=5, default_ttl=20)
client = httpx.AsyncClient(base_url=os.environ["RATES_URL"], timeout=2)


async def rate() -> float:
    """What the upstream says; any trouble is raised."""
    async with await breakers.get_breaker("rates"):
        answer = await client.get("/rate")
        answer.raise_for_status()
        return float(answer.json()["rate"])


@app.get("/health")
async def health() -> str:
    return "well"


@app.get("/price")
async def price() -> JSONResponse:
    try:
        return JSONResponse({"price": 100 * await rate()})
    except (httpx.HTTPError, OpenedState):
        return JSONResponse({"error": "no rates at the moment"}, 503)
