"""Another engine's plays as tasks of a Dask cluster, one for each scenario.

Nothing else of a run knows of it: facts come home and are recorded here, so that verdicts and
reports are those of one machine. A play whose worker died is played again elsewhere by the
scheduler, from its start; that is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import Any

from harness.engines.base import Gate, Job, Progress, Record, Report
from harness.engines.cluster.connection import LOCAL, Connection, library
from harness.engines.cluster.host import Delivery, Kind, Order, play, topic_of
from harness.engines.cluster.parcel import packed
from harness.engines.local.engine import LocalEngine
from harness.errors import TargetError, WorldError
from harness.scenario.model import Scenario
from harness.target import Target


class ClusterEngine:
    """Plays scenarios on a cluster: one made on this machine (`local`), or one at an address."""

    start_s = LocalEngine.start_s

    def __init__(self, kind: Kind, cluster: str, target: Target) -> None:
        """Connect, and see that all workers are alike.

        Raises: UsageError when `distributed` is missing, nobody answers, or the workers differ.
        """
        self.name = kind.engine
        self._kind = kind
        self._parcel = None if cluster == LOCAL else packed(target)
        self._cluster = Connection(kind, cluster)
        self._client = self._cluster.client
        self._listening: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._topics: set[str] = set()
        self._own_run = uuid.uuid4().hex[:8]
        """What plays that belong to no run are told under."""
        self.most_at_once = self._cluster.threads

    @property
    def proxy(self) -> str:
        """The proxy that the workers chose, and where they are."""
        return f"{self._cluster.workers.proxy}; {self._cluster.where}"

    def unplayable(self, scenario: Scenario) -> str | None:
        """Why the workers can't show a scenario; None where they can."""
        return self._cluster.workers.abilities.unplayable(scenario)

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        """Play one job on whichever worker is free, and record its facts when they are home.

        Raises: WorldError, TargetError as the worker's engine did, or when the cluster lost it.
        """
        loop = asyncio.get_running_loop()
        run = job.run or self._own_run
        order = Order(
            key=f"{job.scenario.name}-{uuid.uuid4().hex[:8]}",
            kind=self._kind,
            scenario=job.scenario,
            target=job.target,
            parcel=self._parcel,
            seed=job.seed,
            run=run,
            keep_secrets=job.keep_secrets,
        )
        began: list[str] = []

        def told(said: dict[str, Any]) -> None:
            if worker := said.get("began"):
                began.append(worker)
                again = f"{job.scenario.name} is played again: {began[-2:][0]} was lost"
                notice = again if len(began) > 1 else None
                report(Progress(doing=f"on {worker}", notice=notice))
            else:
                begins_s = dict(said["begins_s"])
                one = {key: said[key] for key in ("doing", "at_s", "notice")}
                report(Progress(**one, begins_s=begins_s))

        self._listen(run, loop)
        self._listening[order.key] = told
        future = self._client.submit(play, order, key=order.key, pure=False)
        ended = asyncio.Event()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        try:
            await ended.wait()
            delivery = await asyncio.to_thread(_result, future, job.scenario)
        except asyncio.CancelledError:
            await asyncio.to_thread(self._stop, run, future)
            raise
        finally:
            self._listening.pop(order.key, None)
            future.release()
        for event in delivery.events:
            record(event)
        if delivery.refused is not None:
            raise TargetError(*delivery.refused, late=delivery.late)
        if delivery.problem is not None:
            raise WorldError(delivery.problem, late=delivery.late)

    async def close(self) -> None:
        """Leave the cluster; one that was made here ends."""
        await asyncio.to_thread(self._cluster.close)

    def _stop(self, run: str, future: Any) -> None:
        """Tell the workers that this run is over, plays under way included."""
        flag = library().Event(f"{topic_of(run)}-stopped", client=self._client)
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            flag.set()
            future.cancel()

    def _listen(self, run: str, loop: asyncio.AbstractEventLoop) -> None:
        """Pass on what workers tell of a run's plays."""
        if run in self._topics:
            return
        self._topics.add(run)

        def heard(event: tuple[float, dict[str, Any]]) -> None:
            told = self._listening.get(event[1]["key"])
            if told is not None:
                loop.call_soon_threadsafe(told, event[1])

        self._client.subscribe_topic(topic_of(run), heard)


def _result(future: Any, scenario: Scenario) -> Delivery:
    try:
        delivery = future.result()
    except Exception as error:  # whatever the cluster did with it
        raise WorldError(
            f"the cluster did not finish {scenario.name}: {type(error).__name__}: {error}"
        ) from error
    assert isinstance(delivery, Delivery)
    return delivery
