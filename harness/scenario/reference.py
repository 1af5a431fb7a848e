"""The reference of scenario files, generated: `python -m harness.scenario.reference`.

Writes docs/scenarios.md's tables between its marks, and the whole of docs/faults.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from harness.scenario.clients import Retry
from harness.scenario.expectations import FORMS
from harness.scenario.faults import KINDS, FaultBase, Kind
from harness.scenario.model import Scenario
from harness.scenario.schema import file_schema
from harness.scenario.traffic import Stream

BEGIN = "<!-- generated: python -m harness.scenario.reference -->"
END = "<!-- end of generated -->"
ENGINES = ("local", "compose", "sim")
_COMMON = tuple(field.alias or name for name, field in FaultBase.model_fields.items())


def key_tables() -> str:
    """Every key of a scenario file, in one table for each place where keys stand."""
    parts = [table("The file", Scenario), table("A stream, under `traffic`", Stream)]
    parts.append(table("Clients that try again, under `retry` of a stream", Retry))
    parts.append(table("A fault, under `faults`", FaultBase))
    parts += [table(f"An expectation with the key `{key}`", form) for key, form in FORMS.items()]
    return "\n".join(parts)


def fault_page() -> str:
    """The page of faults: what each kind is, its own keys, and which engine plays it."""
    head = " | ".join(("kind", "what a client of the upstream meets", "its own keys", *ENGINES))
    rows = [f"| {head} | some calls only |", f"|{'---|' * (len(ENGINES) + 4)}"]
    for kind in KINDS.values():
        schema = file_schema(kind.model, kind.name)
        own = [key for key in schema["properties"] if key not in (*_COMMON, "fault")]
        required = schema.get("required", ())
        keys = ", ".join(f"`{key}`{' (needed)' if key in required else ''}" for key in own)
        able = " | ".join(_able(kind, engine) for engine in ENGINES)
        some = "yes" if kind.in_stub or kind.where == "stub" else "no"
        rows.append(f"| `{kind.name}` | {kind.doc} | {keys} | {able} | {some} |")
    intro = (
        "# Kinds of fault\n\n"
        "Generated from the registry by `python -m harness.scenario.reference`; a test keeps it\n"
        "current. *Some calls only* says whether `on`, `first`, `calls`, `one_in`, `above`,\n"
        "`more_than` and `share` may pick calls; a kind without it hits all of an upstream's.\n"
        "`clock_step` hits the target itself, so it takes no `upstream`. A connect without any\n"
        "answer, so that connect timeouts run, is `unanswered`.\n\n"
        "Every kind may begin after an event of the play instead of at an instant (`after`,\n"
        "`wait`, `for`; scenarios.md), but for `truncate`, whose `after` says how many bytes.\n\n"
        "Calls are picked by the service's stub, which counts them from the instant the fault\n"
        "begins, over the calls of its route, whoever makes them. A process that is killed or\n"
        "restarted meanwhile counts anew from one when it is back: of `first: 4` and a restart\n"
        "after the third call four more are met. So it is on every engine, and in `predict`.\n\n"
        "A stub meets a call when it has read all of it, and is heard through its proxy. So a\n"
        "`reset` that picks calls is none to the gateway: the stub resets its own connection, and\n"
        "the proxy, the real Toxiproxy too, hands that on as a close without a byte (`empty`).\n"
        "A `reset` of all calls is played by the proxy: a TCP reset after the first bytes.\n\n"
        "With a `toxicity` below 100% the proxy draws connections, and doesn't say which. What a\n"
        "drawn one may have met is then open for each, and how many calls were met is not told.\n"
    )
    return f"{intro}\n" + "\n".join(rows) + f"\n\n{_physics()}"


def _able(kind: Kind, engine: str) -> str:
    """Whether an engine can play a kind, and with which proxy if not with every one."""
    if engine not in kind.engines or (engine == "compose" and "toxiproxy" not in kind.proxies):
        return "no"
    if engine == "local" and kind.proxies != ("embedded", "toxiproxy"):
        return f"{' or '.join(kind.proxies)} only"
    return "yes"


_RUNNING = {
    "nothing": "go on",
    "cut": "fail at once",
    "silent": "hear nothing more",
    "late": "hear nothing until it is lifted",
    "slow": "are slowed from then on",
    "broken": "are cut off from then on",
}
_NEW = {
    "answers": "succeed",
    "otherwise": "are answered, but otherwise",
    "slow": "are answered late, or bit by bit",
    "broken": "get an answer that can't be read to its end",
    "at once": "fail at once",
    "silent": "hear nothing",
    "late": "hear nothing until it is lifted",
}
_LIFT = {
    "nothing": "changes nothing for those that wait",
    "cuts": "closes their connections",
    "delivers": "delivers at once what was held back",
}
_HIDES = {"nothing": "stub", "stub": "proxy", "everything": "nothing"}


def _physics() -> str:
    """What each kind does to attempts, and where they leave a trace."""
    intro = (
        "## What attempts meet\n\n"
        "For faults that hit all calls of an upstream. One that picks calls is played by the\n"
        "stub: attempts under way go on, those that it delays or breaks stay so beyond the lift,\n"
        "those to which it is silent are closed by the lift, and it sees them all. *Counts* says\n"
        "whether an attempt under it can be a failure to a breaker; *seen by* who sees an attempt\n"
        "while it lasts (in `sim` every one is in the history).\n"
    )
    rows = [
        "| kind | attempts under way | new attempts | lifting | counts | seen by |",
        f"|{'---|' * 6}",
    ]
    for kind in KINDS.values():
        counts = "can fail" if kind.opens else "no"
        cells = (_RUNNING[kind.running], _NEW[kind.new], _LIFT[kind.lift], counts)
        rows.append(f"| `{kind.name}` | {' | '.join(cells)} | {_HIDES[kind.hides]} |")
    return f"{intro}\n" + "\n".join(rows) + "\n"


def with_tables(page: str) -> str:
    """A page with its generated part renewed."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{key_tables()}\n{END}{after}"


def table(title: str, model: Any) -> str:
    """The keys of a model, a row each, under a heading."""
    schema = file_schema(model, title)
    rows = [f"### {title}\n", "| key | what it says | for example |", "|---|---|---|"]
    for key, what in schema["properties"].items():
        needed = " (needed)" if key in schema.get("required", ()) else ""
        example = ", ".join(f"`{one}`" for one in dict.fromkeys(_examples(what)))
        rows.append(f"| `{key}`{needed} | {_cell(what.get('description', ''))} | {example} |")
    return "\n".join(rows) + "\n"


def _examples(what: Any) -> Iterator[str]:
    """The key's own examples, or those of what it may hold; and all choices."""
    seen = [what, *what.get("anyOf", ()), what.get("items", {})]
    examples = [part["examples"][:2] for part in seen if "examples" in part]
    for several in examples[:1] if "examples" in what else examples:
        yield from (_written(one) for one in several)
    for part in seen:
        yield from (str(one) for one in part.get("enum", ()))
        if "const" in part:
            yield str(part["const"])


def _written(example: object) -> str:
    """An example as an author writes it on one line."""
    if isinstance(example, str):
        return example
    flow = yaml.safe_dump(
        example, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1000
    )
    return flow.removesuffix("...\n").strip()


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


def main() -> None:
    """Renew the pages in the repository's `docs` folder."""
    docs = Path(__file__).resolve().parents[2] / "docs"
    (docs / "faults.md").write_text(fault_page(), encoding="utf-8")
    page = docs / "scenarios.md"
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
