"""The page of `outage compare --html`, of two runs that really were played, in a real Chromium."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from harness.cli.entry import call
from tests.unit.report.browser.test_page import AXE, RULES, Visit, words

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SCENARIO = """\
title: auth answers 503 for 20 s
duration: 30s
traffic:
  chat:
    {request: POST /v1/api/chat, json: {message: hi, project_id: "{project}"}, as: ada, rate: 1/s}
faults:
  - {upstream: auth, fault: status, status: 503, to: 20s}
expect:
  - {traffic: chat, during: 0s..20s, status: 401}
"""


@pytest.fixture(scope="module")
def nights(tmp_path_factory: Any) -> Path:
    """The same outage against the reference and against a gateway without resilience."""
    folder: Path = tmp_path_factory.mktemp("nights")
    file = folder / "down<i>.yaml"
    file.write_text(SCENARIO)
    for name, target, status in (("a", "reference", 0), ("b", "naive", 1)):
        report = str(folder / name)
        command = [
            "run",
            str(file),
            "--engine",
            "sim",
            "--target",
            target,
            "--report",
            report,
            "-q",
        ]
        done = subprocess.run([sys.executable, "-m", "harness", *command], check=False)
        assert done.returncode == status  # a process: a browser is open here, in an event loop
    return folder


@pytest.fixture(scope="module")
def compared(nights: Path) -> Path:
    page = nights / "page.html"
    assert call(["compare", str(nights / "a"), str(nights / "b"), "--html", str(page)]) == 1
    return page


def test_what_got_worse_comes_first_and_leads_to_both_runs_on_one_axis(
    visit: Visit, compared: Path
):
    page = visit(compared)
    assert re.match(r"\d+ worse", page.get_by_role("heading", level=1).inner_text())
    assert page.get_by_role("heading", level=2).first.inner_text().startswith("Worse (")
    assert "passed → failed" in page.locator(".cause.failed").first.inner_text()
    page.locator(".cause.failed a").first.click()
    expect(page.locator(".lane h3").first).to_have_text("Faults, before")
    names = page.locator(".lane h3").all_inner_texts()
    assert names[:4] == ["Faults, before", "Faults, after", "chat, before", "chat, after"]
    assert "auth breaker, before" in names
    assert page.locator(".finding.failed").count() >= 1
    shown = page.locator(".u-cursor-x")
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    places = shown.evaluate_all("all => all.map((each) => each.style.transform)")
    assert len(places) >= 6
    assert len(set(places)) == 1
    told = words(page.get_by_role("slider"))
    assert "before: " in told
    assert "after: " in told


def test_a_request_of_either_side_shows_its_way_and_time_is_that_of_both(
    visit: Visit, compared: Path
):
    page = visit(compared, "#/down%3Ci%3E")
    for side, answer in (("after", "500"), ("before", "401")):
        over = page.locator(f".lane.stream.{side} .u-over")
        over.scroll_into_view_if_needed()
        box = over.bounding_box()
        found = False
        for share in range(5, 100, 5):  # the height is that of a latency
            page.mouse.click(
                box["x"] + 10 / 30 * box["width"], box["y"] + share / 100 * box["height"]
            )
            panel = page.get_by_role("complementary")
            if found := panel.count() == 1 and answer in panel.inner_text():
                break
        assert found, side
        assert panel.count() == 1
    before = page.locator(".lane.stream canvas").first.screenshot()
    page.get_by_role("button", name="Zoom in").click()
    assert page.locator(".lane.stream canvas").first.screenshot() != before
    page.wait_for_url(re.compile("from="))


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1600, "light")])
def test_everybody_can_read_it(visit: Visit, compared: Path, width: int, scheme: str):
    for address in ("", "#/down%3Ci%3E"):
        page = visit(compared, address, width=width, color_scheme=scheme, bypass_csp=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate(
            "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
        )
        assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found["violations"]] == []


def test_without_histories_it_says_so_and_names_what_changed(
    visit: Visit, nights: Path, tmp_path: Path
):
    for name in "ab":
        (tmp_path / name).mkdir()
        shutil.copy(nights / name / "results.json", tmp_path / name)
    page_file = tmp_path / "page.html"
    given = [str(tmp_path / name / "results.json") for name in "ab"]
    assert call(["compare", *given, "--html", str(page_file), "--format", "json"]) == 1
    page = visit(page_file)
    assert "no history of it is there" in page.get_by_role("main").inner_text()
    assert page.locator(".cause a").count() == 0
    worse = json.loads((tmp_path / "a" / "results.json").read_text())["scenarios"]
    assert worse[0]["name"] == "down<i>"
    assert page.locator("i").count() == 0
