"""A finding: a broken promise with the smallest outage that breaks it, as a scenario file."""

from __future__ import annotations

import re
import shlex
import textwrap
from typing import Any

import yaml
from msgspec.structs import replace

from harness.checks.promises.violation import Violation
from harness.contracts.promises import PROMISES
from harness.engines.requests import wire_request
from harness.explore.outage import Outage
from harness.frozen import Frozen
from harness.history.view import History
from harness.target import Target

_PORT = 5000


class Result(Frozen, kw_only=True):
    """What an exploration hands over for one broken promise."""

    promise: str
    about: str
    says: str
    observed: str
    """What judging the scenario file says."""
    outage: bytes
    """For the database of examples."""
    duration_s: float
    text: str
    """The scenario file."""
    steady: bool | None
    """Whether it fails under every seed tried, or hangs on an interleaving; None where there was no
    time to try again."""

    @property
    def file_name(self) -> str:
        """A name for the file: `no_traffic_while_open_auth.yaml`."""
        words = re.sub(r"[^a-z0-9]+", "_", f"{self.promise} {self.about}".lower())
        return f"{words.strip('_')}.yaml"


class Origin(Frozen, kw_only=True):
    """Where findings come from, for whoever wants to see one again."""

    target_name: str
    """As on the command line."""
    seed: int
    """The exploration's."""
    simulated: bool = True
    """Whether the simulation can play it."""


def stated(
    violation: Violation,
    outage: Outage,
    history: History,
    target: Target,
    origin: Origin,
    *,
    observed: str,
    steady: bool | None,
) -> Result:
    """A broken promise with its scenario file, by the play that broke it."""
    result = Result(
        promise=violation.promise,
        about=violation.about,
        says=violation.says,
        observed=observed,
        outage=outage.to_bytes(),
        duration_s=outage.duration_s,
        text="",
        steady=steady,
    )
    head = _head(violation, result, outage.seed, origin)
    curl = _curl(violation, outage, history, target)
    if curl is not None:
        head += ["#", "# The first offending request, by hand (the gateway at its port):", *curl]
    return replace(result, text="\n".join(head) + "\n" + _body(violation, outage))


def _head(violation: Violation, result: Result, seed: int, origin: Origin) -> list[str]:
    """What was seen and how to see it again, as comments."""
    lines = [
        *_comment(f"Found by exploration: {violation.says}."),
        *_comment(
            "What is promised in every run is broken here, so nothing need be expected: judging it "
            f"fails `{violation.name}`."
        ),
        "#",
        *([f"# in milliseconds: {_replay(result, origin, 'sim', seed)}"] * origin.simulated),
        f"# in real time:    {_replay(result, origin, 'local', seed)}",
        f"# explored with:   outage explore --target {shlex.quote(origin.target_name)} "
        + f"--seed {origin.seed}{'' if origin.simulated else ' --engine local'}",
    ]
    if result.steady is None:
        lines += _comment("It was seen once: there was no time left to play it again.")
    elif not result.steady and not origin.simulated:
        lines += _comment("It was seen once of two times: it hangs on what exactly meets what.")
    elif not result.steady:
        lines += _comment(
            f"It hangs on an interleaving: seed {seed} of the simulation shows it, others may not, "
            "and real time only now and then."
        )
    return lines


def _body(violation: Violation, outage: Outage) -> str:
    """The scenario itself."""
    claims = [claim for claim in violation.claims if claim not in PROMISES]
    raw = outage.as_raw(title=f"Broken: {violation.name}")
    ordered = {"title": raw.pop("title"), "claims": claims, **raw}
    return yaml.dump(ordered, Dumper=Plain, sort_keys=False, allow_unicode=True, width=100)


class Plain(yaml.SafeDumper):
    """Writes no anchors: a person should be able to change one stream without the other."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always: what is written twice is written out twice."""
        return True


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent="# ")


def _replay(result: Result, origin: Origin, engine: str, seed: int) -> str:
    chosen = f" --seed {seed}" if engine == "sim" else ""
    return (
        f"outage run {result.file_name} --target {shlex.quote(origin.target_name)} "
        f"--engine {engine}{chosen}"
    )


def _curl(
    violation: Violation, outage: Outage, history: History, target: Target
) -> list[str] | None:
    """The first offending request as a command."""
    request = next((r for r in history.requests if r.id == violation.request), None)
    if request is None:
        return None
    stream = outage.scenario().traffic[request.stream]
    wire = wire_request(stream, target, request.user, request.number)
    words = ["curl", "-i", "-X", wire.method, f"http://127.0.0.1:{_PORT}{wire.path}"]
    for name, value in wire.headers.items():
        words += ["-H", f"{name}: {value}"]
    if wire.body:
        words += ["-d", wire.body.decode("utf-8", "replace")]
    return [f"#   {shlex.join(words)}"]
