from __future__ import annotations

import io
import re

from rich.console import Console
from rich.text import Text

from harness.report.github import workflow_commands
from harness.report.hanging import Hanging
from harness.report.junit import junit_xml
from harness.report.markdown import summary_md
from harness.report.text import details, one_line, totals
from harness.report.totals import busy_line, span
from harness.verdict import Transition, Verdict


def shown(*renderables, **console):
    stream = io.StringIO()
    printer = Console(file=stream, highlight=False, soft_wrap=True, **console)
    for each in renderables:
        printer.print(each)
    return stream.getvalue()


def test_a_scenario_that_held_is_one_line(judgement):
    text = shown(one_line(judgement()))
    assert text == (
        "✓ passed        auth_blackhole_50s               1 of  1 held"
        "  auth open 9.0s, half open 69.0s, closed 69.0s\n"
    )


def test_piped_details_are_plain_and_each_fact_is_one_line(finding, judgement):
    long = "200 for 3 of 58: " + ", ".join(f"#{n}" for n in range(11, 60))
    bad = finding(Verdict.FAILED, observed=long, because="nobody is let in")
    text = shown(details(judgement(finding(name="fine"), bad)))
    assert text.splitlines() == [
        "  ✗ chat is answered 401 while auth is open  [T1, G2]",
        "      expected 401 for every request",
        f"      observed {long}",
        "      evidence 58 answers seen by the client",
        "      because  nobody is let in",
    ]


def test_on_a_terminal_long_facts_are_wrapped_under_their_label(finding, judgement):
    bad = finding(Verdict.FAILED, observed="word " * 40)
    text = shown(details(judgement(bad)), width=60, force_terminal=True, no_color=True)
    lines = [line for line in text.splitlines() if "word" in line]
    assert len(lines) > 3
    assert all(len(line.replace("\x1b[1m", "").replace("\x1b[0m", "")) <= 80 for line in lines)


def test_brackets_in_texts_are_not_markup(finding, judgement):
    bad = finding(Verdict.FAILED, name="[bold]x[/bold]", observed="[redacted] [/nope]")
    text = shown(details(judgement(bad)))
    assert "[bold]x[/bold]" in text
    assert "[redacted] [/nope]" in text


def test_line_breaks_in_facts_stay_on_their_line(finding, judgement):
    bad = finding(Verdict.INCONCLUSIVE, observed="one\ntwo\r\n  three")
    assert "observed one two three\n" in shown(details(judgement(bad)))


def test_the_last_line_counts_verdicts(mixed):
    text = shown(totals(mixed.judgements, wall_s=192.4))
    assert text == "1 passed, 1 failed, 1 inconclusive, 1 out of scope in 3m 12s\n"
    assert shown(totals([])) == "nothing was played\n"


def test_out_of_scope_says_so(mixed):
    assert "- out of scope" in shown(one_line(mixed.judgements[3]))
    assert "not in scope" not in shown(one_line(mixed.judgements[3]))


def test_durations_are_said_as_people_say_them():
    assert [span(s) for s in (0.04, 9.96, 48.4, 60, 192, 3725)] == [
        "0.0s",
        "10s",
        "48s",
        "1m 0s",
        "3m 12s",
        "1h 2m",
    ]


def test_what_two_failures_have_in_common_is_said_once(finding, judgement):
    first = finding(Verdict.FAILED, name="opens", observed="never opened", because="N failures")
    second = finding(Verdict.FAILED, name="probes", observed="never opened", because="N failures")
    text = shown(details(judgement(first, second)))
    assert text.count("never opened") == 1
    assert text.count("N failures") == 1
    assert text.count("expected") == 2


def test_beside_failures_the_inconclusive_are_told_briefly_and_last(finding, judgement):
    unclear = finding(Verdict.INCONCLUSIVE, name="while open", evidence="never seen open")
    text = shown(details(judgement(unclear, finding(Verdict.FAILED, name="opens"))))
    assert text.splitlines()[0] == "  ✗ opens  [T1, G2]"
    assert text.splitlines()[-1] == (
        "  ? while open  [T1, G2]: 401 for 58 of 58 requests (#11-#68) (never seen open)"
    )


def test_the_price_of_a_recovery_wait_is_told_on_the_line(judgement):
    text = shown(one_line(judgement(false_rejections={"payments": 43})))
    assert text.endswith("closed 69.0s; 43 turned away although payments was back\n")


def test_a_scenario_out_of_scope_says_why_on_its_line(finding, judgement):
    why = "the target has no POST /login: 404 in the warm-up, and no upstream was called"
    skipped = finding(Verdict.OUT_OF_SCOPE, evidence=why)
    assert shown(one_line(judgement(skipped))).endswith(f"auth_blackhole_50s              {why}\n")


def test_changes_that_are_not_shown_are_counted(judgement):
    changes = tuple(Transition(state="open", at_s=float(at_s)) for at_s in range(7))
    text = shown(one_line(judgement(breakers={"auth": changes})))
    assert text.endswith("open 2.0s, open 3.0s and 3 more\n")


def test_a_busy_machine_is_the_last_word_in_one_sentence(judgement):
    busy = {
        "verdict": Verdict.INCONCLUSIVE,
        "busy": "the target waited 1.8s for a CPU at 12.3s",
        "busy_s": 1.8,
    }
    one = judgement(**busy)
    other = judgement(**busy | {"name": "t5", "busy": "requests left 2s late at 9.0s", "busy_s": 2})
    passed = judgement()
    assert busy_line([passed]) is None
    assert busy_line([passed, one], jobs=1) == (
        "1 scenario is inconclusive because this machine was too busy: the target waited 1.8s for "
        "a CPU at 12.3s in auth_blackhole_50s; run it on a quieter machine"
    )
    assert busy_line([one, other, *[passed] * 10]) == (
        "2 scenarios are inconclusive because this machine was too busy: requests left 2s late at "
        "9.0s in t5; run with --jobs 4 or on a quieter machine"
    )
    again = judgement(**busy | {"plays": 3})
    assert busy_line([again, *[passed] * 10]) == (
        "1 scenario is inconclusive, played 3 times, because this machine was too busy: the target "
        "waited 1.8s for a CPU at 12.3s in auth_blackhole_50s; run it on a quieter machine"
    )


def test_how_often_it_was_played_is_said(judgement):
    assert "play 2" in str(one_line(judgement(plays=2)))
    assert "play" not in str(one_line(judgement()))


def test_a_breaker_of_which_nobody_can_tell_is_not_called_closed(judgement, outcome):
    unsure = judgement(breakers={"auth": ()}, perhaps_open={"auth": ((3.09, 13.06),)})
    told = "perhaps open 3.1s..13.1s"
    assert f"auth {told}" in shown(one_line(unsure))
    assert f"auth: {told}" in summary_md(outcome(unsure))
    assert f'name="breaker.auth" value="{told}"' in junit_xml(outcome(unsure))


def test_evidence_that_there_is_not_is_not_announced(finding, judgement, outcome):
    unclear = judgement(finding(Verdict.INCONCLUSIVE, evidence=""))
    whole = outcome(unclear)
    for text in (
        summary_md(whole),
        junit_xml(whole),
        shown(details(unclear)),
        "\n".join(workflow_commands([unclear])),
    ):
        assert "observed" in text
        assert "evidence" not in text


def test_a_long_line_goes_on_under_its_own_beginning_on_a_terminal_only():
    line = Text("      ✗ it took 12 of 12: ", "red").append("longer than anybody would wait " * 3)
    for terminal in (True, False):
        out = io.StringIO()
        console = Console(
            file=out, width=60, soft_wrap=True, force_terminal=terminal, no_color=True
        )
        console.print(Hanging(line))
        console.print(Hanging(line, margin=16))
        shown = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
        if not terminal:
            assert shown == [line.plain] * 2
            continue
        assert all(len(each) <= 60 for each in shown), shown
        assert {each[:8] for each in shown if "✗" not in each} == {"        "}
        assert " ".join("".join(shown).split()) == " ".join((line.plain * 2).split())
