"""Tasks that are never left half done: everything started is waited for, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do something whole, even if the task that does it is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


async def together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Do several things at once, their results in order.

    When one fails the others are cancelled, and waited for, before its error goes on. Unlike
    `asyncio.gather` this never returns while one of them still runs; unlike a task group it raises
    the first error as it is.
    """
    tasks = [asyncio.ensure_future(each) for each in work]
    if not tasks:
        return []
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await call_off(tasks)
    failed = [task for task in tasks if not task.cancelled() and task.exception() is not None]
    for task in (*failed, *tasks):
        task.result()
    return [task.result() for task in tasks]


async def call_off(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel what is not done yet, if anything, and wait until it has ended."""
    for task in tasks:
        task.cancel()
    if tasks:
        await to_the_end(_settled(tasks))


async def _settled(tasks: Sequence[asyncio.Future[Any]]) -> None:
    await asyncio.wait(tasks)
