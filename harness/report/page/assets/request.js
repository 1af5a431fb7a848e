// One request's way: from the client to the gateway and on to each upstream, its answer, the log
// around it, and a command that sends it again.

const AROUND_S = 0.25;
const MOST_LINES = 60;

function requestPanel(view, k) {
  const data = view.data, r = data.requests;
  const away = awayWords(data, k);
  const facts = [
    ["sent", `${instant(r.at[k])}${Math.abs(r.late[k]) > 0.0005 ? ` (${duration(Math.abs(r.late[k]))} ${r.late[k] > 0 ? "late" : "early"})` : ""}`],
    ["answered", Number.isNaN(r.took[k]) ? "not by the run's end" : `${instant(r.at[k] + r.took[k])}, after ${duration(r.took[k])}`],
    ["as", r.user[k] || "nobody"],
  ];
  if (away.length) facts.push(["turned away", `by the open breaker of ${away.join(", ")}: no attempt was made`]);
  if (r.error[k]) facts.push(["error", r.error[k]]);
  const command = make("pre", { class: "code", tabindex: "0" }, curl(data, k));
  const title = make("h2", { tabindex: "-1", id: "request-title" }, legendMark(r.outcome[k], r.away[k] > 0), ` ${requestName(data, k)} `,
    make("span", { class: "answer" }, answerWords(data, k)));
  return make("aside", { class: "panel", "aria-labelledby": "request-title" },
    make("div", { class: "panel-head" },
      title,
      make("div", { class: "panel-buttons" },
        button("‹", { "aria-label": "The request before", onclick: () => nextRequest(view, -1) }),
        button("›", { "aria-label": "The next request", onclick: () => nextRequest(view, 1) }),
        button("✕", { "aria-label": "Close", onclick: () => view.choose(-1) }))),
    make("p", { class: "route" }, make("code", {}, r.route[k])),
    make("dl", { class: "facts" }, facts.map(([name, words]) => [make("dt", {}, name), make("dd", {}, words)])),
    make("h3", {}, "Its way"), way(view, k),
    findingsOf(data, k),
    make("h3", {}, "Answer"),
    r.headers[k] ? make("details", {}, make("summary", {}, "Header fields"), make("pre", { class: "code", tabindex: "0" }, r.headers[k])) : "",
    r.body[k] ? make("pre", { class: "code", tabindex: "0" }, laidOut(r.body[k])) : make("p", { class: "quiet" }, "no body"),
    make("h3", {}, "Again"),
    command,
    make("p", { class: "small" }, button("Copy", { class: "copy", onclick: () => copy(command.textContent, command) }),
      " The harness fills in what stands in braces; $GATEWAY, $TOKEN and $COOKIE are yours."),
    make("h3", {}, "Log around it"), linesAround(data, r.at[k], Number.isNaN(r.took[k]) ? data.end : r.at[k] + r.took[k]));
}

function nextRequest(view, by) {
  const next = view.neighbour(by);
  if (next < 0) say("There is no other request");
  else view.choose(next);
}

function laidOut(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function findingsOf(data, k) {
  const named = data.findings.filter((each) => each.requests.includes(k));
  if (!named.length) return "";
  return [make("h3", {}, "Named by"), make("ul", { class: "plain" }, named.map((each) => (
    make("li", {}, sign(each.verdict), " ", each.name))))];
}

// Bars on the request's own clock: the client's wait, then each attempt, in the order made.
function way(view, k) {
  const data = view.data, r = data.requests;
  const start = r.at[k];
  const attempts = (data.attemptsOf.get(k) || []).map((each) => ({ ...each, t: each.upstream.tries }))
    .sort((one, other) => one.t.at[one.attempt] - other.t.at[other.attempt]);
  const ends = attempts.map(({ t, attempt }) => t.at[attempt] + t.took[attempt]);
  const end = Math.max(Number.isNaN(r.took[k]) ? data.end : start + r.took[k], ...ends, start + 0.0001);
  const share = (at) => `${Math.min(100, Math.max(0, ((at - start) / (end - start)) * 100))}%`;
  const row = (name, from, to, kind, words) => make("li", {},
    make("span", { class: "way-name" }, name),
    make("span", { class: "way-track", "aria-hidden": "true" },
      make("span", { class: `way-bar ${kind}`, style: { left: share(from), width: `max(3px, calc(${share(to)} - ${share(from)}))` } })),
    make("span", { class: "way-words" }, words));
  const client = row("client → gateway", start, Number.isNaN(r.took[k]) ? end : start + r.took[k], `o-${r.outcome[k] === "?" ? "none" : r.outcome[k]}`, answerWords(data, k));
  const made = attempts.map(({ upstream, attempt, t }) => {
    const result = t.result[attempt];
    const kind = result === "s" ? "o-2" : result === "f" ? "o-5" : "unsure";
    return row(`gateway → ${upstream.name}`, t.at[attempt], t.at[attempt] + t.took[attempt], kind,
      `${tryName(t.number[attempt])}, at +${since(Math.max(0, t.at[attempt] - start))}: ${t.status[attempt] ? `${t.status[attempt]}, ` : ""}${resultWords(result)} in ${duration(t.took[attempt])}${t.route[attempt] ? ` · ${t.route[attempt]}` : ""}${t.met[attempt] ? ` · may have met fault ${t.met[attempt].replaceAll(" ", ", ")}` : ""}${t.seen[attempt] === "latency" ? " · implied by a wait, seen by nobody" : ""}`);
  });
  const away = awayWords(data, k).map((name) => make("li", {},
    make("span", { class: "way-name" }, `gateway → ${name}`), make("span", { class: "way-track" }),
    make("span", { class: "way-words" }, "not asked: its breaker was open")));
  const none = !made.length && !away.length ? [make("li", { class: "quiet" }, "No attempt at an upstream is known to have been made for it.")] : [];
  return make("ol", { class: "way" }, client, made, away, none);
}

function linesAround(data, from, to) {
  const l = data.logs;
  const first = lowerBound(l.at, from - AROUND_S), last = lowerBound(l.at, to + AROUND_S);
  if (first >= last) return make("p", { class: "quiet" }, "no line");
  const places = [...Array(Math.min(last - first, MOST_LINES)).keys()].map((each) => first + each);
  return make("div", {},
    make("ol", { class: "log", tabindex: "0", "aria-label": "Log lines" }, places.map((k) => (
      make("li", { class: l.marks[k] ? "marked" : "" }, make("time", {}, `${l.at[k].toFixed(2)} s`), " ", l.line[k])))),
    last - first > MOST_LINES ? make("p", { class: "small" }, `and ${plural(last - first - MOST_LINES, "more line")}: see the tables below`) : "");
}
