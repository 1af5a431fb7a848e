// Scenes, packed in the page: unpacked when first asked for, columns back to plain numbers.
// Instants and durations are seconds from here on; NaN stands for what never was.

const UNITS = 10000;
const unpacked = new Map();

function scene(key) {
  if (!unpacked.has(key)) unpacked.set(key, packedScene(key).then((text) => (text ? unpackedText(text).then(JSON.parse).then(readable) : null)));
  return unpacked.get(key);
}

// A scene as the page holds it; one that follows a run asks for it instead.
let packedScene = async (key) => {
  const holder = [...document.querySelectorAll("script.scene")].find((each) => each.dataset.key === key);
  return holder ? holder.textContent : null;
};

async function unpackedText(text) {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

const seconds = (units) => (units === -1 ? NaN : units / UNITS);

function summed(steps) {
  let total = 0;
  return steps.map((step) => (total += step));
}

function readable(data) {
  data.findings.forEach((finding) => {
    finding.at = seconds(finding.at);
    finding.requests = summed(finding.requests);
  });
  if (!data.requests) return data; // it was never played
  const texts = data.texts;
  const text = (place) => texts[place];
  const span = (pair) => pair.map(seconds);
  data.end = seconds(data.end);
  data.duration = seconds(data.duration);
  const r = data.requests;
  r.id = summed(r.id);
  r.number = summed(r.number);
  r.at = summed(r.at).map((each) => each / UNITS);
  r.late = r.late.map((each) => each / UNITS);
  r.took = r.took.map(seconds);
  for (const name of ["route", "user", "error", "body", "headers"]) r[name] = r[name].map(text);
  r.count = r.id.length;
  r.outcome = r.status.map(outcomeOf);
  data.faults.forEach((fault) => {
    fault.at = span(fault.at);
    fault.spells = fault.spells.length ? fault.spells.map(span) : [fault.at];
    fault.planned = span(fault.planned);
  });
  data.upstreams.forEach((upstream, place) => {
    upstream.place = place;
    upstream.changes = upstream.changes.map(([state, at, error, evidence]) => (
      { state, at: at / UNITS, error: error / UNITS, evidence }));
    upstream.perhaps = upstream.perhaps.map(span);
    upstream.reported = upstream.reported.map(([state, since, at]) => (
      { state, since: since / UNITS, at: at / UNITS }));
    upstream.brackets = upstream.brackets.map(([what, sure, ranges]) => (
      { what, sure: Boolean(sure), ranges: ranges.map((pair) => pair.map((each) => each / UNITS)) }));
    upstream.flight = { at: summed(upstream.flight[0]).map((each) => each / UNITS), count: upstream.flight[1] };
    const t = upstream.tries;
    t.at = summed(t.at).map((each) => each / UNITS);
    t.took = t.took.map((each) => each / UNITS);
    t.from = t.from.map((each) => each / UNITS);
    for (const name of ["result", "route", "seen", "met"]) t[name] = t[name].map(text);
    t.count = t.at.length;
    upstream.spells = spellsOf(upstream.changes, data.end);
  });
  data.charges.at = summed(data.charges.at).map((each) => each / UNITS);
  data.charges.user = data.charges.user.map(text);
  data.charges.job = data.charges.job.map(text);
  data.logs.at = summed(data.logs.at).map((each) => each / UNITS);
  for (const name of ["line", "from", "marks", "upstream"]) data.logs[name] = data.logs[name].map(text);
  data.veils = data.veils.map(([from, to, wait, words]) => (
    { from: from / UNITS, to: to / UNITS, wait: wait / UNITS, words }));
  data.troubles = data.troubles.map(([at, words]) => ({ at: at / UNITS, words }));
  data.attemptsOf = attemptsOf(data);
  return data;
}

// Which attempts were made for each request, by its place.
function attemptsOf(data) {
  const found = new Map();
  data.upstreams.forEach((upstream) => {
    upstream.tries.request.forEach((request, attempt) => {
      if (request < 0) return;
      if (!found.has(request)) found.set(request, []);
      found.get(request).push({ upstream, attempt });
    });
  });
  return found;
}

// A breaker's states one after another; each begins and ends somewhere between two instants.
function spellsOf(changes, end) {
  const spells = [];
  let state = "closed", start = [0, 0], evidence = "";
  for (const change of changes) {
    const at = [change.at - change.error, change.at + change.error];
    spells.push({ state, start, end: at, evidence });
    [state, start, evidence] = [change.state, at, change.evidence];
  }
  spells.push({ state, start, end: [end, end], evidence });
  return spells;
}

function outcomeOf(status) {
  if (status === -1) return "?";
  return status === 0 ? "x" : String(status)[0];
}

// The first place in a sorted list whose value is not below another.
function lowerBound(sorted, value) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
