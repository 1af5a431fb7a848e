"""The git service: snapshots of projects and their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stub_services.messages import Reply
from stub_services.routes import Handler, Visit
from stub_services.service import Service


class Git(Service):
    """Counts the snapshots of each project."""

    default_port = 6005

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._snapshots: dict[str, int] = {}

    def routes(self) -> Mapping[str, Handler]:
        """Snapshot and history."""
        return {"POST /snapshot/*": self._snapshot, "GET /history/*": self._history}

    def _snapshot(self, visit: Visit) -> Reply:
        (project_id,) = visit.wild
        self._snapshots[project_id] = self._snapshots.get(project_id, 0) + 1
        number = self._snapshots[project_id]
        return Reply(json={"project_id": project_id, "snapshot_id": f"{project_id}-{number}"})

    def _history(self, visit: Visit) -> Reply:
        (project_id,) = visit.wild
        numbers = range(1, self._snapshots.get(project_id, 0) + 1)
        snapshots = [{"snapshot_id": f"{project_id}-{number}"} for number in numbers]
        return Reply(json={"project_id": project_id, "snapshots": snapshots})
