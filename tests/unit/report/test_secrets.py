from __future__ import annotations

import io

import pytest
import yaml
from rich.console import Console

from harness.report.junit import junit_xml
from harness.report.markdown import summary_md
from harness.report.results import results_json
from harness.report.secrets import clean, clean_source
from harness.report.text import details
from harness.verdict import Verdict

SECRET = "s3cr3t-Value.x"


def texts(finding, judgement, outcome, text):
    """Every report, with a text in every place that can hold one."""
    bad = finding(
        Verdict.FAILED, name=text, expected=text, observed=text, evidence=text, because=text
    )
    judged = judgement(bad, title=text, notes=(text,))
    stream = io.StringIO()
    Console(file=stream, soft_wrap=True).print(details(judged))
    whole = outcome(judged)
    return [results_json(whole), junit_xml(whole), summary_md(whole), stream.getvalue()]


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: {SECRET}",
        'headers: {"Authorization": "Bearer s3cr3tletters"}',
        f"sent Bearer {SECRET} to auth",
        f"Set-Cookie: auth_token={SECRET}; HttpOnly",
        f"auth_token={SECRET}; HttpOnly",
        f"cookie: session={SECRET}",
        f"Cookie: theme=dark; sid={SECRET}",
        f'headers: {{Cookie: "theme=dark; sid={SECRET}"}}',
        f"""{{'cookie': 'a=b; sid={SECRET}', "x": 1}}""",
        f"Set-Cookie: a=b; Path=/, sid={SECRET}; Secure",
        f'{{"token": "{SECRET}", "user": "ada"}}',
        f'{{"password": "{SECRET}"}}',
        f"password={SECRET}&email=ada",
        f"api_key: {SECRET}",
        f"X-INTERNAL-TOKEN: {SECRET}",
        "eyJhbGciOiJIUzI1NiJ9.s3cr3t-Value.xyz",
    ],
)
def test_secrets_reach_no_report(finding, judgement, outcome, text):
    for report in texts(finding, judgement, outcome, text):
        assert "s3cr3t" not in report


@pytest.mark.parametrize(
    "text",
    [
        "chat sets the cookie auth_token, HttpOnly",
        "200 with degraded: false for 1 of 1",
        "the target has no upstream git",
        "answers token: null",
        "the cookie doesn't stand in for a bearer token that fails",
        "401 for 58 of 58 requests (#11-#68)",
    ],
)
def test_what_is_no_secret_is_left_alone(text):
    assert clean(text) == text


def test_a_cleaned_scenario_is_still_yaml_and_keeps_its_placeholders():
    source = """\
traffic:
  login:  # a comment
    request: POST /v1/api/auth/login
    json: {email: "{email}", password: "{password}"}
  wrong:
    json: {email: "{email}", password: hunter2-s3cr3t}
    headers: {Authorization: "Bearer s3cr3t-token", X-Api-Key: s3cr3t}
    with: nothing
"""
    text = clean_source(source)
    assert "s3cr3t" not in text
    loaded = yaml.safe_load(text)["traffic"]
    assert loaded["login"]["json"]["password"] == "{password}"
    assert loaded["wrong"]["json"]["password"] == "redacted"
    assert "# a comment" in text
    assert clean_source(text) == text
