// How instants, durations, outcomes and states are said.

const OUTCOMES = {
  2: { words: "2xx", long: "answered 2xx", shape: "circle" },
  3: { words: "3xx", long: "answered 3xx", shape: "pentagon" },
  4: { words: "4xx", long: "answered 4xx", shape: "triangle" },
  5: { words: "5xx", long: "answered 5xx", shape: "square" },
  x: { words: "no answer", long: "without an HTTP answer", shape: "cross" },
  "?": { words: "cut off", long: "still without an answer when the run ended", shape: "ring" },
  1: { words: "1xx", long: "answered 1xx", shape: "pentagon" },
};
const VERDICTS = {
  failed: ["✗", "failed"],
  inconclusive: ["?", "inconclusive"],
  known: ["~", "known to fail"],
  passed: ["✓", "passed"],
  out_of_scope: ["–", "out of scope"],
  playing: ["▶", "being played"],
};
const STATES = { open: "open", half_open: "half open", closed: "closed" };
const RESULTS = { s: "success", f: "failure", n: "neutral" };

const plain = (number, digits) => String(Number(number.toFixed(digits)));

function instant(at) {
  return `${plain(at, Math.abs(at) < 10 ? 3 : 2)} s`;
}

function duration(took) {
  if (Number.isNaN(took)) return "for ever";
  if (took < 0.001) return "under 1 ms";
  if (took < 1) return `${plain(took * 1000, took < 0.01 ? 1 : 0)} ms`;
  return `${plain(took, 2)} s`;
}

// How long after something else: nothing at all is 0 ms.
const since = (passed) => (passed < 1 ? `${plain(passed * 1000, 1)} ms` : duration(passed));

function range([low, high]) {
  return high - low < 0.02 ? instant((low + high) / 2) : `${plain(low, 2)}..${plain(high, 2)} s`;
}

function plural(count, word, many) {
  return `${count.toLocaleString("en")} ${count === 1 ? word : many || `${word}s`}`;
}

function answerWords(data, k) {
  const r = data.requests;
  if (r.outcome[k] === "?") return "no answer by the run's end";
  if (r.outcome[k] === "x") return `${r.error[k] || "no answer"} after ${duration(r.took[k])}`;
  return `${r.status[k]} in ${duration(r.took[k])}`;
}

const requestName = (data, k) => `${data.streams[data.requests.stream[k]].name} #${data.requests.number[k]}${data.requests.tried[k] > 1 ? ` try ${data.requests.tried[k]}` : ""}`;

function awayWords(data, k) {
  const away = data.requests.away[k];
  return data.upstreams.filter((each) => away & (1 << each.place)).map((each) => each.name);
}

function resultWords(result) {
  const found = [...result].map((each) => RESULTS[each]);
  return found.length === 3 ? "unknown" : found.join(" or ");
}

function tryName(number) {
  if (number === -1) return "attempt, first or not";
  if (number === 0) return "by itself";
  return number === 1 ? "first attempt" : `retry ${number - 1}`;
}

function stateAt(upstream, at) {
  const spell = upstream.spells.findLast((each) => each.start[0] <= at) || upstream.spells[0];
  const unsure = at < spell.start[1] || at > spell.end[0] && spell.end[0] < spell.end[1];
  return { state: spell.state, unsure };
}

function flightAt(upstream, at) {
  const place = lowerBound(upstream.flight.at, at + 1e-9) - 1;
  return place < 0 ? 0 : upstream.flight.count[place];
}

// A command that sends the same request; what stands in braces is the harness's own to fill in.
function curl(data, k) {
  const stream = data.streams[data.requests.stream[k]];
  const [method, path] = splitOnce(data.requests.route[k], " ");
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = [`curl -i -X ${/^[A-Z]+$/.test(method) ? method : quoted(method)} "$GATEWAY"${quoted(path)}`];
  if (stream.with === "bearer") parts.push('-H "Authorization: Bearer $TOKEN"');
  if (stream.with === "cookie") parts.push('-H "Cookie: $COOKIE"');
  if (stream.json) parts.push("-H 'Content-Type: application/json'");
  stream.headers.forEach((header) => parts.push(`-H ${quoted(header)}`));
  if (stream.body) parts.push(`--data-raw ${quoted(stream.body.replaceAll("{number}", data.requests.number[k]))}`);
  return parts.join(" \\\n  ");
}

function splitOnce(text, by) {
  const place = text.indexOf(by);
  return place < 0 ? [text, ""] : [text.slice(0, place), text.slice(place + by.length)];
}
