"""The users whom auth and billing know: one directory that all services of a process share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from stub_services.bounds import MOST_USERS, BadRequest, at_most, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One user; `balance` in dollars before any charge, `owns` project ids."""

    user_id: str
    bearer: str
    email: str
    password: str | None
    role: str = "user"
    owns: tuple[str, ...] = ()
    balance: Decimal = Decimal(1000)
    revoked: bool = False


DEFAULT_USERS: dict[str, dict[str, Any]] = {
    "ada": {"password": "correct-horse", "owns": ["p1"]},
    "bob": {"password": "battery-staple", "owns": ["p2"]},
}


class People:
    """All users, by id, and by what they show."""

    def __init__(self, users: Mapping[str, Any] = DEFAULT_USERS) -> None:
        self._by_id: dict[str, Person] = {}
        self.replace(users)

    def __iter__(self) -> Iterator[Person]:
        return iter(self._by_id.values())

    def get(self, user_id: str) -> Person | None:
        """The user of that id, or None."""
        return self._by_id.get(user_id)

    def replace(self, users: Any) -> None:
        """Take over a JSON object of users by id; whom it leaves out is unknown from now on.

        Fields: bearer ("token-ID" if absent), email, password, role, owns, balance, revoked.
        Raises: BadRequest; then nothing has changed.
        """
        if not isinstance(users, Mapping):
            raise BadRequest("users: expected an object of users by id")
        at_most(MOST_USERS, "users", users)
        self._by_id = {user_id: _person(user_id, value) for user_id, value in users.items()}

    def of_token(self, token: str) -> Person | None:
        """Whose token it is; a revoked one is nobody's."""
        found = (p for p in self if p.bearer == token and not p.revoked)
        return next(found, None)

    def of_password(self, email: str, password: str) -> Person | None:
        """Who logs in so; a user without a password can't, nor can a revoked one."""
        found = (
            p
            for p in self
            if p.email == email and p.password is not None and p.password == password
        )
        person = next(found, None)
        return None if person is None or person.revoked else person

    def owner_of(self, project_id: str) -> Person | None:
        """Who owns a project, or None where there is no such project."""
        return next((person for person in self if project_id in person.owns), None)


def _person(user_id: str, value: Any) -> Person:
    if not isinstance(value, Mapping):
        raise BadRequest(f"user {user_id}: expected an object")
    given = {name: item for name, item in value.items() if item is not None}
    unknown = set(given) - {"bearer", "email", "password", "role", "owns", "balance", "revoked"}
    if unknown:
        raise BadRequest(f"user {user_id}: {', '.join(sorted(unknown))} not known")
    try:
        balance = Decimal(str(given.get("balance", 1000)))
        if not balance.is_finite():
            raise InvalidOperation
    except InvalidOperation as error:
        raise BadRequest(f"user {user_id}: balance is not a number") from error
    owns = given.get("owns", ())
    if not isinstance(owns, list | tuple):
        raise BadRequest(f"user {user_id}: owns is a list of projects")
    at_most(MOST_USERS, f"projects of user {user_id}", owns)
    password = given.get("password")
    return Person(
        user_id=user_id,
        bearer=text_of(given.get("bearer", f"token-{user_id}"), "bearer"),
        email=text_of(given.get("email", f"{user_id}@example.com"), "email"),
        password=None if password is None else text_of(password, "password"),
        role=text_of(given.get("role", "user"), "role"),
        owns=tuple(text_of(project, "project") for project in owns),
        balance=balance,
        revoked=bool(given.get("revoked", False)),
    )
