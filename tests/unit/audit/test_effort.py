"""How much an audit has to do: in proportion to the code, whatever the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.audit import audit
from harness.audit.answers import Answers

CLIENT = """
class ServiceUnavailable(Exception): ...
class ResilientClient:
    breaker = 1
    def get(self, url): raise ServiceUnavailable
client = ResilientClient()
def f0(): client.get(1)
"""


def replaced(count: int) -> str:
    lines = "".join(f"    s = s.replace('{n}', s)\n" for n in range(count))
    return f"import requests\ndef f():\n    s = requests.get\n{lines}"


def strolled(count: int) -> str:
    lines = "".join(f"    node = node.way{n}\n" for n in range(count))
    return f"import requests\ndef f():\n    node = requests\n{lines}"


def aliased(count: int) -> str:
    lines = "".join(f"a{n + 1} = a{n}\n" for n in range(count))
    return f"import requests\na0 = requests.get\n{lines}a{count}('x', timeout=1)\n"


def nested(count: int) -> str:
    return f"import requests\nx = requests{'.get(1)' * count}\n"


def called(count: int) -> str:
    return CLIENT + "".join(f"def f{n + 1}(): f{n}()\n" for n in range(count))


@pytest.mark.parametrize("code", [replaced, strolled, aliased, nested, called])
def test_twice_the_code_is_twice_the_work(
    code: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    ask = Answers.ask

    def counted(self: Answers[str], *question: object) -> object:
        nonlocal asked
        asked += 1
        assert asked < 200_000, "this does not end in any sensible time"
        return ask(self, *question)  # type: ignore[arg-type]

    monkeypatch.setattr(Answers, "ask", counted)
    work = []
    for count in (60, 120):
        asked = 0
        (tmp_path / "app.py").write_text(code(count))  # type: ignore[operator]
        audit(tmp_path)
        work.append(asked)
    assert work[1] <= 2.5 * work[0]


def test_a_long_way_round_is_followed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(aliased(500))
    assert {(f.line, f.rule) for f in audit(tmp_path).findings} == {(503, "direct-call")}


def test_an_error_is_followed_through_hundreds_of_callers(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(called(1500))
    assert [f.rule for f in audit(tmp_path).findings] == ["unguarded-call"]


def test_an_expression_too_deep_to_be_read_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import requests\nrequests.get(1, timeout=1)\n")
    (tmp_path / "deep.py").write_text(nested(5000))
    report = audit(tmp_path)
    assert [(Path(f.file).name, f.rule) for f in report.findings if "app" in f.file] == [
        ("app.py", "direct-call")
    ]
    assert all("can't be read" in problem.message for problem in report.problems)


def test_brackets_too_deep_for_the_parser_are_told(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(f"x = {'[' * 250}\n")
    (problem,) = audit(tmp_path).problems
    assert problem.message
