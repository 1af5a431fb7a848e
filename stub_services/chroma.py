"""The chroma service: a vector store that finds documents named after what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stub_services.bounds import BadRequest, at_most, text_of
from stub_services.messages import Reply, text_field
from stub_services.routes import Handler, Visit
from stub_services.service import Service

_MOST_RESULTS = 100
_MOST_TEXTS = 100
_STORED = ("notes.md", "design.md", "tasks.md")


class Chroma(Service):
    """Answers each query text from its collection, and from no other."""

    default_port = 6003

    def routes(self) -> Mapping[str, Handler]:
        """The query."""
        return {"POST /query": self._query}

    def _query(self, visit: Visit) -> Reply:
        body = visit.request.json_object()
        collection = text_field(body, "collection_name")
        texts, wanted = body.get("query_texts"), body.get("n_results", 5)
        if not isinstance(texts, list):
            raise BadRequest("'query_texts' is missing or not a list")
        at_most(_MOST_TEXTS, "'query_texts'", texts)
        texts = [text_of(text, "a text") for text in texts]
        if not isinstance(wanted, int) or not 1 <= wanted <= _MOST_RESULTS:
            raise BadRequest(f"'n_results': expected 1 to {_MOST_RESULTS}")
        files = _STORED[:wanted]
        documents = [[f"{name} of {collection} on {text}" for name in files] for text in texts]
        metadatas: list[list[dict[str, Any]]] = [
            [{"source_file": f"{collection}/{name}"} for name in files] for _ in texts
        ]
        return Reply(json={"documents": documents, "metadatas": metadatas})
