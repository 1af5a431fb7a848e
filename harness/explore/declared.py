"""Promises that a target can be held to: those about policies only where these are declared."""

from __future__ import annotations

from harness.contracts.promises import OF_POLICIES
from harness.target import Target


def with_declared_only(target: Target) -> tuple[Target, tuple[str, ...]]:
    """The target without promises that nobody made for it, and the upstreams that say nothing.

    An upstream that neither the contract nor `breakers:` knows has the policy that the contract
    gives others: a guess that nobody may be accused by.
    """
    known = {*target.contract.upstreams, *target.breakers}
    undeclared = tuple(name for name in target.upstream_names if name not in known)
    if not undeclared:
        return target, ()
    without = tuple(dict.fromkeys((*target.without, *target.contract.claims_of(*OF_POLICIES))))
    return target.model_copy(update={"without": without}), undeclared
