"""What is configured against what was found: a figure outside its own bounds is wrong, null is not
(where its reason is said).
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KINDS = ("refused", "timeout", "cut", "500", "503", "404", "429")


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """Settings of the gateway made by hand."""
    attempts = draw(st.integers(1, 3))
    backoffs = st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0, 2.0])
    rule = draw(st.sampled_from(["in a row", "in a row", "none", "calls", "seconds"]))
    words = st.sampled_from(["success", "neutral", "failure"])
    policy: dict[str, Any] = {
        "attempts": attempts,
        "timeout": draw(st.integers(50, 1000)) / 100,
        "backoff": draw(
            st.lists(backoffs, min_size=max(1, attempts - 1), max_size=max(1, attempts - 1))
        ),
        "jitter": draw(st.sampled_from([0.0, 0.2, 1.0])),
        "wait": draw(st.integers(50, 1200)) / 10,
        "by": draw(st.sampled_from(["attempt", "call"])),
        "rule": rule,
        "trials": draw(st.sampled_from([1, 1, 2, 5])),
        "counts": {"404": draw(words), "429": draw(words), "500": draw(words)},
    }
    if rule == "in a row":
        policy["threshold"] = draw(st.integers(2, 10))
    if rule in ("calls", "seconds"):
        policy["share"] = draw(st.sampled_from([0.25, 0.3, 0.5, 0.6, 0.75, 0.9]))
        policy["window"] = draw(st.sampled_from([10, 20, 50] if rule == "calls" else [10, 30, 60]))
        policy["least"] = draw(st.sampled_from([2, 5, 10]))
    return policy


def usual(policy: dict[str, Any], kind: str) -> str:
    """What the gateway made by hand takes a kind for."""
    told: str = policy.get("counts", {}).get(
        kind, "success" if kind in ("404", "429") else "failure"
    )
    return told


def wrong(policy: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What was found of an upstream and isn't what is configured."""
    breaker, errors = found["breaker"], found["errors"]
    rates = policy["rule"] in ("calls", "seconds")
    rule = "rate" if rates else policy["rule"].removesuffix(" lately")
    exact = {
        "attempts": (found["attempts"], policy["attempts"]),
        "rule": (breaker["rule"], rule),
        "threshold": (breaker["threshold"], policy.get("threshold")),
    }
    near = {
        "timeout_s": (found["timeout_s"], policy["timeout"]),
        "connect_timeout_s": (found["connect_timeout_s"], policy["timeout"]),
    }
    if policy["attempts"] > 1 and rule != "none":
        exact["by"] = (found["by"], policy["by"])
    if rule != "none":
        near["wait_s"] = (breaker["wait_s"], policy["wait"])
        exact["trials"] = (breaker["trials"], policy.get("trials", 1))
        exact |= {k: (found["counts"][k], usual(policy, k)) for k in KINDS}
    if rates:
        near["share"] = (breaker["share"], policy["share"])
        near["least"] = (breaker["least"], policy["least"])
        window = "window_calls" if policy["rule"] == "calls" else "window_s"
        near[window] = (breaker[window], policy["window"])
    elif "window" in policy or "calls" in policy:
        near["window_s"] = (breaker["window_s"], policy.get("window", -1.0))
        near["window_calls"] = (breaker["window_calls"], policy.get("calls", -1))
    near["slow_s"] = (found["slow_s"], policy.get("slow", -1.0))
    near["slow_share"] = (breaker["slow_share"], policy.get("slow_share", -1.0))
    said = [
        f"{name}: found {got}, configured {want}"
        for name, (got, want) in exact.items()
        if got is not None and got != want
    ]
    said += [
        f"{name}: found {got} ± {errors.get(name, 0)}, configured {want}"
        for name, (got, want) in near.items()
        if got is not None and abs(got - want) > errors.get(name, 0) + 1e-9
    ]
    return said + _backoffs(policy, found)


def _backoffs(policy: dict[str, Any], found: dict[str, Any]) -> list[str]:
    got = found["backoff_s"]
    if got is None:
        return []
    if len(got) != policy["attempts"] - 1:
        return [f"backoff_s: found {got}, attempts {policy['attempts']}"]
    said = []
    bounds = zip(got, policy.get("backoff", ()), found["errors"].get("backoff_s", ()), strict=False)
    for middle, low, error in bounds:
        high = low + policy.get("jitter", 0.0)
        if middle - error > low + 1e-9 or middle + error < high - 1e-9:
            said.append(f"backoff_s: found {middle} ± {error}, configured {low} to {high}")
    return said


def unexplained(document: dict[str, Any]) -> list[str]:
    """What is null without a reason."""
    reasons = document["unknown"]
    own = document["upstreams"]["rates"]
    rule = own["breaker"]["rule"]
    needed = {key: own[key] for key in ("attempts", "timeout_s", "connect_timeout_s", "backoff_s")}
    needed |= {"by": own["by"], "breaker.rule": rule}
    needed |= {f"counts.{kind}": own["counts"][kind] for kind in KINDS}
    if rule == "in a row":
        needed["breaker.threshold"] = own["breaker"]["threshold"]
    if rule not in ("none", None):
        needed |= {f"breaker.{key}": own["breaker"][key] for key in ("wait_s", "trials")}
    return [
        key
        for key, value in needed.items()
        if value is None and f"upstreams.rates.{key}" not in reasons
    ]
