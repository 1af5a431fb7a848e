"""Work done together, and to the end."""

import asyncio

import pytest

from harness.engines.tasks import to_the_end, together
from harness.errors import WorldError


def test_results_come_in_order_and_nothing_is_fine() -> None:
    async def give(value: int) -> int:
        await asyncio.sleep(0.01 / value)
        return value

    async def run() -> tuple[list[int], list[int]]:
        return await together(give(1), give(2)), await together()

    assert asyncio.run(run()) == ([1, 2], [])


def test_the_first_error_comes_after_the_others_have_ended() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            ended.append("slow")

    async def fail() -> None:
        raise WorldError("no")

    with pytest.raises(WorldError, match="no"):
        asyncio.run(together_run(slow(), fail()))
    assert ended == ["slow"]


async def together_run(*work: object) -> None:
    await together(*work)  # type: ignore[arg-type]


def test_a_cancelled_task_still_ends_its_work() -> None:
    done: list[bool] = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        done.append(True)

    async def run() -> None:
        task = asyncio.create_task(to_the_end(work()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert done == [True]
