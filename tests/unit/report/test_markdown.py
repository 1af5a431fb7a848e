from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.report.markdown import summary_md
from harness.verdict import Known, Transition, Verdict


def test_the_table_has_all_scenarios_the_worst_first(mixed):
    text = summary_md(mixed)
    assert text.startswith("# ❌ Outages replayed: failed\n")
    assert "**1 passed, 1 failed, 1 inconclusive, 1 out of scope in 1m 32s**" in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "<br>" in line]
    assert [row.split(" ")[1] for row in rows] == ["❌", "❔", "✅", "➖"]
    assert "auth: open 9.0 s, half open 69.0 s, closed 69.0 s" in rows[0]


def test_only_what_is_wrong_is_told_at_length(mixed):
    text = summary_md(mixed)
    assert text.count("\n## ") == 2
    assert "  - observed **200 for 3 of 58: \\#11 at 10s, \\#12, \\#13**" in text
    assert "  - because nobody is let in without auth" in text


@given(text=st.text())
def test_nothing_observed_breaks_the_table_or_becomes_markup(finding, judgement, outcome, text):
    bad = finding(Verdict.FAILED, name=text, observed=text)
    lines = summary_md(outcome(judgement(bad, title=text, name=text))).split("\n")
    (row,) = [line for line in lines if line.startswith("| ❌")]
    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 7
    assert "<script" not in row


def test_markup_is_shown_as_it_is(finding, judgement, outcome):
    bad = finding(Verdict.FAILED, observed="<script>alert(1)</script> | `x` **b** [l](u)")
    text = summary_md(outcome(judgement(bad)))
    assert "\\<script\\>alert(1)\\</script\\> \\| \\`x\\` \\*\\*b\\*\\* \\[l\\](u)" in text


def test_it_fits_a_ci_page(finding, judgement, outcome):
    many = [finding(Verdict.FAILED, name=f"n{i}", observed="x" * 5000) for i in range(100)]
    judgements = [judgement(*many, name=f"s{i}") for i in range(100)]
    text = summary_md(outcome(*judgements))
    assert len(text.encode()) < 1_000_000
    assert "and 75 more" in text
    assert "results.json" in text


def test_a_breakers_changes_are_cut_with_a_word(judgement, outcome):
    changes = tuple(Transition(state="open", at_s=float(at_s)) for at_s in range(14))
    text = summary_md(outcome(judgement(breakers={"auth": changes})))
    assert "open 10.0 s and 3 more |" in text
    text = summary_md(outcome(judgement(breakers={"auth": changes[:12]})))
    assert "open 11.0 s |" in text


def test_a_known_failure_is_marked_as_one_and_claims_stand_apart(finding, judgement, outcome):
    bad = finding(Verdict.FAILED, name="it is", claims=("G2",))
    known = finding(Verdict.FAILED, name="it was", known=Known(because="OPS-7", until="2030-12-31"))
    text = summary_md(outcome(judgement(bad, known)))
    assert "\n- ❌ **it is** (G2)\n" in text
    assert "\n- ☑️ **it was**" in text
