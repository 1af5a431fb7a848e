"""Scenario files with a mistake each: what is replaced in a good one, the line, the message."""

from __future__ import annotations

GOOD = """\
title: Auth server unreachable for 50 s
claims: [T1]
duration: 80s
traffic:
  chat:
    request: POST /v1/api/chat
    json: {message: hello, project_id: "{project}"}
    as: ada
    rate: 1/s
faults:
  - upstream: auth
    fault: blackhole
    from: 0s
    to: 50s
expect:
  - breaker: auth
    opens: 9s ± 1s
  - during: 10s..68s
    traffic: chat
    status: 401
  - while: auth is open
    upstream: auth
    calls: 0
  - never: {status: 5xx}
"""

# (what is replaced, by what, the line that must be named, a part of the message)
MISTAKES: dict[str, tuple[str, str, int, str]] = {
    # keys
    "unknown key": ("duration: 80s", "durration: 80s", 3, "did you mean 'duration'"),
    "unknown key far from any": ("claims: [T1]", "flavour: x", 2, "known here: title"),
    "key twice": ("claims: [T1]", "title: again", 2, "given twice, first in line 1"),
    "key missing": ("title: Auth server unreachable for 50 s\n", "", 1, "'title' is missing"),
    "duration missing": ("duration: 80s\n", "", 1, "'duration' is missing"),
    "request missing": ("    request: POST /v1/api/chat\n", "", 5, "'request' is missing"),
    "upstream of a fault missing": (
        "  - upstream: auth\n    fault:",
        "  - fault:",
        11,
        "'upstream' is missing",
    ),
    "kind of a fault missing": ("    fault: blackhole\n", "", 11, "'fault' is missing"),
    "kind of a fault misspelt": ("fault: blackhole", "flaut: blackhole", 12, "mean 'fault'"),
    "kind of a fault left blank": ("fault: blackhole", "fault:", 12, "a kind of fault"),
    "unknown key in a stream": ("rate: 1/s", "rates: 1/s", 9, "did you mean 'rate'"),
    "unknown key in a fault": ("from: 0s", "form: 0s", 13, "did you mean 'from'"),
    "unknown key in an expectation": ("calls: 0", "call: 0", 23, "did you mean 'calls'"),
    "a field's name in code": ("from: 0s", "from_: 0s", 13, "did you mean 'from'"),
    "a field that the harness sets": ("claims: [T1]", "file: x", 2, "'file' is not known"),
    "unknown key in never": ("{status: 5xx}", "{statsu: 5xx}", 24, "did you mean 'status'"),
    "key of another form": ("opens: 9s ± 1s", "calls: 3", 17, "'calls' is not known here"),
    "expectation without a form": (
        "  - never: {status: 5xx}",
        "  - status: 200",
        24,
        "begins with one of",
    ),
    "misspelled form": ("  - breaker: auth", "  - braker: auth", 16, "did you mean 'breaker'"),
    "a merge key": ("claims: [T1]", "<<: {a: b}", 2, "'<<' is not known"),
    "an empty key": ("claims: [T1]", ": T1", 2, "a key here"),
    # names
    "unknown kind": ("fault: blackhole", "fault: blackhol", 12, "did you mean 'blackhole'"),
    "kind far from any": ("fault: blackhole", "fault: earthquake", 12, "known: refused"),
    "kind with a dash": ("fault: blackhole", "fault: reply-lost", 12, "'reply_lost'"),
    "unknown upstream": ("  - upstream: auth\n", "  - upstream: aut\n", 11, "'auth'"),
    "unknown upstream in a list": (
        "  - upstream: auth\n",
        "  - upstream: [auth, biling]\n",
        11,
        "did you mean 'billing'",
    ),
    "unknown upstream expected": ("    upstream: auth\n", "    upstream: authh\n", 22, "'auth'"),
    "unknown breaker": ("breaker: auth", "breaker: login", 16, "upstream 'login' is not known"),
    "unknown breaker in while": ("while: auth is", "while: ath is", 21, "did you mean 'auth'"),
    "while a breaker that no fault hits": ("while: auth", "while: git", 21, "no fault hits git"),
    "unknown traffic": ("traffic: chat", "traffic: chatt", 19, "did you mean 'chat'"),
    "unknown user": ("as: ada", "as: adda", 8, "did you mean 'ada'"),
    "unknown user in a list": ("as: ada", "as: [ada, eve]", 8, "user 'eve' is not known"),
    "unknown engine": ("claims: [T1]", "engines: [simm]", 2, "did you mean 'sim'"),
    "no engine left": (
        "claims: [T1]",
        "engines: [sim]\nfaults: [{upstream: auth, fault: disconnect}]",
        3,
        "compose can",
    ),
    "claim": ("claims: [T1]", "claims: [first]", 2, "the id of a claim"),
    "name of a stream": ("  chat:", "  my chat:", 5, "a stream's name"),
    "unknown placeholder": ('"{project}"', '"{projct}"', 7, "did you mean 'project'"),
    "placeholder in the path": ("/v1/api/chat", "/v1/{thing}", 6, "{thing} is not known"),
    "placeholder without a user": ("    as: ada\n", "", 7, "needs a user"),
    "unquoted placeholder": ('"{project}"', "{project}", 7, "quote {project}"),
    # types and quantities
    "duration without unit": ("duration: 80s", "duration: 80", 3, "write 80s"),
    "duration without unit, quoted": ("duration: 80s", 'duration: "80"', 3, "write 80s"),
    "duration with a point": ("from: 0s", "from: 1.5", 13, "write 1.5s"),
    "negative duration": ("from: 0s", "from: -5s", 13, "none is negative"),
    "negative number as duration": ("from: 0s", "from: -5", 13, "none is negative"),
    "unknown unit": ("duration: 80s", "duration: 80 sec", 3, "with its unit"),
    "zero duration": ("duration: 80s", "duration: 0s", 3, "more than 0"),
    "huge duration": ("duration: 80s", "duration: 999999h", 3, "at most 86400"),
    "endless digits": ("from: 0s", f"from: {'9' * 400}s", 13, "with its unit"),
    "huge number": ("from: 0s", f"from: {'9' * 5000}", 13, "too large"),
    "huge exponent": ("from: 0s", "from: 1e999", 13, "too large"),
    "not a number": ("from: 0s", "from: .nan", 13, "not .nan"),
    "infinite": ("duration: 80s", "duration: .inf", 3, "not .inf"),
    "true as duration": ("from: 0s", "from: true", 13, "with its unit"),
    "a unit twice": ("to: 50s", "to: 50s50s", 14, "with its unit"),
    "units out of order": ("to: 50s", "to: 1s 1m", 14, "with its unit"),
    "the end left blank": ("to: 50s", "to:", 14, "not nothing"),
    "the end null": ("to: 50s", "to: null", 14, "not nothing"),
    "window left blank": ("during: 10s..68s", "during: ~", 18, "not nothing"),
    "user left blank": ("as: ada", "as:", 8, "not nothing"),
    "a header left blank": ("as: ada", "as: ada\n    headers: {X: }", 9, "not nothing"),
    "rate as number": ("rate: 1/s", "rate: 1", 9, "a rate such as 1/s"),
    "rate of nothing": ("rate: 1/s", "rate: 0/s", 9, "a rate such as 1/s"),
    "rate too high": ("rate: 1/s", "rate: 100000/s", 9, "requests are planned"),
    "no rate": ("    rate: 1/s\n", "", 5, "expected `rate`"),
    "bad burst": ("rate: 1/s", "count: 50", 9, "such as 50 at 70s"),
    "burst after the end": ("rate: 1/s", "count: 50 at 90s", 9, "would never leave"),
    "true as count": ("rate: 1/s", "rate: 1/s\n    addresses: true", 10, "whole number"),
    "text as count": ("from: 0s", 'first: "4"', 13, "write 4 without quotes"),
    "none of the first": ("from: 0s", "first: 0", 13, "at least 1"),
    "share beyond all": ("from: 0s", "share: 130%", 13, "a share such as 30%"),
    "share of nothing": (
        "fault: blackhole\n    from: 0s",
        "fault: status\n    status: 503\n    share: 0%",
        14,
        "more than 0%",
    ),
    "healthy without a status": ("rate: 1/s", "rate: 1/s\n    healthy: 20", 10, "such as 401"),
    "number as title": ("title: Auth server unreachable for 50 s", "title: 5", 1, 'quotes: "5"'),
    "empty title": ("title: Auth server unreachable for 50 s", "title:", 1, "not nothing"),
    "title of nothing": ("title: Auth server unreachable for 50 s", 'title: ""', 1, "isn't empty"),
    "list as title": ("title: Auth server unreachable for 50 s", "title: [a]", 1, "not a list"),
    "claims as text": ("claims: [T1]", "claims: T1", 2, "expected a list"),
    "status as a set": ("status: 401", "status: {5xx}", 20, "without braces"),
    "status out of range": ("status: 401", "status: 4010", 20, "a status such as 401"),
    "status of no class": ("status: 401", "status: 9xx", 20, "a status such as 401"),
    "latency without sign": ("status: 401", "latency: 100ms", 20, "a bound on a duration"),
    "latency below zero": ("status: 401", "latency: '< 0s'", 20, "less than 0s"),
    "count below zero": ("calls: 0", "calls: -1", 23, "a count such as 0"),
    "counts upside down": ("calls: 0", "calls: 14..12", 23, "a count such as 0"),
    "no tolerance": ("opens: 9s ± 1s", "opens: 9s", 17, "with its tolerance"),
    "contract without tolerance": ("opens: 9s ± 1s", "opens: contract", 17, "a tolerance too"),
    "method missing": ("POST /v1/api/chat", "/v1/api/chat", 6, "a method and a path"),
    "how a token is sent": ("as: ada", "with: cokie", 8, "did you mean 'cookie'"),
    "unknown state": ("auth is open", "auth is ajar", 21, "a breaker's state"),
    "parameter missing": ("fault: blackhole", "fault: latency", 11, "'latency' is missing"),
    "parameter of another kind": ("from: 0s", "jitter: 3s", 13, "'jitter' is not known here"),
    "bad parameter": (
        "fault: blackhole\n    from: 0s",
        "fault: status\n    status: 99",
        13,
        "at least 200",
    ),
    "a rate without end": ("rate: 1/s", "rate: 99999999999999/ms", 9, "requests are planned"),
    "a header with a line end": (
        "rate: 1/s",
        'rate: 1/s\n    headers: {X: "a\\r\\nb"}',
        10,
        "no line ends",
    ),
    "a header with a space": (
        "rate: 1/s",
        "rate: 1/s\n    headers: {a b: c}",
        10,
        "can't name a header",
    ),
    "a header of a fault": (
        "fault: blackhole\n    from: 0s",
        'fault: headers\n    headers: {X: "\\u65e5"}',
        13,
        "beyond Latin-1",
    ),
    "an interim status": (
        "fault: blackhole\n    from: 0s",
        "fault: status\n    status: 101",
        13,
        "at least 200",
    ),
    "the call before the first": (
        "fault: blackhole\n    from: 0s",
        "fault: status\n    status: 503\n    calls: 0..0",
        14,
        "counted from 1",
    ),
    "an escape sequence as title": (
        "title: Auth server unreachable for 50 s",
        'title: "a\\e[31mb"',
        1,
        "printable",
    ),
    # structure
    "traffic as list": (
        "  chat:\n    request",
        "  - name: chat\n    request",
        4,
        "keys and values",
    ),
    "faults as mapping": (
        "  - upstream: auth\n    fault",
        "    upstream: auth\n    fault",
        10,
        "list",
    ),
    "expectation as text": ("  - never: {status: 5xx}", "  - all is well", 24, "begins with"),
    "no traffic": (GOOD[GOOD.index("  chat:") : GOOD.index("faults:")], "", 4, "keys and values"),
    "empty traffic": ("claims: [T1]", "traffic: {}", 2, "at least 1"),
    "no expectation": (GOOD[GOOD.index("  - breaker") :], "", 15, "a list"),
    "never nothing": ("{status: 5xx}", "{}", 24, "at least one of status"),
    "except nothing": ("{status: 5xx}", "{latency: '> 3s', except: 503}", 24, "needs a `status`"),
    "says nothing": ("    status: 401\n", "", 18, "at least one of status"),
    "breaker says nothing": ("    opens: 9s ± 1s\n", "", 16, "at least one of opens"),
    "two windows": (
        "during: 10s..68s",
        "during: 10s..68s\n    while: auth is open",
        19,
        "exclude each other",
    ),
    "two bodies": ("rate: 1/s", "rate: 1/s\n    body: hello", 10, "exclude each other"),
    "first and calls": ("to: 50s", "first: 3\n    calls: 2..3", 15, "keep one of them"),
    "first of a toxic": (
        "fault: blackhole\n    from: 0s",
        "fault: refused\n    first: 3",
        13,
        "hits all calls",
    ),
    "an upstream of the clock": (
        "fault: blackhole",
        "fault: clock_step\n    by: -1h",
        11,
        "drop `upstream`",
    ),
    "calls of the clock": (
        "to: 50s",
        "to: 50s\n  - {fault: clock_step, by: -1h, one_in: 2}",
        15,
        "hits the target itself",
    ),
    "a step of nothing": ("to: 50s", "to: 50s\n  - {fault: clock_step, by: 0s}", 15, "not none"),
    "a step without a unit": (
        "to: 50s",
        "to: 50s\n  - {fault: clock_step, by: -3600}",
        15,
        "write -3600s",
    ),
    "a step by nobody knows": (
        "to: 50s",
        "to: 50s\n  - {fault: clock_step}",
        15,
        "'by' is missing",
    ),
    "no engine that steps clocks": (
        "to: 50s",
        "to: 50s\n  - {fault: clock_step, by: 1h}\nengines: [local, compose]",
        15,
        "sim can",
    ),
    # windows
    "lifted before it begins": ("from: 0s", "from: 60s", 14, "must come after `from`"),
    "fault after the end": (
        "from: 0s\n    to: 50s",
        "from: 90s",
        13,
        "the scenario ends at 80s",
    ),
    "lifted after the end": ("to: 50s", "to: 100s", 14, "the scenario ends at 80s"),
    "window upside down": ("10s..68s", "68s..10s", 18, "before it begins"),
    "window of nothing": ("10s..68s", "10s..10s", 18, "is empty"),
    "window without units": ("10s..68s", "10..68", 18, "write 10s"),
    "window as one instant": ("10s..68s", "10s", 18, "a window such as"),
    "window after the end": ("10s..68s", "80s..end", 18, "after the scenario's end"),
    "window beyond the end": ("10s..68s", "10s..90s", 18, "write `end`"),
    "window without a request": ("10s..68s", "10.2s..10.8s", 18, "nothing to judge"),
    "requests that are not sent": (
        "status: 401",
        "status: 401\n    requests: '#90'",
        21,
        "nothing to judge",
    ),
    "opens after the end": ("9s ± 1s", "90s ± 1s", 17, "can't be seen"),
    "closes before it opens": ("9s ± 1s", "9s ± 1s\n    closes: 5s ± 1s", 18, "not after 9s"),
    "probes before it opens": ("9s ± 1s", "9s ± 1s\n    probes: [5s ± 1s]", 18, "not after 9s"),
    "closes what never opens": ("9s ± 1s", "never\n    closes: 70s ± 1s", 18, "contradicts"),
    "two statuses for one request": (
        "  - while: auth is open",
        "  - {during: 60s..70s, traffic: chat, status: 5xx}\n  - while: auth is open",
        21,
        "#61 is to be answered 401 already",
    ),
    "first rejection never sent": (
        "opens: 9s ± 1s",
        "first_rejection: '#81'",
        17,
        "no more than 80",
    ),
    "first rejection of unknown traffic": (
        "opens: 9s ± 1s",
        "first_rejection: 10\n    traffic: cat",
        18,
        "did you mean 'chat'",
    ),
    "same fault twice": (
        "to: 50s",
        "to: 50s\n  - {upstream: auth, fault: blackhole, from: 40s, to: 60s}",
        15,
        "already in 40s..50s",
    ),
    "0% of the requests": ("status: 401", "status: 401\n    at_least: 0%", 21, "more than 0%"),
    # YAML
    "tab": ("  chat:", "\tchat:", 5, "tab"),
    "no colon": ("duration: 80s", "duration 80s", 3, "a colon after the key"),
    "two colons": ("title: Auth", "title: Auth: a", 1, "a colon doesn't belong here"),
    "quote not closed": ("title: Auth", 'title: "Auth', 1, "a quote is not closed"),
    "brace not closed": ('"{project}"}', '"{project}"', 7, "'{' is not closed"),
    "bracket not closed": ("[T1]", "[T1", 2, "'[' is not closed"),
    "dedented item": ("  - never", " - never", 24, "indentation"),
    "indented key": ("    as: ada", "     as: ada", 8, "indentation"),
    "comparison unquoted": ("status: 401", "latency: > 100ms", 20, "quote a text that begins"),
    "percent unquoted": ("from: 0s", "share: %30", 13, "quote a text that begins with %"),
    "unknown alias": ("as: ada", "as: *ada", 8, "&ada is not defined"),
    "an object": ("as: ada", "as: !!python/object:os.system {}", 8, "!!python/object:os.system"),
    "a tag": ("as: ada", "as: !!binary aGFsbG8=", 8, "!!binary is not allowed"),
    "alias within itself": ('{message: hello, project_id: "{project}"}', "&x [*x]", 7, "inside"),
    "nested beyond sense": ("hello", "[" * 60 + "]" * 60, 7, "deeper"),
    "second document": ("expect:", "---\nexpect:", 15, "second document"),
    "second document after an end": ("expect:", "...\nexpect:", 16, "second document"),
    "a placeholder as text": ("claims: [T1]", "replays: {project}", 2, 'quotes: "{project}"'),
    "list as key": ("as: ada", "? [a]\n    : b", 8, "expected a word as key"),
    "control character": ("hello", "hel\x07lo", 7, "control character"),
    "windows line ends": ("duration: 80s", "duration: 80\r", 3, "write 80s"),
}
