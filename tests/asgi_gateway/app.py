"""Somebody's FastAPI shop: an async client behind a breaker, sync and async routes, a lifespan.

BROKEN=1 leaves the breaker out. FastAPI loads `pydantic.v1` with this file, too.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pydantic.v1
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

URL = os.environ["INVENTORY_URL"]
ATTEMPTS, THRESHOLD, WAIT_S, TIMEOUT_S, BACKOFF_S = 2, 4, 4.0, 1.0, 0.2


class Item(pydantic.v1.BaseModel):
    """What the inventory says of an item."""

    stock: int


class Breaker:
    """Opens after so many failures in a row; one trial after its wait."""

    def __init__(self) -> None:
        self.failures = 0
        self.open_until_s = 0.0
        self.trying = False

    def allows(self) -> bool:
        if self.failures < THRESHOLD or os.environ.get("BROKEN"):
            return True
        if self.trying or time.monotonic() < self.open_until_s:
            return False
        self.trying = True
        return True

    def note(self, ok: bool) -> None:
        if not self.trying and time.monotonic() < self.open_until_s:
            return  # a straggler changes nothing
        self.trying = False
        self.failures = 0 if ok else self.failures + 1
        if self.failures >= THRESHOLD:
            self.open_until_s = time.monotonic() + WAIT_S


breaker = Breaker()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=URL, timeout=TIMEOUT_S) as client:
        await asyncio.sleep(0.2)
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"ok": True}


@app.get("/report")
def report() -> dict[str, int]:
    """A sync route: it runs in a thread of the server's."""
    time.sleep(0.3)
    return {"lines": 3}


@app.get("/items/{sku}")
async def item(sku: str, request: Request) -> Any:
    if not breaker.allows():
        return JSONResponse({"error": "inventory is away"}, 503)
    for attempt in range(ATTEMPTS):
        try:
            answer = await request.state.client.get(f"/stock/{sku}")
            answer.raise_for_status()
            found = Item.parse_obj(answer.json())
        except httpx.HTTPError:
            breaker.note(False)
            if attempt + 1 < ATTEMPTS and breaker.allows():
                await asyncio.sleep(BACKOFF_S)
            else:
                break
        else:
            breaker.note(True)
            return {"sku": sku, "stock": found.stock}
    return JSONResponse({"error": "inventory is away"}, 503)
