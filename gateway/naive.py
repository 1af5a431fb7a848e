"""The same routes with bare HTTP calls, as people write them first: what resilience buys (T10).

No timeouts, no breaker, no retries, no fallback: while an upstream is down its routes hang or
answer 500. Served by `python -m gateway.naive`. Not an example to follow.
"""

from __future__ import annotations

import os
import sys
import uuid
from typing import Any

import requests
from flask import Flask, Response, abort, jsonify, make_response
from flask import request as current
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from gateway.logs import log_to_stderr
from gateway.serving import serve

AUTH_SERVER_URL = os.environ.get("AUTH_SERVER_URL", "http://127.0.0.1:6001")
FILESYSTEM_SERVER_URL = os.environ.get("FILESYSTEM_SERVER_URL", "http://127.0.0.1:6002")
CHROMA_SERVER_URL = os.environ.get("CHROMA_SERVER_URL", "http://127.0.0.1:6003")
BILLING_SERVER_URL = os.environ.get("BILLING_SERVER_URL", "http://127.0.0.1:6004")
GIT_SERVER_URL = os.environ.get("GIT_SERVER_URL", "http://127.0.0.1:6005")
EXTERNAL_DATA_SERVER_URL = os.environ.get("EXTERNAL_DATA_SERVER_URL", "http://127.0.0.1:6006")
INTERNAL_TOKEN = os.environ.get("INTERNAL_SERVICE_TOKEN", "internal-token")

app = Flask(__name__, static_folder=None)
limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")


def the_user() -> dict[str, Any]:
    """Who asks; aborts with 401 for nobody."""
    header = current.headers.get("Authorization", "")
    token = header.removeprefix("Bearer ") if header else current.cookies.get("auth_token")
    if not token:
        abort(401)
    answer = requests.post(f"{AUTH_SERVER_URL}/verify_token", json={"token": token})
    answer.raise_for_status()
    user: dict[str, Any] = answer.json()
    if not user["valid"]:
        abort(401)
    return user


@app.post("/v1/api/auth/login")
@limiter.limit("5/minute")
def login() -> Response:
    """Sign in."""
    answer = requests.post(f"{AUTH_SERVER_URL}/login", json=current.get_json())
    if answer.status_code == 401:
        abort(401)
    answer.raise_for_status()
    response = jsonify({"user": answer.json()["user"]})
    response.set_cookie(
        "auth_token", answer.json()["token"], httponly=True, secure=True, samesite="Lax"
    )
    return response


@app.get("/v1/api/auth/check")
def check() -> Response:
    """Who am I."""
    user = the_user()
    return jsonify({"authenticated": True, "user_id": user["user_id"], "role": user["role"]})


@app.post("/v1/api/auth/logout")
def logout() -> Response:
    """Sign out."""
    response = jsonify({"status": "signed out"})
    response.delete_cookie("auth_token")
    return response


@app.post("/v1/api/chat")
def chat() -> Response:
    """Look up the balance, look up context, charge, answer."""
    user = the_user()
    given = current.get_json()
    user_id = user["user_id"]
    balance = requests.get(f"{BILLING_SERVER_URL}/balance/{user_id}")
    balance.raise_for_status()
    if int(balance.json()["balance"] * 10000) <= 0:
        abort(402)
    query = {
        "collection_name": given["project_id"],
        "query_texts": [given["message"]],
        "n_results": 5,
    }
    found = requests.post(f"{CHROMA_SERVER_URL}/query", json=query)
    found.raise_for_status()
    sources = [item["source_file"] for item in found.json()["metadatas"][0]]
    charge = {
        "user_id": user_id,
        "job_id": str(uuid.uuid4()),
        "cost": 0.01,
        "description": "chat",
    }
    requests.post(f"{BILLING_SERVER_URL}/deduct", json=charge).raise_for_status()
    said = f"You said: {given['message']}"
    return jsonify({"response": said, "degraded": False, "charged": True, "sources": sources})


@app.get("/v1/api/project/<project_id>")
def project(project_id: str) -> Response:
    """A project, to its owner."""
    user = the_user()
    answer = requests.get(
        f"{AUTH_SERVER_URL}/internal/projects/{project_id}/owner",
        headers={"X-INTERNAL-TOKEN": INTERNAL_TOKEN},
    )
    if answer.status_code == 404:
        abort(404)
    answer.raise_for_status()
    if answer.json()["owner_id"] != user["user_id"]:
        abort(403)
    return jsonify({"project_id": project_id, "owner_id": user["user_id"]})


@app.get("/v1/api/project/<project_id>/file/<name>")
def read_file(project_id: str, name: str) -> Response:
    """A file."""
    the_user()
    return _passed_on(requests.get(f"{FILESYSTEM_SERVER_URL}/file/{project_id}/{name}"))


@app.put("/v1/api/project/<project_id>/file/<name>")
def save_file(project_id: str, name: str) -> Response:
    """Save a file."""
    the_user()
    saved = {"project_id": project_id, "name": name, "content": current.get_json()["content"]}
    return _passed_on(requests.post(f"{FILESYSTEM_SERVER_URL}/save_file", json=saved))


@app.post("/v1/api/project/<project_id>/snapshot")
def snapshot(project_id: str) -> Response:
    """Take a snapshot."""
    the_user()
    return _passed_on(requests.post(f"{GIT_SERVER_URL}/snapshot/{project_id}"))


@app.get("/v1/api/project/<project_id>/history")
def history(project_id: str) -> Response:
    """A project's snapshots."""
    the_user()
    return _passed_on(requests.get(f"{GIT_SERVER_URL}/history/{project_id}"))


@app.get("/v1/api/lookup")
def lookup() -> Response:
    """Look something up."""
    the_user()
    query = {"q": current.args.get("q", "")}
    return _passed_on(requests.get(f"{EXTERNAL_DATA_SERVER_URL}/lookup", params=query))


@app.get("/health")
def health() -> Response:
    """Alive."""
    return jsonify({"status": "ok"})


def _passed_on(answer: requests.Response) -> Response:
    answer.raise_for_status()
    return make_response(answer.json())


if __name__ == "__main__":
    log_to_stderr()
    sys.exit(serve(lambda: app))
