"""Contract files, loaded: typed and validated, or refused with every problem and its line."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

from harness.contracts.bundled import BUNDLED_FILE
from harness.contracts.model import Contract
from harness.contracts.promises import PROMISES
from harness.contracts.routes import ContractRoute, Step
from harness.scenario.fields import Claim
from harness.scenario.located import Path as Spot
from harness.scenario.names import Misfits
from harness.scenario.reading import Mistaken, read_file, read_model
from harness.scenario.route_spelling import METHODS
from harness.scenario.spelling import did_you_mean, not_known

_STAND_INS = {"name": "'-'"}
_SCENARIO = Mistaken(
    keys=frozenset({"faults", "expect", "duration"}),
    message="is a scenario, not a contract",
)
_PATH = re.compile(r"/\S*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CONDITION = re.compile(r"(\w+) (<=|>=|<|>|==) (-?\d+(?:\.\d+)?)")
"""What `stops` is told: `balance <= 0`."""


@cache
def document() -> Contract:
    """The bundled contract."""
    return load_contract(BUNDLED_FILE).model_copy(update={"told": ""})


@lru_cache(maxsize=64)
def contract_told(text: str) -> Contract:
    """The contract of a history, which keeps its text.

    Raises: InvalidFile.
    """
    return parse_contract(text, "the contract in its history") if text else document()


def load_contract(path: Path) -> Contract:
    """The contract of a file.

    Raises: UsageError when it can't be read, InvalidFile with all of its problems.
    """
    return parse_contract(read_file(path), str(path))


def parse_contract(data: bytes | str, file: str) -> Contract:
    """The contract of a text, as if it stood in `file`.

    Raises: InvalidFile with all of its problems.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    contract, _ = read_model(
        data,
        file,
        Contract,
        what="a contract",
        stand_ins=_STAND_INS,
        check=lambda contract, dropped: _check(contract, whole=dropped is None),
        mistaken=_SCENARIO,
    )
    told = data.decode("utf-8", "surrogatepass")
    known: dict[str, object] = {"file": file, "told": told}
    if "promises" not in contract.model_fields_set:
        known["promises"] = document().promises
    return contract.model_copy(update=known)


def _check(contract: Contract, *, whole: bool) -> Misfits:
    """`whole`: nothing was left out, so that what is missing is missing."""
    yield from _variables(contract)
    yield from _profiles(contract)
    for name, route in contract.routes.items():
        spot = ("routes", name)
        for index, step in enumerate(route.calls):
            yield from _step(contract, step, (*spot, "calls", index))
        if whole:
            yield from _order(route, spot)
        yield from _claims(contract, route.claims, (*spot, "claims"))
        yield from _claims(contract, route.own_claims, (*spot, "own_claims"))
    yield from _traffic(contract)
    for name, claims in contract.promises.items():
        if name not in PROMISES:
            yield ("promises", name), not_known("promise", name, PROMISES)
        yield from _claims(contract, claims, ("promises", name))
    for claim, text in contract.claims.items():
        if text.says is None and text.route is None and text.outage is None:
            yield ("claims", claim), "expected `says`, or the cells of a row: `route` or `outage`"


def _variables(contract: Contract) -> Misfits:
    taken: dict[str, str] = {}
    for name, own in contract.upstreams.items():
        spot = ("upstreams", name, "variable")
        if own.variable is None:
            continue
        if not _VARIABLE.fullmatch(own.variable):
            yield spot, f"'{own.variable}' can't name an environment variable"
        elif own.variable in taken:
            yield spot, f"{own.variable} is {taken[own.variable]}'s already"
        taken.setdefault(own.variable, name)


def _profiles(contract: Contract) -> Misfits:
    for name, said in contract.profiles.items():
        for upstream in said:
            if upstream != "*" and upstream not in contract.upstreams:
                known = ("*", *contract.upstreams)
                yield ("profiles", name, upstream), not_known("upstream", upstream, known)


def _step(contract: Contract, step: Step, spot: Spot) -> Misfits:
    method, _, path = step.route.partition(" ")
    if step.upstream not in contract.upstreams:
        yield (*spot, "call"), not_known("upstream", step.upstream, contract.upstreams)
    if method not in METHODS or not _PATH.fullmatch(path):
        hint = did_you_mean(method, METHODS) if method not in METHODS else ""
        yield (
            (*spot, "call"),
            f"expected a method and a path after the upstream, not {method}{hint}",
        )
    for status, text in step.stops.items():
        if CONDITION.fullmatch(text) is None:
            yield (
                (*spot, "stops", str(status)),
                "expected a field, <=, >=, <, > or ==, and a number, such as balance <= 0",
            )
    yield from _claims(contract, step.claims, (*spot, "claims"))


def _order(route: ContractRoute, spot: Spot) -> Misfits:
    """Whether what must come before a call does."""
    for index, step in enumerate(route.calls):
        before = [earlier.call for earlier in route.calls[:index]]
        if step.after is not None and step.after not in before:
            hint = did_you_mean(step.after, before) or "; write the call just as it stands there"
            where = (*spot, "calls", index, "after")
            yield where, f"'{step.after}' is no earlier call of this route{hint}"


def _claims(contract: Contract, claims: tuple[Claim, ...], spot: Spot) -> Misfits:
    for index, claim in enumerate(claims):
        if claim not in contract.claims:
            hint = did_you_mean(claim, contract.claims) or "; its text stands under `claims`"
            yield (*spot, index), f"claim '{claim}' is not known{hint}"


def _traffic(contract: Contract) -> Misfits:
    for name, sample in contract.traffic.items():
        if sample.as_ is not None and sample.as_ not in contract.users:
            yield ("traffic", name, "as"), not_known("user", sample.as_, contract.users)
