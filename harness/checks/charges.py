"""Expectations on charges: what the ledger shows, beside what the requests were told.

Duplicates are the charges that no request can own (`ledger.py`). A charge whose answer was lost, so
that its request says that there was none, is unacknowledged and no duplicate. A request still in
flight at the edge of a window or at the end of the run may have been charged or not.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.case import Case
from harness.checks.ledger import Balance, balance, charging
from harness.checks.selection import WHOLE, requests_in, span_of
from harness.checks.slipping import slipped
from harness.checks.visibility import visibility
from harness.checks.wording import counted, with_instants
from harness.history.events import Charged
from harness.scenario.expectations.charges import ExpectCharges
from harness.units import Range, plural
from harness.verdict import Finding, Verdict
from harness.wire.learned import in_life


def totals(case: Case) -> Balance:
    """The balance of the whole play, for the report."""
    history = case.history
    names = charging(case)
    asked = [request for request in history.requests if request.stream in names]
    return balance(case, history.charges, [r for r in asked if not case.hung(r)], WHOLE)


def check(expectation: ExpectCharges, case: Case) -> tuple[Finding, ...]:
    """A finding for the charges, and one for duplicates if their number is expected."""
    return tuple(_Check(expectation, case).findings())


class _Check:
    """One expectation with what the ledger and the client show."""

    def __init__(self, expectation: ExpectCharges, case: Case) -> None:
        history = case.history
        self.expectation = expectation
        self.span = span_of(expectation, case)
        (self.upstream, *_) = case.contract.ledgers  # without any it is out of scope
        self.visibility = visibility(
            self.span, case.witness.sights[self.upstream].silent, history.end_s
        )
        self.streams = charging(case)
        self.works = any(charge.at_s < 0 for charge in history.all(Charged))
        self.charges = [charge for charge in history.charges if charge.at_s in self.span]
        self.refused = sum(
            c.duplicate and c.at_s >= 0 and c.at_s in self.span for c in history.all(Charged)
        )
        everyone = [r for r in history.requests if r.stream in self.streams]
        self.balance = balance(
            case, self.charges, [r for r in everyone if not case.hung(r)], self.span
        )
        asked = [r for r in requests_in(case, self.span) if r.stream in self.streams]
        self.sent = len(asked)
        instants_s = [charge.at_s for charge in history.charges]
        in_order_s = sorted(instants_s)
        own = ((r, in_order_s[in_life(in_order_s, r)]) for r in asked)
        self.slipped = slipped(case, self.span, self.upstream, instants_s, own, most=1)
        self.sent_visibly = sum(request.at_s in self.visibility for request in asked)

    def findings(self) -> Iterator[Finding]:
        wanted = self.expectation.charges
        yield self._number(wanted) if isinstance(wanted, Range) else self._once()
        if self.expectation.duplicates is not None:
            yield self._duplicates(self.expectation.duplicates)

    def _number(self, wanted: Range) -> Finding:
        count, why = len(self.charges), None
        if count - self.slipped.in_ > wanted.high:
            verdict = Verdict.FAILED
        elif count >= wanted.low and count > 0:
            verdict = Verdict.PASSED
        else:
            why = self._blind()
            too_few = count + self.slipped.out < wanted.low
            verdict = Verdict.FAILED if too_few else Verdict.PASSED
        unseen = (
            f"; nothing could reach {self.upstream} in {self.visibility.unseen}"
            if self.visibility.hidden
            else ""
        )
        return self._finding(
            f"{self.upstream} shows {counted(wanted, 'charge')} {self.span.words}",
            Verdict.INCONCLUSIVE if why else verdict,
            counted(wanted, "charge"),
            with_instants(plural(len(self.charges), "charge"), [c.at_s for c in self.charges]),
            why or self._evidence() + unseen,
        )

    def _blind(self) -> str | None:
        """Why no charge proves nothing; None where it proves something."""
        if not self.span.windows:
            return self.span.nothing
        if not self.works:
            return "the warm-up showed no charge, so that none is seen proves nothing"
        if not self.sent:
            return self._nobody()
        if not self.sent_visibly:
            return f"nobody's charge could reach {self.upstream} in {self.visibility.unseen}"
        return None

    def _nobody(self) -> str:
        """Why no request that is charged was sent, or can have been."""
        sent = "no request that is charged was sent meanwhile"
        return sent if self.span.windows else self.span.nothing

    def _once(self) -> Finding:
        found, why = self.balance, None
        missing = found.missing > self.slipped.out
        verdict = Verdict.FAILED if found.duplicates or missing else Verdict.PASSED
        if not self.works and not found.charges:
            why = "the warm-up showed no charge either: the ledger is out of sight"
        elif not found.charges and not found.owned:
            why = self.span.nothing if not self.span.windows else "there is nothing to compare"
        owners = "answered as charged" if found.said else "answered 200"
        observed = (
            f"{plural(found.charges, 'charge')} for {plural(found.owned, 'request')} {owners}"
        )
        if found.open:
            observed += f" and {found.open} on the edge"
        if found.unacknowledged:
            observed += f", and {_unacknowledged(found)}"
        if found.duplicates:
            observed += f": {found.duplicates} too many"
        if found.missing:
            observed += f": {found.missing} too few"
        return self._finding(
            f"{self.upstream} charges once per charged answer {self.span.words}",
            Verdict.INCONCLUSIVE if why else verdict,
            "one charge for each request answered as charged",
            observed,
            why,
            timeless=bool(found.duplicates),
        )

    def _duplicates(self, wanted: int) -> Finding:
        found, why = self.balance, None
        if not found.charges and not self.works:
            why = "the warm-up showed no charge: the ledger is out of sight"
        elif not self.sent:
            why = self._nobody()
        right = found.duplicates == wanted
        duplicates = counted(Range(wanted, wanted), "duplicate")
        return self._finding(
            f"{self.upstream} shows {duplicates} {self.span.words}",
            Verdict.INCONCLUSIVE if why else Verdict.PASSED if right else Verdict.FAILED,
            duplicates,
            f"{plural(found.duplicates, 'duplicate')}: {plural(found.charges, 'charge')} for "
            f"{plural(found.owned, 'request')} answered 200"
            + (" as charged" if found.said else "")
            + (f", {_unacknowledged(found)}" if found.unacknowledged else ""),
            why,
            timeless=found.duplicates > wanted,
        )

    def _finding(
        self,
        name: str,
        verdict: Verdict,
        expected: str,
        observed: str,
        why: str | None,
        *,
        timeless: bool = False,
    ) -> Finding:
        return Finding(
            name=name,
            verdict=verdict,
            expected=expected,
            observed=observed,
            evidence=why or self._evidence(),
            timeless=timeless,
        )

    def _evidence(self) -> str:
        parts = [f"{self.upstream}'s ledger; {plural(self.sent, 'request')} sent meanwhile"]
        if self.refused:
            parts.append(f"{plural(self.refused, 'repeated charge')} refused by their key")
        if not self.balance.said:
            parts.append("the target doesn't say which requests it charged")
        if self.span.inferred:
            parts.append(self.span.inferred)
        return "; ".join(parts)


def _unacknowledged(found: Balance) -> str:
    return f"{found.unacknowledged} whose answer was lost"
