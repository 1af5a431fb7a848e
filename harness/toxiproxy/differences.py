"""Where the embedded proxy differs from Toxiproxy 2.12 on purpose, and what surprises in both.

Data for the docs, `outage doctor` and the contract tests, which refer to the ids.
"""

from __future__ import annotations

from harness.frozen import Frozen


class Difference(Frozen, kw_only=True):
    """One behaviour that was not copied."""

    id: str
    real: str
    """What Toxiproxy 2.12 does."""
    embedded: str
    """What the embedded proxy does."""
    why: str


class Surprise(Frozen, kw_only=True):
    """One behaviour that both have and that a scenario author may not expect."""

    id: str
    text: str


DIFFERENCES = (
    Difference(
        id="api-never-waits",
        real="adding, changing or removing a toxic waits for every connection of that direction, "
        "so a peer that doesn't read hangs it, then GET /proxies too, until 503 after 25 s",
        embedded="answers at once; the change holds for the connection's next chunk",
        why="a fault must be liftable whatever the client does",
    ),
    Difference(
        id="nothing-dropped-on-removal",
        real="a chunk that can't be written within 5 s of a toxic's removal is dropped, and the "
        "stream goes on without it",
        embedded="keeps it until it can be written",
        why="a hole in a TCP stream is no fault that a network can have",
    ),
    Difference(
        id="slicer-crash",
        real="average_size of 0 (the default) or less ends the server process at the first byte; "
        "size_variation above average_size can cut outside the chunk, and end it too",
        embedded="slices nothing when average_size is 0 or less; cuts stay inside the chunk",
        why="one wrong attribute must not end all proxies",
    ),
    Difference(
        id="negative-bandwidth",
        real="a negative rate ends the server process at the first byte",
        embedded="holds everything, as rate 0 does",
        why="one wrong attribute must not end all proxies",
    ),
    Difference(
        id="seed",
        real="-seed has no effect: no run is repeatable",
        embedded="--seed repeats toxicity, jitter and slices, by proxy name and connection number",
        why="a failure that was found by chance should be replayable",
    ),
    Difference(
        id="dials-side-by-side",
        real="dials the upstream in the accept loop: one unanswered dial holds up all new clients, "
        "disable and delete",
        embedded="dials for each client apart; disable and delete give the dial up",
        why="a fault must be liftable whatever the upstream does",
    ),
    Difference(
        id="kept-port",
        real="a disabled proxy's port is anybody's: any connection made meanwhile may get it, and "
        "enabling fails",
        embedded="keeps a port that the system chose, and refuses all clients there",
        why="a fault must be liftable on a busy machine",
    ),
    Difference(
        id="accept-error",
        real="any error while accepting (too many open files) ends the listener for good, while "
        "`enabled` stays true",
        embedded="goes on accepting after a tenth of a second",
        why="a proxy that says it is enabled should be",
    ),
    Difference(
        id="reset-peer-linger",
        real="connections opened while a reset_peer toxic exists end with RST for ever, even at "
        "toxicity 0 and after its removal",
        embedded="they end with RST only while the toxic is there and was drawn for them",
        why="faults must not outlive their removal",
    ),
    Difference(
        id="reset-peer-wait",
        real="while reset_peer waits, changes of its direction's toxics wait along",
        embedded="answers at once; the reset comes at its time all the same",
        why="a fault must be liftable at its instant",
    ),
    Difference(
        id="bandwidth-schedule",
        real="every slice starts after the last one was handed on, so delays add up",
        embedded="slices keep to their schedule: being woken late does not lower the rate",
        why="the rate is what was asked for, on a busy machine too",
    ),
    Difference(
        id="api-port-taken",
        real="logs that the API port is taken and lives on without API",
        embedded="says so in one line and ends with status 2",
        why="nobody could ever talk to it",
    ),
    Difference(
        id="api-address-logged",
        real="the log repeats the API address as asked for",
        embedded="the log line `Starting Toxiproxy HTTP server` has the bound address, so port 0 "
        "can be asked for",
        why="worlds side by side need ports that nobody has to guess",
    ),
    Difference(
        id="lookup-message",
        real="an unknown host's error names the DNS server: `lookup x on 10.0.0.1:53: no such`...",
        embedded="`lookup x: no such host`",
        why="the system's resolver doesn't say whom it asked",
    ),
    Difference(
        id="api-port-checked",
        real="takes any text for -port, and lives on without API where it is none",
        embedded="takes a number from 0 to 65535, or says so and ends with status 2; likewise for "
        "words after the flags, which the real one skips with all flags behind them",
        why="nobody could ever talk to it",
    ),
    Difference(
        id="body-bounded",
        real="reads a request's body however long it is",
        embedded="answers 413 to more than 256 KiB: some thousand proxies or toxics",
        why="one thread plays the toxics, too, and each must be on time",
    ),
    Difference(
        id="token",
        real="obeys whoever reaches its port",
        embedded="the same when you start it; where OUTAGE_CONTROL_TOKEN is set, as in a run, only "
        "who shows it as a bearer token: others get 401",
        why="what else runs on this machine must not change a run's faults",
    ),
    Difference(
        id="quieter-log",
        real="logs trace lines, and `Source terminated` about once for each connection",
        embedded="logs `Source terminated` for failed reads only, and no trace lines",
        why="a warning for every ordinary close hides the others",
    ),
    Difference(
        id="metrics",
        real="/metrics answers when started with -proxy-metrics or -runtime-metrics",
        embedded="takes the flags, and its log says that /metrics is always 404",
        why="the journal tells more; nothing here reads Prometheus",
    ),
)
"""Kept apart on purpose; each id has a contract test, or says itself why it needs none."""

SURPRISES = (
    Surprise(
        id="timeout-restarts",
        text="timeout counts silence: each chunk starts it anew, so a talkative sender never trips "
        "it, and data is dropped from the very start",
    ),
    Surprise(
        id="timeout-removal-closes",
        text="removing a timeout toxic, also by reset, closes every connection of the proxy, even "
        "those that its toxicity spared",
    ),
    Surprise(
        id="removal-delivers",
        text="what a latency, bandwidth or slicer toxic held is delivered at once, in order, when "
        "it is removed",
    ),
    Surprise(
        id="change-releases",
        text="changing a toxic, or adding or removing the one behind it, releases the chunk it "
        "holds at once",
    ),
    Surprise(
        id="toxicity-by-connection",
        text="toxicity is drawn for each connection and direction, not for each request: a "
        "kept-alive pool is all hit or all spared",
    ),
    Surprise(
        id="toxicity-redrawn",
        text="toxicity is drawn again when the toxic is updated, and when the toxic behind it "
        "comes or goes",
    ),
    Surprise(
        id="downstream-executes",
        text="toxics default to downstream: the request reaches the service and takes effect, only "
        "the answer is lost",
    ),
    Surprise(
        id="connect-succeeds",
        text="an enabled proxy completes every connect, whatever its toxics or upstream; refused "
        "connections only come from a disabled or deleted proxy",
    ),
    Surprise(
        id="reset-needs-data",
        text="reset_peer acts on the first bytes or end of its direction: an idle connection is "
        "never reset, and one that is older than the toxic is closed, not reset",
    ),
    Surprise(
        id="no-half-close",
        text="the end of one direction closes the whole connection: a client that shuts down its "
        "writing half loses its reply",
    ),
    Surprise(
        id="rst-becomes-fin",
        text="a reset by one side reaches the other as an ordinary close",
    ),
    Surprise(
        id="limit-exact",
        text="limit_data closes as soon as its count is reached, even exactly",
    ),
    Surprise(
        id="stall-by-bandwidth",
        text="bandwidth at rate 0 holds data, and the close behind it, and delivers it when lifted",
    ),
    Surprise(
        id="browsers-refused",
        text="API clients whose User-Agent begins with `Mozilla/` are answered 403",
    ),
    Surprise(
        id="reset-starts-all",
        text="POST /reset also starts proxies that were disabled on purpose",
    ),
    Surprise(
        id="populate-keeps",
        text="populate leaves a proxy with the same listen and upstream alone, toxics and all, and "
        "ignores the given `enabled`; port 0 always counts as different",
    ),
)
"""The same in both; each is a case in tests/contract."""


def as_markdown() -> str:
    """The page for people: what surprises in both, then what differs on purpose."""
    lines = [
        "# The embedded proxy and Toxiproxy",
        "",
        "`outage proxy --host H --port P` is a server with Toxiproxy 2.12's HTTP API and toxics.",
        "It takes what Toxiproxy is started with, in Go's spellings: `-host=0.0.0.0 -config FILE`,",
        "`-port`, `-seed`, `-version`. A `-config` file is what `POST /populate` takes; if it",
        "can't be used, both say so in the log and serve without it. The API listens on loopback",
        "unless `-host` names another; each proxy listens where its own `listen` says.",
        "",
        "The cases in `tests/contract` run against both. This page is printed from",
        "`harness/toxiproxy/differences.py`: `outage proxy --differences`.",
        "",
        "## What may surprise you in both",
        "",
        *(f"- **{surprise.id}**: {surprise.text}." for surprise in SURPRISES),
        "",
        "## What the embedded proxy does differently, on purpose",
    ]
    for item in DIFFERENCES:
        lines += [
            "",
            f"### {item.id}",
            "",
            f"- Toxiproxy: {item.real}.",
            f"- embedded: {item.embedded}.",
            f"- why: {item.why}.",
        ]
    return "\n".join(lines) + "\n"
