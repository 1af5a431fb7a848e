"""The external data service: looks something up."""

from __future__ import annotations

from collections.abc import Mapping

from stub_services.messages import Reply
from stub_services.routes import Handler, Visit
from stub_services.service import Service


class ExternalData(Service):
    """Finds one result for every question."""

    default_port = 6006

    def routes(self) -> Mapping[str, Handler]:
        """The lookup."""
        return {"GET /lookup": self._lookup}

    def _lookup(self, visit: Visit) -> Reply:
        query = visit.request.query.get("q", "")
        return Reply(json={"query": query, "results": [{"title": f"about {query}"}]})
