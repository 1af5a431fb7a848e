"""What a chat can lean on: documents from the vector store, else what the graph store remembers."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

from gateway.answers import agreed
from gateway.resilience import ServiceUnavailable
from gateway.services import Services

logger = logging.getLogger("gateway.context")

_RESULTS = 5
_MOST_CONVERSATIONS = 1000
_MOST_MESSAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Texts with their sources; `degraded` when the vector store gave none (G5)."""

    texts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    degraded: bool = False


class GraphStore:
    """The last messages of each user in each project, in this process.

    Kept apart by user and project, so nobody is shown another's words; bounded in both directions.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: OrderedDict[tuple[str, str], deque[str]] = OrderedDict()

    def remember(self, user_id: str, project_id: str, message: str) -> None:
        """Keep a message."""
        with self._lock:
            key = (user_id, project_id)
            self._said.setdefault(key, deque(maxlen=_MOST_MESSAGES)).append(message)
            self._said.move_to_end(key)
            if len(self._said) > _MOST_CONVERSATIONS:
                self._said.popitem(last=False)

    def recall(self, user_id: str, project_id: str) -> tuple[str, ...]:
        """What the user said in the project, the latest last."""
        with self._lock:
            return tuple(self._said.get((user_id, project_id), ()))


def context_of(
    services: Services, graph: GraphStore, user_id: str, project_id: str, message: str
) -> Context:
    """The vector store's documents; without them what the graph store has, else nothing."""
    query = {"collection_name": project_id, "query_texts": [message], "n_results": _RESULTS}
    try:
        response = services.chroma.post("/query", json=query)
    except ServiceUnavailable:
        logger.warning("Chroma service is down. Falling back to the graph store.")
        return _remembered(graph, user_id, project_id)
    found = _documents(agreed(response))
    return _remembered(graph, user_id, project_id) if found is None else found


def _remembered(graph: GraphStore, user_id: str, project_id: str) -> Context:
    texts = graph.recall(user_id, project_id)
    sources = (f"{project_id}/conversation",) if texts else ()
    return Context(texts=texts, sources=sources, degraded=True)


def _documents(answer: dict[str, Any]) -> Context | None:
    """The documents in an answer; None when it isn't what was agreed."""
    try:
        texts = tuple(answer["documents"][0])
        sources = tuple(item["source_file"] for item in answer["metadatas"][0])
    except (KeyError, IndexError, TypeError):
        return None
    if not all(isinstance(text, str) for text in (*texts, *sources)):
        return None
    return Context(texts=texts, sources=sources)
