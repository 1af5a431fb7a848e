"""Nights made by hand."""

from __future__ import annotations

from typing import Any

from harness.compare.night import Night


def expectation(name: str = "chat is answered 401", verdict: str = "passed", **more: Any) -> dict:
    return {"name": name, "verdict": verdict, "line": 12, "file": "s.yaml"} | more


def scenario(*expectations: dict, name: str = "auth_down", **more: Any) -> dict:
    found = list(expectations or [expectation()])
    order = ["failed", "inconclusive", "passed", "out_of_scope"]
    red = [e["verdict"] for e in found if not e.get("known")] or ["passed"]
    worst = min(red, key=order.index)
    return {
        "name": name,
        "file": "s.yaml",
        "verdict": worst,
        "expectations": found,
        "promises": [expectation("a promise", line=0)],
    } | more


def night(*scenarios: dict, **more: Any) -> Night:
    return Night.model_validate(
        {"schema": 1, "engine": "local", "scenarios": list(scenarios or [scenario()])} | more
    )
