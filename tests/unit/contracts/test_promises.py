"""Claims stand in contract files: the harness's code knows promises by names that are nobody's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.contracts import document, parse_contract
from harness.contracts.promises import (
    ENDS_ATTEMPTS,
    NO_ERRORS,
    NO_HANG,
    OF_POLICIES,
    OPENS,
    PROMISES,
    given_up,
)
from harness.errors import InvalidFile
from harness.explore.declared import with_declared_only
from harness.target.loading import parse_target

PACKAGE = Path(__file__).parents[3] / "harness"
SHOP = """\
name: shop
claims:
  S1: {says: Whatever breaks is said properly.}
  S2: {says: The stock is left alone after three failures.}
promises:
  no 5xx but 503: [S1]
  opens after enough failures: [S2]
"""
TARGET = (
    "name: x\nurl: http://127.0.0.1:8080\nupstreams: {STOCK_URL: stock}\n"
    "stubs: {stock: [{route: GET /stock}]}\n"
)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The strings of a module with their lines, without docstrings: those may cite a source."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield node.lineno, str(node.value)


def test_no_code_of_the_harness_names_a_claim() -> None:
    claim = re.compile(rf"(?<![\w-])({'|'.join(document().claims)})(?![\w-])")
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text[:90]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in texts(path)
        if claim.search(text)
    ]
    assert found == []


def test_the_bundled_contract_says_what_each_promise_rests_on() -> None:
    assert sorted(document().promises) == sorted(PROMISES)
    assert all(document().promises.values())


def test_a_contract_that_says_nothing_of_promises_has_the_bundled_ones() -> None:
    bare = parse_contract("name: shop\n", "shop.yaml")
    assert bare.claims_of(NO_HANG, NO_ERRORS) == ("B8", "G9")


def test_a_promise_without_a_claim_goes_by_its_own_name() -> None:
    contract = parse_contract(SHOP, "shop.yaml")
    assert contract.claims_of(OPENS, NO_HANG, NO_ERRORS) == ("S2", NO_HANG, "S1")


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ("no 5xx but 503", "no 5xx but 504", 6, "did you mean 'no 5xx but 503'"),
        ("failures: [S2]", "failures: [S3]", 7, "claim 'S3' is not known"),
    ],
)
def test_a_mistake_is_told_where_it_stands(right: str, wrong: str, line: int, says: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        parse_contract(SHOP.replace(right, wrong), "shop.yaml")
    (problem,) = caught.value.problems
    assert problem.line == line
    assert says in problem.message


def test_a_target_does_without_claims_and_promises() -> None:
    target = parse_target(f"{TARGET}without: [S1, {NO_HANG}]\n", "x.yaml")
    assert target.without == ("S1", NO_HANG)
    with pytest.raises(InvalidFile) as caught:
        parse_target(f"{TARGET}without: [no request outlast its deadline]\n", "x.yaml")
    assert f"did you mean '{NO_HANG}'" in caught.value.problems[0].message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("S1 at stokc", "upstream 'stokc' is not known; did you mean 'stock'?"),
        ("B22 at stock", "claim 'B22' is not known; did you mean 'B2'?"),
        ("S1 at the stock", "or either `at` an upstream, such as S1 at mail"),
        ("its log is truthfull at stock", "did you mean 'its log is truthful'"),
    ],
)
def test_what_it_does_without_at_one_upstream(text: str, says: str) -> None:
    named = "S1 at stock", f"{ENDS_ATTEMPTS} at stock", ENDS_ATTEMPTS
    target = parse_target(f"{TARGET}without: [{', '.join(named)}]\n", "x.yaml")
    assert target.without == named
    assert given_up(named, "stock") == {"S1", ENDS_ATTEMPTS}
    assert given_up(named) == set(named)
    with pytest.raises(InvalidFile) as caught:
        parse_target(f"{TARGET}without: [{text}]\n", "x.yaml")
    assert says in caught.value.problems[0].message


def test_a_misspelt_claim_that_it_does_without_is_told_from_a_scenarios_own() -> None:
    with pytest.raises(InvalidFile) as caught:
        parse_target(f"{TARGET}without: [B2, G55, PAY-12]\n", "x.yaml")
    (problem,) = caught.value.problems
    assert "claim 'G55' is not known; did you mean 'G5'?" in problem.message


def test_what_nobody_declared_is_left_out_by_the_contracts_own_claims(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP)
    target = parse_target(f"{TARGET}contract: shop.yaml\n", str(tmp_path / "x.yaml"))
    told, undeclared = with_declared_only(target)
    assert undeclared == ("stock",)
    assert told.without == parse_contract(SHOP, "shop.yaml").claims_of(*OF_POLICIES)
    assert "S2" in told.without
    assert "S1" not in told.without
