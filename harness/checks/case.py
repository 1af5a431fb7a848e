"""What a check is given: one scenario, the history of one run of it, and what its wire says.

Every check is a function `check(expectation, case) -> tuple[Finding, ...]`, pure: same case, same
findings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TypeVar

from harness.checks.noise import Noise
from harness.contract import Forecast
from harness.contracts import Contract, contract_told, document
from harness.errors import InvalidFile
from harness.history.requests import Request
from harness.history.view import History
from harness.policy.settings import ServiceSettings
from harness.scenario.expectations import ExpectationBase
from harness.scenario.model import Scenario
from harness.triggers import settled
from harness.wire.learned import called_by
from harness.wire.patient import PatientWire
from harness.wire.wire import Wire
from harness.wire.witness import Witness

T = TypeVar("T")
U = TypeVar("U")
HANG_MARGIN_S = 2.0
"""Beyond the sum of the deadlines (G9), before a missing answer is called a hang."""


def unless_broken(ask: Callable[[], T], otherwise: U) -> T | U:
    """What is asked of a case, and something else where that breaks: the expectations and promises
    that need the same say what broke.
    """
    try:
        return ask()
    except Exception:  # whatever broke: it says nothing about the target
        return otherwise


class Case:
    """A scenario and its history; everything else is worked out once, when first asked for."""

    def __init__(self, scenario: Scenario, history: History, *, strict: Case | None = None) -> None:
        """`strict`: the same case without patience, where this one has it."""
        self.scenario = settled(scenario, history)
        self.history = history
        self._strict = strict
        self._settings: dict[str, ServiceSettings] = {}
        self._patient_wires: dict[str, PatientWire] = {}

    @property
    def patient(self) -> bool:
        """Whether what the machine was measured to explain is taken for explained."""
        return self._strict is not None

    @cached_property
    def with_patience(self) -> Case:
        """The same run, judged with all the patience that its measured waits call for."""
        return Case(self.scenario, self.history, strict=self)

    def late_s(self, start_s: float, end_s: float) -> float:
        """By how much what went on in that time may be late, where there is patience for it."""
        return self.noise.late_s(start_s, end_s) if self.patient else 0.0

    def late_at_s(self, at_s: float) -> float:
        """By how much what was seen at an instant may be late."""
        return self.late_s(at_s, at_s)

    def settings(self, upstream: str) -> ServiceSettings:
        """What the target declares for an upstream; the contract's settings where it doesn't.

        An upstream that neither knows has the policy of the contract's `others`.
        """
        known = self._settings.get(upstream)
        if known is None:
            base = self.contract.settings_of(upstream)
            known = base.told(self.history.run.settings.get(upstream, {}))
            self._settings[upstream] = known
        return known

    @cached_property
    def contract(self) -> Contract:
        """What the target promises; nothing where a damaged history keeps no contract."""
        try:
            return contract_told(self.history.run.contract)
        except InvalidFile:
            return Contract(name="a damaged contract", promises=document().promises)

    @cached_property
    def witness(self) -> Witness:
        """What crossed all wires, and for whom."""
        if self._strict is not None:
            return self._strict.witness
        names = dict.fromkeys((*self.history.run.upstreams, *self.contract.upstreams))
        settings = {name: self.settings(name) for name in names}
        faults = enumerate(self.scenario.faults)
        in_stub = frozenset(index for index, fault in faults if fault.where == "stub")
        return Witness(self.history, settings, self.noise, self._template, in_stub)

    @cached_property
    def forecast(self) -> Forecast:
        """What the contract says of the scenario, with the target's own settings."""
        if self._strict is not None:
            return self._strict.forecast
        from harness.contract.prediction import predict

        run = self.history.run
        return predict(
            self.scenario,
            {name: self.settings(name) for name in (*self.contract.upstreams, *run.upstreams)},
            contract=self.contract,
            upstreams=run.upstreams,
            calls={name: called_by(made) for name, made in self.witness.warm_up.calls.items()},
        )

    def _template(self, upstream: str, route: str) -> str:
        """How the contract names the route of a call at an upstream; empty where it doesn't."""
        step = self.contract.step_of(upstream, route)
        return "" if step is None else step.route

    def wire(self, upstream: str) -> Wire:
        """What crossed an upstream's wire, and what its breaker must have done."""
        wire = self.witness.at(upstream)
        if not self.patient:
            return wire
        if upstream not in self._patient_wires:
            self._patient_wires[upstream] = PatientWire(wire)
        return self._patient_wires[upstream]

    @cached_property
    def noise(self) -> Noise:
        """How late the machine made things, as measured."""
        return Noise(self.history) if self._strict is None else self._strict.noise

    def has_any(self, upstreams: Collection[str]) -> bool:
        """Whether the target has one of the upstreams that a fault hits; what hits none of them is
        of the target itself.
        """
        return not upstreams or any(name in self.history.run.upstreams for name in upstreams)

    def claims(self, expectation: ExpectationBase) -> tuple[str, ...]:
        """The claims that an expectation stands for: its own, else the scenario's."""
        return expectation.claims or self.scenario.claims

    @cached_property
    def calls_s(self) -> Mapping[str, float]:
        """By stream, the longest that a sound target may take for its calls to faulted upstreams,
        one after the other (B8), in seconds; the others answer at once.
        """
        longest_s = {name: self.settings(name).longest_call_s for name in self._faulted}
        return {
            stream: sum(longest_s.get(call.upstream, 0.0) for call in calls)
            for stream, calls in self.witness.warm_up.calls.items()
        }

    @cached_property
    def _faulted(self) -> tuple[str, ...]:
        declared = self.history.run.upstreams
        return tuple(name for name in self.scenario.faulted_upstreams if name in declared)

    def deadline_s(self, request: Request) -> float:
        """How long a request may be without an answer, seconds after sending, before it hangs (G9).

        As long as its calls to faulted upstreams may take; where it is known to make none, as one
        call to each of these, or to any where nothing is faulted. A margin for a busy machine is
        included.
        """
        return (self.calls_s.get(request.stream) or self._each_s) + HANG_MARGIN_S

    @cached_property
    def _each_s(self) -> float:
        names = self._faulted or self.history.run.upstreams
        return sum(self.settings(name).longest_call_s for name in names)

    def waited_s(self, request: Request) -> float:
        """How long a request without an answer had waited when the run ended, or its client hung
        up, in seconds.
        """
        return max(0.0, min(request.known_s, self.history.end_s) - request.at_s)

    def hung(self, request: Request) -> bool:
        """Whether a request is without an answer although every deadline has passed (G9)."""
        return request.unanswered and self.waited_s(request) >= self.deadline_s(request)
