"""`report.html` in a real Chromium, used as people use it: pointer, keys, reader, paper, phone."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect

from harness.history.events import Answered, Sent
from harness.history.view import History
from harness.report.page import report_html
from harness.verdict import Verdict

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Visit = Callable[..., Any]
DRAWN = "document.querySelector('.lane.faults canvas').toDataURL()"
RED = """() => {
  const one = document.createElement("canvas").getContext("2d");
  one.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--o-5");
  one.fillRect(0, 0, 1, 1);
  const [r, g, b] = one.getImageData(0, 0, 1, 1).data;
  const own = document.querySelector(".lane.stream canvas");
  const all = own.getContext("2d").getImageData(0, 0, own.width, own.height).data;
  let found = 0;
  for (let k = 0; k < all.length; k += 4) {
    found += all[k] === r && all[k + 1] === g && all[k + 2] === b;
  }
  return found;
}"""
"""How many pixels of the first stream's lane have the colour of a 5xx."""


@pytest.fixture(scope="module")
def report(tmp_path_factory, outcome, judgement, finding, seen) -> Path:
    """One scenario that fails, seen; one that passed, one that proved nothing, one out of scope."""
    failed, scene = seen
    unclear = judgement(finding(Verdict.INCONCLUSIVE, evidence="nothing sent"), name="unclear")
    excused = judgement(finding(Verdict.OUT_OF_SCOPE), name="excused", breakers={})
    whole = outcome(
        failed,
        judgement(title="Another <i>title</i>"),
        unclear,
        excused,
        scenes=(scene, None, None, None),
        before={
            "began": "2026-01-01T00:00:00Z",
            "scenarios": [{"name": "down", "verdict": "passed", "expectations": []}],
        },
    )
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report_html(whole), encoding="utf-8")
    return path


def spot(page: Any, lane: str, at_s: float, share: float = 0.5) -> tuple[float, float]:
    """Where an instant is in a lane, `share` of its height from the top; the whole play in view."""
    over = page.locator(f".lane.{lane} .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    return box["x"] + at_s / 80 * box["width"], box["y"] + share * box["height"]


def of_latency(took_s: float, most_s: float) -> float:
    """How far down a stream's lane a latency lies."""
    low, high = math.log(0.0006), math.log(most_s * 2.2)
    return 1 - (math.log(took_s) - low) / (high - low)


def words(locator: Any) -> str:
    """What it says, on one line."""
    return " ".join(locator.inner_text().split())


def cursor(page: Any) -> float:
    return float(page.get_by_role("slider").get_attribute("aria-valuenow"))


def in_view(page: Any) -> tuple[float, float]:
    """The time in view, as the address keeps it."""
    found = {key: float(value) for key, value in re.findall(r"(from|to)=([\d.]+)", page.url)}
    return found.get("from", 0.0), found.get("to", 80.0)


def comes_to_show(page: Any, from_s: float, to_s: float, within_s: float = 0.01) -> None:
    """The address follows what is in view after a moment, lest a drag write it a hundred times."""
    wanted = pytest.approx((from_s, to_s), abs=within_s)
    until_s = time.monotonic() + 60
    while in_view(page) != wanted and time.monotonic() < until_s:
        page.wait_for_timeout(50)
    assert in_view(page) == wanted


def test_it_begins_with_what_is_the_matter_and_finds_what_is_looked_for(visit: Visit, report: Path):
    page = visit(report)
    assert page.get_by_role("heading", level=1).inner_text() == "1 of 4 scenarios failed"
    headings = page.get_by_role("heading", level=2).all_inner_texts()
    assert headings == ["What is the matter", "What is new since 2026-01-01T00:00:00Z", "Scenarios"]
    rows = page.locator(".row:visible")
    assert [row.split("\n")[0] for row in rows.all_inner_texts()] == ["✗", "?", "✓", "–"]
    page.get_by_role("button", name="passed").click()
    page.get_by_role("button", name="inconclusive").click()
    assert rows.count() == 2
    page.keyboard.press("/")
    page.keyboard.type("STATUS auth")
    assert rows.count() == 1
    assert page.get_by_text("1 of 4 scenarios", exact=True).is_visible()
    page.keyboard.type("nobody")
    assert page.get_by_text("No scenario matches.").is_visible()


def test_a_finding_makes_its_requests_stand_out(visit: Visit, report: Path):
    page = visit(report, "#/down")
    lane = page.locator(".lane.stream canvas").first
    before = lane.screenshot()
    name = page.get_by_role("button", name="chat is answered 401 in 0s..40s")
    name.click()
    assert name.get_attribute("aria-pressed") == "true"
    assert page.locator("#live").inner_text() == "2 requests stand out"
    assert lane.screenshot() != before
    page.get_by_text("The same as tables").click()
    table = page.get_by_role("table", name=re.compile("stand out"))
    expect(table.locator("tbody th")).to_have_text(["chat #11", "chat #12"])
    page.get_by_role("button", name="Show all alike").click()
    assert name.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize(("width", "height"), [(1600, 1000), (390, 844)])
def test_however_much_is_wrong_the_timeline_is_in_sight(
    visit: Visit, tmp_path: Path, outcome, judgement, finding, seen, width: int, height: int
):
    _, scene = seen
    many = [
        finding(Verdict.FAILED, name=f"finding {k}", observed=f"{k // 6} of 9 in a long sentence")
        for k in range(40)
    ]
    path = tmp_path / "report.html"
    path.write_text(report_html(outcome(judgement(*many, name="down"), scenes=(scene,))))
    page = visit(path, "#/down", width=width)
    assert page.locator(".stage").bounding_box()["y"] < 0.85 * height
    page.locator(".rest > summary").click()
    page.locator(".alike > summary").last.click()
    assert page.get_by_role("button", name="finding 39").is_visible()


def test_a_request_shows_its_way(visit: Visit, report: Path):
    page = visit(report, "#/down")
    page.mouse.click(*spot(page, "stream", 10, of_latency(0.01, 0.01)))
    panel = page.get_by_role("complementary")
    assert words(panel.get_by_role("heading", level=2)) == "chat #11 500 in 10 ms"
    assert "alert(1)" in panel.inner_text()  # the answer, as text
    assert "curl -i -X POST \"$GATEWAY\"'/v1/api/chat'" in panel.inner_text()
    assert "token=[redacted]" in panel.locator(".log").inner_text()
    page.mouse.click(*spot(page, "stream", 30, of_latency(0.01, 0.01)))
    assert "not asked: its breaker was open" in panel.inner_text()
    panel.get_by_role("button", name="The next request").click()
    assert "chat #32" in panel.inner_text()
    page.mouse.click(*spot(page, "stream", 2, of_latency(0.01, 0.01)))
    way = panel.locator(".way").inner_text()
    assert "gateway → auth" in way
    assert "first attempt, at +1 ms: 503, failure in 3 ms" in way
    assert "may have met fault 1" in way
    panel.get_by_role("button", name="Close").click()
    assert panel.count() == 0


def test_all_of_it_can_be_done_with_keys(visit: Visit, report: Path):
    page = visit(report, "#/down?t=20")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert cursor(page) == pytest.approx(20.8)
    page.keyboard.press("Shift+ArrowLeft")
    assert cursor(page) == pytest.approx(12.8)
    assert "auth open" in page.get_by_role("slider").get_attribute("aria-valuetext")
    page.keyboard.press("+")
    comes_to_show(page, 6.4, 46.4)
    page.keyboard.press("PageDown")
    comes_to_show(page, 26.4, 66.4)
    page.keyboard.press("0")
    comes_to_show(page, 0, 80)
    page.keyboard.press("n")
    panel = page.get_by_role("complementary")
    assert words(panel.get_by_role("heading", level=2)).startswith("chat #14")
    page.keyboard.press("Escape")
    assert panel.count() == 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "request-title"


def test_a_brush_zooms_every_lane_and_a_double_click_shows_all(visit: Visit, report: Path):
    page = visit(report, "#/down")
    first = page.evaluate(DRAWN)
    page.mouse.move(*spot(page, "breaker", 10))
    page.mouse.down()
    page.mouse.move(*spot(page, "breaker", 20), steps=4)
    page.mouse.up()
    comes_to_show(page, 10, 20, within_s=0.3)
    page.mouse.dblclick(*spot(page, "charges", 30))
    comes_to_show(page, 0, 80)
    assert page.evaluate(DRAWN) == first, "what is drawn again looks as it did"


def test_one_cursor_runs_through_all_lanes(visit: Visit, report: Path):
    page = visit(report, "#/down")
    page.mouse.move(*spot(page, "logs", 10.5))
    shown = page.locator(".u-cursor-x").evaluate_all(
        "all => all.map((each) => each.style.transform)"
    )
    assert len(shown) >= 7
    assert len(set(shown)) == 1
    told = words(page.get_by_role("slider"))
    assert "auth open" in told
    assert "status on auth" in told


def test_filters_take_streams_and_outcomes_away(visit: Visit, report: Path):
    page = visit(report, "#/down")
    page.get_by_text("The same as tables").click()
    outcomes = page.get_by_role("group", name="Outcomes shown").get_by_role("button")
    assert [words(each) for each in outcomes.all()] == ["2xx 16", "4xx 62", "5xx 2"]
    outcomes.nth(1).click()
    caption = page.get_by_role("table", name=re.compile("^Requests")).locator("caption")
    assert caption.inner_text() == "Requests (18)"


def test_addresses_lead_to_an_instant_and_keep_what_is_in_view(visit: Visit, report: Path):
    page = visit(report, "#/down?t=12.1")
    assert cursor(page) == 12.1
    page.evaluate("location.hash = '#/down?from=5&to=15&request=12'")
    expect(page.get_by_role("complementary")).to_contain_text("chat #12")
    comes_to_show(page, 5, 15)
    page.get_by_role("link", name="All scenarios").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 4 scenarios failed")
    page.go_back()
    comes_to_show(page, 5, 15)
    # A view that is kept just as the reader goes elsewhere doesn't call the reader back.
    page.evaluate("window.soon = setTimeout; setTimeout = (what, ms) => { late = what; return 0; }")
    page.evaluate("location.hash = '#/down?from=2&to=9'")
    comes_to_show(page, 2, 9)
    page.evaluate("setTimeout = soon; location.hash = '#/'; late()")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 4 scenarios failed")
    page.evaluate("location.hash = '#/<img src=x onerror=alert(1)>?t=<script>'")
    expect(page.locator("#live")).to_contain_text("There is no scenario <img")


def test_nothing_that_comes_from_outside_is_ever_markup(visit: Visit, report: Path):
    page = visit(report, "#/down?request=11")
    page.get_by_text("The same as tables").click()
    expect(page.locator("tbody th").first).to_be_visible()
    page.locator("summary").evaluate_all(
        "all => all.forEach((each) => { each.parentElement.open = true; })"
    )
    assert page.locator("img, main b b, main i, main script, iframe").count() == 0
    assert page.get_by_role("heading", level=1).inner_text().startswith("✗ auth is down <b>for")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1600, "light")])
def test_everybody_can_read_it(visit: Visit, report: Path, width: int, scheme: str):
    for address in ("", "#/down?request=12"):
        page = visit(report, address, width=width, color_scheme=scheme, bypass_csp=True)
        if address and width > 700:
            page.get_by_text("The same as tables").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate(
            "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
        )
        wrong = [
            (each["id"], node["html"][:120], node["failureSummary"])
            for each in found["violations"]
            for node in each["nodes"]
        ]
        assert wrong == []


def test_colours_follow_the_system_the_reader_and_paper(visit: Visit, report: Path):
    page = visit(report, "#/down", color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    lane = page.locator(".lane.stream canvas").first
    drawn = lane.screenshot()
    page.get_by_role("button", name="light").click()
    assert page.evaluate(ground) != dark
    assert lane.screenshot() != drawn
    page.reload()
    assert page.evaluate(ground) != dark  # it is remembered
    page.get_by_role("button", name="dark").click()
    drawn = lane.screenshot()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert lane.screenshot() != drawn
    assert not page.get_by_role("button", name="dark").is_visible()


def test_a_hundred_thousand_requests_are_drawn_and_thinned_with_a_note(
    visit: Visit, tmp_path: Path, outcome, seen
):
    judgement, scene = seen
    events = [event for k in range(120_000) for event in _asked(k, 80 * k / 120_000)]
    many = replace(scene, streams=History(events).streams)
    path = tmp_path / "report.html"
    path.write_text(report_html(outcome(judgement, scenes=(many,))), encoding="utf-8")
    page = visit(path, "#/down")
    note = page.get_by_role("note").inner_text()
    assert re.match(r"([\d,]+) of 120,000 requests are drawn: .* one in 2, all others", note)
    failures = page.get_by_role("group", name="Outcomes shown").get_by_role("button", name="5xx")
    assert words(failures) == "5xx 1,200"
    assert page.evaluate(RED) > 500, "what failed lies on top of the others"
    page.get_by_role("slider").focus()
    tasks = page.context.new_cdp_session(page)
    tasks.send("Performance.enable", {"timeDomain": "threadTicks"})  # whatever else has the machine
    for key in ("n", "+", "0"):
        page.keyboard.press(key)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = tasks.send("Performance.getMetrics")["metrics"]
    (took_s,) = (one["value"] for one in found if one["name"] == "TaskDuration")
    assert 0.01 < took_s < 5


def _asked(k: int, at_s: float) -> tuple[Sent, Answered]:
    sent = Sent(
        at_s=at_s, by="client", id=k, stream="chat", number=k + 1, planned_s=at_s, method="GET",
        path="/x",
    )  # fmt: skip
    status = 500 if k % 100 == 0 else 200
    answered = Answered(at_s=at_s + 0.002 + k % 97 / 1000, by="client", id=k, status=status)
    return sent, answered


CUT = """() => [...document.querySelectorAll("#overview *")]
  .filter((each) => each.scrollHeight > each.clientHeight + 1 && each.clientHeight > 20)
  .filter((each) => getComputedStyle(each).overflowY !== "visible")
  .map((each) => each.className)"""


@pytest.mark.parametrize("width", [390, 1600])
def test_a_cause_of_many_scenarios_is_folded_not_cut(
    visit: Visit, tmp_path: Path, outcome, judgement, finding, width: int
):
    wrong = finding(Verdict.FAILED, observed="500 for 3 of 58: #1 at 0s, #2, #3")
    failed = [judgement(wrong, name=f"s{n}", title=f"Scenario {n} of many") for n in range(9)]
    path = tmp_path / "report.html"
    path.write_text(report_html(outcome(*failed)), encoding="utf-8")
    page = visit(path, width=width)
    assert page.evaluate(CUT) == []
    links = page.locator(".cause a")
    expect(links).to_have_count(9)
    expect(links.nth(3)).to_be_visible()
    expect(links.nth(4)).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(links.nth(8)).to_be_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(links.nth(8)).to_be_hidden()
    page.get_by_text("5 more scenarios").click()
    expect(links.nth(8)).to_be_visible()


def test_a_row_tells_answers_apart_without_colour(visit: Visit, report: Path):
    page = visit(report)
    tall = {}
    for mark in page.locator("#rows .strip rect[class^=m-]").all():
        tall[mark.get_attribute("class")] = float(mark.get_attribute("height") or 0)
    assert tall["m-2"] < tall["m-4"] < tall["m-5"], tall
