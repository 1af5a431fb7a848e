"""Another engine's plays as tasks of a Dask cluster, one for each scenario.

Nothing else of a run knows of it: facts come home and are recorded here, so that verdicts and
reports are those of one machine. A play whose worker died is played again elsewhere by the
scheduler, from its start; that is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from collections.abc import Callable
from importlib import metadata
from typing import Any

from harness.engines.base import Gate, Job, Progress, Record, Report
from harness.engines.cluster.host import (
    About,
    Delivery,
    Kind,
    Order,
    about,
    play,
    topic_of,
)
from harness.engines.cluster.parcel import Parcel, packed
from harness.errors import TargetError, UsageError, WorldError
from harness.scenario.model import Scenario
from harness.target import Target

LOCAL = "local"
_WORLDS_EACH = 8
"""Worlds in real time that one process of a local cluster carries: they mostly wait."""
_CONNECT_S = 20


class ClusterEngine:
    """Plays scenarios on a cluster: one made on this machine (`local`), or one at an address."""

    def __init__(self, kind: Kind, cluster: str, target: Target) -> None:
        """Connect, and see that all workers are alike.

        Raises: UsageError when `distributed` is missing, nobody answers, or the workers differ.
        """
        distributed = _distributed()
        self.name = kind.engine
        self._kind = kind
        self._made: Any = None
        self._parcel: Parcel | None = None
        address = cluster
        if cluster == LOCAL:
            self._made = distributed.LocalCluster(
                n_workers=os.cpu_count() or 1,
                threads_per_worker=1 if kind.engine == "sim" else _WORLDS_EACH,
                dashboard_address=None,
                silence_logs=50,
            )
            address = self._made.scheduler_address
        else:
            self._parcel = packed(target)
        try:
            self._client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(f"--cluster {cluster}: no scheduler answers there: {error}") from error
        self._listening: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._topics: set[str] = set()
        self._workers = self._alike(cluster)
        threads = self._client.nthreads().values()
        self.most_at_once = sum(threads)
        self._where = f"{len(threads)} workers at {address}"

    @property
    def proxy(self) -> str:
        """The proxy that the workers chose, and where they are."""
        return f"{self._workers.proxy}; {self._where}"

    def unplayable(self, scenario: Scenario) -> str | None:
        """Why the workers can't show a scenario; None where they can."""
        return self._workers.abilities.unplayable(scenario)

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        """Play one job on whichever worker is free, and record its facts when they are home.

        Raises: WorldError, TargetError as the worker's engine did, or when the cluster lost it.
        """
        loop = asyncio.get_running_loop()
        order = Order(
            key=f"{job.scenario.name}-{uuid.uuid4().hex[:8]}",
            kind=self._kind,
            scenario=job.scenario,
            target=job.target,
            parcel=self._parcel,
            seed=job.seed,
            run=job.run,
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
                report(Progress(doing=said["doing"], at_s=said["at_s"], notice=said["notice"]))

        self._listen(job.run, loop)
        self._listening[order.key] = told
        future = self._client.submit(play, order, key=order.key, pure=False)
        ended = asyncio.Event()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        try:
            await ended.wait()
            delivery = await asyncio.to_thread(_result, future, job.scenario)
        except asyncio.CancelledError:
            await asyncio.to_thread(self._stop, job.run, future)
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
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            self._client.close(timeout=5)
        if self._made is not None:
            self._made.close(timeout=10)

    def _stop(self, run: str, future: Any) -> None:
        """Tell the workers that this run is over, plays under way included."""
        flag = _distributed().Event(f"{topic_of(run)}-stopped", client=self._client)
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

    def _alike(self, cluster: str) -> About:
        """What all workers are, of one kind and of this harness's version.

        Asked once: later a worker may be gone, and the others play on.
        """
        try:
            said: dict[str, About] = self._client.run(about, self._kind)
        except ImportError as error:
            raise UsageError(
                f"--cluster {cluster}: its workers can't import the harness ({error}); install "
                "outage-harness[cluster] of this version there"
            ) from error
        if not said:
            raise UsageError(f"--cluster {cluster}: it has no workers")
        versions = {each.version for each in said.values()}
        addresses = {str(each.abilities.several_addresses) for each in said.values()}
        for what, found in (
            ("the harness's version", versions | {metadata.version("outage-harness")}),
            ("their proxy", {each.proxy for each in said.values()}),
            ("whether clients can have several addresses", addresses),
        ):
            if len(found) > 1:
                raise UsageError(
                    f"--cluster {cluster}: its workers, or they and this machine, differ in "
                    f"{what}: {', '.join(sorted(found))}"
                )
        return next(iter(said.values()))


def _result(future: Any, scenario: Scenario) -> Delivery:
    try:
        delivery = future.result()
    except Exception as error:  # whatever the cluster did with it
        raise WorldError(
            f"the cluster did not finish {scenario.name}: {type(error).__name__}: {error}"
        ) from error
    assert isinstance(delivery, Delivery)
    return delivery


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise UsageError(
            "--cluster needs Dask's distributed: install outage-harness[cluster]"
        ) from error
    return distributed
