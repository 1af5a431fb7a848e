"""The chat: `POST /v1/api/chat` (G4, G5, G7). Its language model is a local echo."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from gateway.answers import is_name, posted, refused, said
from gateway.context import Context, GraphStore, context_of
from gateway.identity import Identity, needs_user
from gateway.money import CHAT_COST, balance_of, charge, credits
from gateway.services import Services


def blueprint(services: Services, graph: GraphStore) -> Blueprint:
    """Chat."""
    routes = Blueprint("chat", __name__)

    @routes.post("/v1/api/chat")
    @needs_user(services)
    def chat(identity: Identity) -> Response:
        given = posted() or {}
        message, project_id = given.get("message"), given.get("project_id")
        if not isinstance(message, str) or not isinstance(project_id, str):
            return refused(400, "expected a JSON object with message and project_id")
        if not is_name(project_id):
            return refused(400, "project_id is not the name of a project")
        return reply(services, graph, identity.user_id, project_id, message)

    return routes


def reply(
    services: Services, graph: GraphStore, user_id: str, project_id: str, message: str
) -> Response:
    """Answer a chat; the charge comes last, when nothing but a 200 can follow."""
    balance = balance_of(services, user_id)
    if balance is not None and balance < credits(CHAT_COST):
        return refused(402, "the balance is used up")
    context = context_of(services, graph, user_id, project_id, message)
    response = echo(message, context)
    graph.remember(user_id, project_id, message)
    charged = balance is not None and charge(services, user_id, str(uuid.uuid4()))
    return said(
        {
            "response": response,
            "degraded": context.degraded,
            "charged": charged,
            "sources": list(context.sources),
        }
    )


def echo(message: str, context: Context) -> str:
    """What the language model would say."""
    return f"You said: {message} ({len(context.texts)} pieces of context)"
