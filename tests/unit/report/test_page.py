"""`report.html` as text: what is in it, how it is packed, that nothing from outside is markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.report.links import page_link
from harness.report.page import assets, report_html
from harness.report.page.causes import causes
from harness.report.page.columns import UNITS, scene_json, steps, units
from harness.report.page.news import Before
from harness.report.page.overview import overview
from harness.report.page.thinning import thinned
from harness.report.results import results
from harness.report.scene import judge_and_observe
from harness.verdict import Verdict


class Reader(HTMLParser):
    """Collects elements, and the text of scripts by their class."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scenes: dict[str, str] = {}
        self.scripts: list[str] = []
        self.text = ""
        self._into: str | None = None

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "script":
            self._into = dict(attributes).get("data-key") or ""

    def handle_endtag(self, tag):
        if tag == "script":
            self._into = None

    def handle_data(self, data):
        if self._into:
            self.scenes[self._into] = data
        elif self._into == "":
            self.scripts.append(data)
        else:
            self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def unpacked(text: str) -> dict:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def outcome_with(outcome, seen, **more):
    judgement, scene = seen
    return outcome(judgement, scenes=(scene,), **more)


def test_it_says_what_is_the_matter_before_anything_else(outcome, seen):
    reader = read(report_html(outcome_with(outcome, seen)))
    assert "The scenario failed" in reader.text
    matter, scenarios = (reader.text.index(each) for each in ("What is the matter", "Scenarios\n"))
    assert matter < reader.text.index("expected 401 for every request, observed 500") < scenarios


def test_a_cause_is_a_whole_sentence(outcome, judgement, finding):
    observed = "seats #2 (GET /shows/1/seats, sent at 0.50 s) was answered 500"
    said = "no answer is a 5xx other than 503"
    broken = finding(Verdict.FAILED, name="never 5xx", expected=said, observed=observed)
    text = read(report_html(outcome(judgement(promises=(broken,), verdict=Verdict.FAILED)))).text
    assert f"promised {said}, observed seats #2 was answered 500" in text


def test_that_calls_wait_for_each_other_is_the_matter_where_failures_rest_on_it(outcome, seen):
    judgement, scene = seen
    asks = "never more than one call in flight at auth: are calls serialised?"
    first, *others = scene.upstreams
    scene = replace(scene, upstreams=(replace(first, queue=asks), *others))
    assert asks not in read(report_html(outcome(judgement, scenes=(scene,)))).text
    findings = tuple(replace(f, evidence=f"80 answers; {asks}") for f in judgement.findings)
    own = replace(judgement, findings=findings)
    (cause,) = causes(outcome(own, scenes=(scene,)).shown)
    assert (cause.words, cause.inferred) == (asks, False)


def test_what_comes_from_outside_is_text_and_secrets_are_gone(outcome, seen):
    text = report_html(outcome_with(outcome, seen, target="<script>alert(3)</script>"))
    reader = read(text)
    assert len(reader.scripts) == 1  # the page's own
    tags = {tag for tag, _ in reader.elements}
    assert "img" not in tags
    assert "auth is down <b>for a while</b>" in reader.text
    assert "<script>alert" not in text
    handlers = [name for _, found in reader.elements for name in found if name.startswith("on")]
    assert handlers == []
    told = json.dumps(unpacked(reader.scenes["down"]))
    assert "alert(1)" in told
    assert "hunter2" not in told
    assert "token=[redacted]" in told


def test_nothing_is_fetched_and_nothing_else_may_run(outcome, seen):
    reader = read(report_html(outcome_with(outcome, seen)))
    outside = [
        value
        for _, found in reader.elements
        for name, value in found.items()
        if name in ("src", "href", "action", "data")
        and not (value or "").startswith(("#", "data:,"))
    ]
    assert outside == []
    (policy,) = (
        found["content"] for tag, found in reader.elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    )  # fmt: skip
    digest = base64.b64encode(hashlib.sha256(reader.scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_the_charting_library_comes_with_its_licence():
    assert "The MIT License (MIT)" in assets.script()
    assert "Leon Sorokin" in assets.script()
    assert "</script" not in assets.script().lower()
    assert "</style" not in assets.style().lower()


@given(st.lists(st.floats(0, 86_400)))
def test_instants_come_back_to_a_tenth_of_a_millisecond(instants):
    packed = steps(units(each) for each in sorted(instants))
    total, back = 0, []
    for step in packed:
        total += step
        back.append(total / UNITS)
    assert all(
        abs(one - other) <= 0.00005001 for one, other in zip(sorted(instants), back, strict=True)
    )


def test_columns_hold_each_request_and_its_attempts(seen):
    judgement, scene = seen
    (kept,) = thinned([(scene, judgement)])
    told = scene_json(scene, judgement, kept)
    assert len(told["requests"]["id"]) == 80
    auth = told["upstreams"][0]
    places = auth["tries"]["request"]
    assert places[:5] == [0, 1, 2, 3, 4]
    assert told["requests"]["away"][30] == 1
    failed = {each["name"]: each for each in told["findings"] if each["verdict"] == "failed"}
    assert failed["chat is answered 401 in 0s..40s"]["requests"] == [10, 1]  # 10, 11
    assert kept.notes == ()


def test_beyond_the_most_only_what_went_well_is_thinned_and_it_is_said(outage, outage_events_of):
    judgement, scene = judge_and_observe(outage, outage_events_of(requests=400))
    assert scene is not None
    (kept,) = thinned([(scene, judgement)], most=380)
    every = [each for each in scene.streams["chat"] if each.outcome != "2"]
    assert [each for each in kept.streams["chat"] if each.outcome != "2"] == every
    assert len(kept.streams["chat"]) <= 380 < scene.requests
    (note,) = kept.notes
    assert f"{len(kept.streams['chat']):,} of 400 requests are drawn" in note
    told = {each.id for each in kept.streams["chat"]}
    assert all(each.request in told for each in kept.tries["auth"])
    (whole,) = thinned([(scene, judgement)])
    flights = [
        scene_json(scene, judgement, each)["upstreams"][0]["flight"] for each in (kept, whole)
    ]
    assert flights[0] == flights[1]


def test_what_is_new_is_told_by_the_results_of_the_run_before(outcome, judgement, finding, seen):
    before = results(outcome(judgement(finding(name="x"), name="down"), judgement(name="same")))
    now = outcome(judgement(finding(Verdict.FAILED, name="x"), name="down"), judgement(name="same"))
    (news,) = Before(before).news(now.judgements)
    assert (news.was, news.worse, news.findings) == ("passed", True, ("x",))
    text = read(report_html(outcome_with(outcome, seen, before=before))).text
    assert "What is new" in text
    assert "was passed, is failed" in text
    assert "What is new" not in read(report_html(outcome_with(outcome, seen))).text


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["scenarios", "name", "verdict", "expectations", "observed", "began"]
                ),
                x,
            )
        ),
    )
)
def test_whatever_an_older_results_file_holds_is_no_error(found):
    before = Before(found if isinstance(found, dict) else {})
    assert before.news(()) == ()


def test_scenarios_of_one_name_have_addresses_of_their_own(outcome, judgement):
    reader = read(report_html(outcome(judgement(name="a"), judgement(name="a"))))
    assert list(reader.scenes) == ["a", "a~2"]
    addresses = {found.get("href") for tag, found in reader.elements if tag == "a"}
    assert {"#/a", "#/a~2"} <= addresses
    assert page_link("a b/c", 12.104) == "report.html#/a%20b%2Fc?t=12.1"


def test_every_asset_is_in_the_package():
    folder = Path(assets.__file__).parent
    named = set(re.findall(r'"([\w./]+\.(?:js|css|LICENSE))"', Path(assets.__file__).read_text()))
    there = {
        str(path.relative_to(folder)) for path in folder.rglob("*")
        if path.suffix in (".js", ".css", ".LICENSE")
    }  # fmt: skip
    assert named == there


FAILED, UNCLEAR, PASSED, EXCUSED = (
    Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED, Verdict.OUT_OF_SCOPE
)  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "says"),
    [
        ([FAILED], "The scenario failed"),
        ([PASSED], "The scenario passed"),
        ([UNCLEAR], "The scenario proved nothing"),
        ([EXCUSED, EXCUSED], "Nothing was in scope"),
        ([FAILED, PASSED], "1 of 2 scenarios failed"),
        ([PASSED, EXCUSED], "All that was in scope passed"),
        ([PASSED, PASSED], "All 2 scenarios passed"),
    ],
)
def test_the_first_words_say_what_came_of_it(finding, judgement, outcome, verdicts, says):
    judged = (judgement(finding(each), name=f"s{k}") for k, each in enumerate(verdicts))
    assert overview(outcome(*judged)).headline == says
