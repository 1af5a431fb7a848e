"""What is to be tried: what the options say, and a guess where they say nothing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.errors import UsageError
from harness.frozen import Frozen
from harness.init.application import (
    Application,
    askable,
    composed_note,
    example_of,
    ready_of,
    start_of,
    upstreams_of,
)
from harness.init.go_source import read_go
from harness.init.node_source import read_node
from harness.init.python_source import read_python
from harness.init.trial import any_answer
from harness.measure.writing import flow
from harness.openapi.document import Document
from harness.openapi.requests import named, requests_of
from harness.target import Target
from harness.target.loading import parse_target

_READERS: tuple[Callable[[Path], Application | None], ...] = (read_python, read_go, read_node)


class Options(Frozen, kw_only=True):
    """What a user said; empty where nothing was."""

    start: str = ""
    upstreams: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    openapi: Document | None = None
    answers: tuple[str, ...] = ()
    ready: str = ""


class Plan(Struct, kw_only=True):
    """What is to be tried."""

    folder: Path
    name: str
    application: Application
    upstreams: dict[str, str]
    answers: dict[str, Any]
    """What each upstream answers, as JSON."""
    ready: str
    streams: dict[str, dict[str, Any]]
    notes: list[str]
    """What was guessed, for the user."""

    def target(
        self,
        streams: dict[str, dict[str, Any]] | None = None,
        stubs: dict[str, list[dict[str, Any]]] | None = None,
    ) -> Target:
        """The target to try it with; without `stubs` its upstreams answer whatever is asked."""
        stubs = stubs or {name: any_answer(own) for name, own in self.answers.items()}
        application = self.application
        lines = [
            f"name: {flow(self.name)}",
            f"start: {flow(start_of(application))}",
            f"ready: {flow(self.ready)}",
            "ready_within: 60s",
            f"upstreams: {flow(self.upstreams)}",
            f"stubs: {flow(stubs)}",
        ]
        if streams:
            lines.append(f"routes: {flow(streams)}")
        return parse_target("\n".join(lines) + "\n", str(self.folder / "guessed.yaml"))


def plan_of(folder: Path, options: Options) -> Plan:
    """What the options and the folder's code say.

    Raises: UsageError where neither says enough, with the option that would.
    """
    notes: list[str] = []
    application = _application(folder, options, notes)
    upstreams = _upstreams(application, options, notes)
    answers = _answers(application, options, upstreams, notes)
    ready = options.ready or ready_of(application.routes)
    if not options.ready:
        notes.append(f"ready when {ready} is answered (--ready)")
    streams = named(_requests(application, options, notes))
    name = folder.resolve().name or "gateway"
    return Plan(
        folder=folder, name=name, application=application, upstreams=upstreams, answers=answers,
        ready=ready, streams=streams, notes=notes,
    )  # fmt: skip


def _application(folder: Path, options: Options, notes: list[str]) -> Application:
    found = next(filter(None, (read(folder) for read in _READERS)), None)
    if options.start:
        words = shlex.split(options.start)
        if found is None:
            return Application(kind="given", command=words, read="--start")
        found.command = words
        return found
    if found is None:
        raise UsageError(
            f"{folder}: no Flask, FastAPI, Starlette, Django, Node or Go application was "
            'recognised here; say how it is started: --start "./gateway --port {port}" (PORT is '
            "set, too)"
        )
    notes.append(
        f"a {found.kind} application, by {found.read}; started with "
        f"`{' '.join(found.command)}` (--start)"
    )
    return found


def _upstreams(application: Application, options: Options, notes: list[str]) -> dict[str, str]:
    if options.upstreams:
        found = {}
        for said in options.upstreams:
            variable, equals, name = said.partition("=")
            if not equals or not variable or not name:
                raise UsageError(
                    f"--upstream {said}: expected VARIABLE=NAME, such as PAYMENTS_URL=payments"
                )
            found[variable] = name
        return found
    found, said_of_others = upstreams_of(application.variables)
    composed = composed_note(application.composed)
    notes += [*said_of_others, *composed]
    if not found:
        read = ", ".join((*dict.fromkeys(application.variables), *composed)) or "none"
        raise UsageError(
            f"no environment variable that holds an upstream's address was found in its code (it "
            f"reads {read}); say {example_of(application.variables)}"
        )
    told = ", ".join(f"{name} in {variable}" for variable, name in found.items())
    notes.append(f"upstreams: {told} (--upstream)")
    return found


def _answers(
    application: Application, options: Options, upstreams: dict[str, str], notes: list[str]
) -> dict[str, Any]:
    answers: dict[str, Any] = {name: dict(application.fields) for name in upstreams.values()}
    for said in options.answers:
        name, _, text = said.partition(" ")
        if name not in answers:
            raise UsageError(f"--answer {said}: expected one of {', '.join(answers)} and JSON")
        try:
            value = json.loads(text)
        except ValueError as error:
            raise UsageError(f"--answer {said}: no JSON after '{name}' ({error})") from None
        answers[name] = value
    guessed = [
        name for name in answers if not any(a.startswith(f"{name} ") for a in options.answers)
    ]
    if guessed:
        told = json.dumps(application.fields)
        notes.append(f"{', '.join(guessed)} answer {told}, by the fields that it reads (--answer)")
    return answers


def _requests(application: Application, options: Options, notes: list[str]) -> list[dict[str, Any]]:
    if options.routes:
        return [_route(said) for said in options.routes]
    if options.openapi is not None:
        found, left_out = requests_of(options.openapi)
        notes += [f"left out: {why}" for why in left_out]
        return [one for one in found if one["request"].partition(" ")[2] not in ("/health",)]
    return askable(application.routes, application.body)


def _route(said: str) -> dict[str, Any]:
    """`GET /price`, or `POST /orders {"item": 3}`."""
    words = said.split(None, 2)
    if len(words) < 2 or not words[0].isupper() or not words[1].startswith("/"):
        raise UsageError(f"--route {said}: expected a method and a path, such as GET /price")
    asked: dict[str, Any] = {"request": f"{words[0]} {words[1]}"}
    if len(words) == 3:
        try:
            asked["json"] = json.loads(words[2])
        except ValueError as error:
            raise UsageError(f"--route {said}: no JSON after the path ({error})") from None
    return asked
