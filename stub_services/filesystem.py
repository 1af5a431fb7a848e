"""The filesystem service: files of projects; one that nobody saved has a default content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stub_services.messages import Reply, text_field
from stub_services.routes import Handler, Visit
from stub_services.service import Service


class Filesystem(Service):
    """Keeps what is saved while the process lives."""

    default_port = 6002

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._files: dict[tuple[str, str], str] = {}

    def routes(self) -> Mapping[str, Handler]:
        """Read and save."""
        return {"GET /file/*/*": self._read, "POST /save_file": self._save}

    def _read(self, visit: Visit) -> Reply:
        project_id, name = visit.wild
        content = self._files.get((project_id, name), f"{name} of {project_id}")
        return Reply(json={"project_id": project_id, "name": name, "content": content})

    def _save(self, visit: Visit) -> Reply:
        body = visit.request.json_object()
        project_id, name = text_field(body, "project_id"), text_field(body, "name")
        self._files[project_id, name] = text_field(body, "content")
        return Reply(json={"status": "saved", "project_id": project_id, "name": name})
