"""The auth service: logins, tokens, and who owns a project (contract.md, section 5)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from stub_services.bounds import BadRequest
from stub_services.messages import Reply, Request, refusal, text_field
from stub_services.people import Person
from stub_services.routes import Handler, Visit
from stub_services.service import Service


class Auth(Service):
    """Knows users by password and by token; tells an owner only to who shows the internal token."""

    default_port = 6001

    def routes(self) -> Mapping[str, Handler]:
        """Login, token check, owner lookup."""
        return {
            "POST /login": self._login,
            "POST /verify_token": self._verify_token,
            "GET /internal/projects/*/owner": self._owner,
        }

    def who(self, request: Request) -> str | None:
        """By token, or by e-mail address and password."""
        try:
            body = request.json_object()
        except BadRequest:
            return None
        said = {name: str(body.get(name)) for name in ("token", "email", "password")}
        person = self.people.of_token(said["token"])
        person = person or self.people.of_password(said["email"], said["password"])
        return None if person is None else person.user_id

    def _login(self, visit: Visit) -> Reply:
        body = visit.request.json_object()
        email, password = text_field(body, "email"), text_field(body, "password")
        person = self.people.of_password(email, password)
        if person is None or self.behaviours.revoked(person.user_id, visit.at_s):
            return refusal(401, "invalid credentials")
        user = {"user_id": person.user_id, "email": person.email, "role": person.role}
        return Reply(json={"token": person.bearer, "user": user})

    def _verify_token(self, visit: Visit) -> Reply:
        person: Person | None = self.people.of_token(
            text_field(visit.request.json_object(), "token")
        )
        if person is None or self.behaviours.revoked(person.user_id, visit.at_s):
            return Reply(json={"valid": False})
        return Reply(json={"valid": True, "user_id": person.user_id, "role": person.role})

    def _owner(self, visit: Visit) -> Reply:
        shown = visit.request.headers.get("x-internal-token", "")
        if not hmac.compare_digest(shown.encode(), self.internal_token.encode()):
            return refusal(403, "internal token missing or wrong")
        owner = self.people.owner_of(visit.wild[0])
        if owner is None:
            return refusal(404, "no such project")
        return Reply(json={"owner_id": owner.user_id})
