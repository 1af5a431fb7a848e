"""The reference of contract files, generated: `python -m harness.contracts.reference`.

Writes the tables of docs/contracts.md between its marks.
"""

from __future__ import annotations

from pathlib import Path

from harness.contracts import document
from harness.contracts.breakers import BreakerRule, Rate, Together
from harness.contracts.model import ClaimText, Contract
from harness.contracts.people import Sample, User
from harness.contracts.policies import Adjustment, Grown, Upstream
from harness.contracts.promises import PROMISES
from harness.contracts.routes import ContractRoute, Denial, Limit, Step
from harness.contracts.waits import Growth
from harness.scenario.reference import table

BEGIN = "<!-- generated: python -m harness.contracts.reference -->"
END = "<!-- end of generated -->"
_TABLES = {
    "The file": Contract,
    "An upstream, under `upstreams` (and `others`, without `variable`)": Upstream,
    "A breaker, under `breaker`": BreakerRule,
    "A wait that grows, or ends as a clock ticks, under `wait`": Growth,
    "Trials that are judged together, under `trials`": Together,
    "A backoff that grows, under `backoff`": Grown,
    "What a reading changes of an upstream, under `profiles`": Adjustment,
    "A share of failures, under `rate` there": Rate,
    "A route, under `routes`": ContractRoute,
    "A call of a route, under `calls`": Step,
    "What is answered to whom a call doesn't vouch for, under `denies`": Denial,
    "How many requests a client may send, under `limit`": Limit,
    "A request that exploration sends, under `traffic`": Sample,
    "A user, under `users`": User,
    "A claim, under `claims`": ClaimText,
}


def with_tables(page: str) -> str:
    """A page with its generated part renewed."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = [*(table(title, model) for title, model in _TABLES.items()), _promises()]
    told = "\n".join(tables)
    return f"{before}{BEGIN}\n\n{told}\n{END}{after}"


def _promises() -> str:
    """The names that `promises` knows."""
    lines = [
        "### The promises of every run, under `promises`",
        "",
        "| promise | claims of the bundled contract |",
        "|---|---|",
        *(f"| `{name}` | {', '.join(document().claims_of(name))} |" for name in PROMISES),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Renew the page in the repository's `docs` folder."""
    page = Path(__file__).resolve().parents[2] / "docs" / "contracts.md"
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
