"""A Dask cluster that plays for us: made on this machine, or a scheduler's at an address."""

from __future__ import annotations

import contextlib
import os
from importlib import metadata
from typing import Any

from harness.engines.cluster.host import About, Kind, about
from harness.errors import UsageError

LOCAL = "local"
_WORLDS_EACH = 8
"""Worlds in real time that one process of a local cluster carries: they mostly wait."""
_CONNECT_S = 20


class Connection:
    """The client of a cluster, and what its workers are."""

    def __init__(self, kind: Kind, cluster: str) -> None:
        """Connect, and see that all workers are alike.

        Raises: UsageError when `distributed` is missing, nobody answers, or the workers differ.
        """
        distributed = library()
        self._made: Any = None
        self.address = cluster
        if cluster == LOCAL:
            self._made = _made_here(1 if kind.engine == "sim" else _WORLDS_EACH)
            self.address = self._made.scheduler_address
        try:
            self.client: Any = distributed.Client(
                self.address, timeout=_CONNECT_S, set_as_default=False
            )
        except (OSError, ValueError, TimeoutError) as error:
            if self._made is not None:
                self._made.close(timeout=10)
            raise UsageError(f"--cluster {cluster}: no scheduler answers there: {error}") from error
        try:
            self.workers = _alike(self.client, kind, cluster)
        except BaseException:
            self.close()
            raise
        threads = self.client.nthreads().values()
        self.threads = sum(threads)
        """How many plays go on at once."""
        self.where = f"{len(threads)} workers at {self.address}"

    def close(self) -> None:
        """Leave the cluster; one that was made here ends."""
        with contextlib.suppress(OSError, TimeoutError):
            self.client.close(timeout=5)
        if self._made is not None:
            self._made.close(timeout=10)


def _made_here(threads: int) -> Any:
    """A cluster of processes of this machine, each with so many threads.

    Raises: UsageError when they don't come up.
    """
    try:
        return library().LocalCluster(
            n_workers=os.cpu_count() or 1,
            threads_per_worker=threads,
            dashboard_address=None,
            silence_logs=50,
            preload=["harness.engines.cluster.unasked"],
        )
    except (OSError, RuntimeError, TimeoutError) as error:
        why = error.__cause__ or error
        raise UsageError(f"--cluster {LOCAL}: its workers did not come up: {why}") from error


def _alike(client: Any, kind: Kind, cluster: str) -> About:
    """What all workers are, of one kind and of this harness's version.

    Asked once: later a worker may be gone, and the others play on.
    """
    try:
        said: dict[str, About] = client.run(about, kind)
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


def library() -> Any:
    """Dask's `distributed`.

    Raises: UsageError where it is not installed.
    """
    try:
        import distributed
    except ImportError as error:
        raise UsageError(
            "--cluster needs Dask's distributed: install outage-harness[cluster]"
        ) from error
    return distributed
