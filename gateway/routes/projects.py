"""Projects and what is in them: `/v1/api/project/<id>...` (G3, G6)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from flask import request as current

from gateway.answers import agreed, is_name, posted, refused, said
from gateway.identity import Identity, needs_user
from gateway.resilience import ServiceUnavailable
from gateway.routes.passing import passed_on
from gateway.services import Services

NO_PROJECT = "no such project"


def blueprint(services: Services) -> Blueprint:
    """Project, file, snapshot, history."""
    routes = Blueprint("projects", __name__, url_prefix="/v1/api/project/<project_id>")
    user = needs_user(services)

    @routes.get("")
    @user
    def project(identity: Identity, project_id: str) -> Response:
        if not is_name(project_id):
            return refused(404, NO_PROJECT)
        return of_owner(services, identity.user_id, project_id)

    @routes.get("/file/<name>")
    @user
    def read_file(identity: Identity, project_id: str, name: str) -> Response:
        del identity
        if not is_name(project_id) or not is_name(name):
            return refused(404, "no such file")
        path = f"/file/{project_id}/{name}"
        return passed_on("File service", lambda: services.filesystem.get(path))

    @routes.put("/file/<name>")
    @user
    def save_file(identity: Identity, project_id: str, name: str) -> Response:
        del identity
        if not is_name(project_id) or not is_name(name):
            return refused(404, "no such file")
        content = content_given()
        if content is None:
            return refused(400, "expected a JSON object with content")
        saved: dict[str, Any] = {"project_id": project_id, "name": name, "content": content}
        return passed_on("File service", lambda: services.filesystem.post("/save_file", json=saved))

    @routes.post("/snapshot")
    @user
    def snapshot(identity: Identity, project_id: str) -> Response:
        del identity
        if not is_name(project_id):
            return refused(404, NO_PROJECT)
        return passed_on("Snapshot service", lambda: services.git.post(f"/snapshot/{project_id}"))

    @routes.get("/history")
    @user
    def history(identity: Identity, project_id: str) -> Response:
        del identity
        if not is_name(project_id):
            return refused(404, NO_PROJECT)
        return passed_on("History service", lambda: services.git.get(f"/history/{project_id}"))

    return routes


def of_owner(services: Services, user_id: str, project_id: str) -> Response:
    """200 for the owner, 404 without a project, and 403 whenever ownership isn't certain (G3)."""
    headers = {"X-INTERNAL-TOKEN": services.internal_token}
    try:
        answer = services.auth.get(f"/internal/projects/{project_id}/owner", headers=headers)
    except ServiceUnavailable:
        return refused(403, "the project's owner can't be looked up")
    if answer.status_code == 404:
        return refused(404, NO_PROJECT)
    owner_id = agreed(answer).get("owner_id")
    # A missing owner must not equal anything.
    if not isinstance(owner_id, str) or owner_id != user_id:
        return refused(403, "this project is somebody else's")
    return said({"project_id": project_id, "owner_id": owner_id})


def content_given() -> str | None:
    """The file's new content: `content` of a JSON object, or a body of any other type as text."""
    if current.mimetype not in ("", "application/json"):
        return current.get_data(as_text=True)
    content = (posted() or {}).get("content")
    return content if isinstance(content, str) else None
