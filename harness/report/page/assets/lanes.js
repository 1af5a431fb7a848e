// The lanes of a scenario: what each shows, how it draws itself, and what lies under the pointer.
//
// A lane has a `name`, a `note` below it, a `height` in pixels, a vertical scale `y` (from the
// bottom to the top, its `ticks`, and whether it is `log`), `words` that say in short what it
// shows, and functions: `draw(pen, view)`, `at(view, time, level, near)` for what is to be said of
// a place, `click(view, time, level, near)`.

const FLOOR_S = 0.001;
const ROW = 20;

function lanesOf(view) {
  const data = view.data;
  const lanes = [];
  if (data.faults.length) lanes.push(faultLane(data));
  data.streams.forEach((stream, k) => lanes.push(streamLane(data, stream, k)));
  for (const upstream of data.upstreams) {
    if (!view.all && !isShown(upstream)) continue;
    lanes.push(breakerLane(data, upstream), attemptLane(data, upstream), flightLane(data, upstream));
  }
  if (data.charges.at.length) lanes.push(chargeLane(data));
  if (data.logs.at.length) lanes.push(logLane(data));
  return lanes.filter(Boolean);
}

const isShown = (upstream) => upstream.concerned || upstream.changes.length > 0;

function faultLane(data) {
  const rows = data.faults.length;
  return {
    kind: "faults", name: "Faults", note: "in force, with the calls each met",
    height: rows * ROW + 4, y: { from: rows, to: 0, ticks: [] },
    words: data.faults.map((each) => `${faultWords(each)}`).join("; "),
    draw: (pen) => data.faults.forEach((fault, row) => {
      const top = row * ROW + 3, height = ROW - 4;
      for (const [from, to] of fault.spells) pen.box(from, to, top, height, colour("fault-strong"));
      pen.label(fault.at[0], fault.at[1], top, height,
        `${fault.n} ${fault.kind} ${fault.on} · ${fault.met}`, colour("fault-ink"));
    }),
    at: (view, time, level) => {
      const fault = data.faults[Math.floor(level)];
      return fault && inForce(fault, time) ? faultWords(fault) : "";
    },
    click: (view, time, level) => {
      const fault = data.faults[Math.floor(level)];
      if (fault) lightFault(view, fault);
    },
  };
}

const inForce = (fault, at) => fault.spells.some(([from, to]) => from <= at && at <= to);

const times = (fault) => fault.spells.length > 1 ? `, ${fault.spells.length} times` : "";

const faultWords = (each) => `fault ${each.n}, ${each.kind} on ${each.on}, ${range([each.at[0], each.at[0]])} to ${instant(each.at[1])}${times(each)}, ${each.met}${each.note ? ` (${each.note})` : ""}`;

// The requests whose attempts a fault may have met.
function lightFault(view, fault) {
  const met = new Set();
  for (const upstream of view.data.upstreams) {
    upstream.tries.met.forEach((numbers, k) => {
      const request = upstream.tries.request[k];
      if (request >= 0 && numbers.split(" ").includes(String(fault.n))) met.add(request);
    });
  }
  view.light([...met], `fault ${fault.n}, ${fault.kind} on ${fault.on}: requests with attempts that it may have met`);
}

// What went wrong is drawn last, on top of what went well.
const ON_TOP = { 1: 0, 2: 0, 3: 1, 4: 2, "?": 3, 5: 4, x: 5 };

function streamLane(data, stream, place) {
  const r = data.requests;
  const own = [];
  let most = 0.01;
  for (let k = 0; k < r.count; k += 1) {
    if (r.stream[k] !== place) continue;
    own.push(k);
    const took = Number.isNaN(r.took[k]) ? data.end - r.at[k] : r.took[k];
    if (took > most) most = took;
  }
  own.sort((one, other) => ON_TOP[r.outcome[one]] - ON_TOP[r.outcome[other]] || one - other);
  const counts = {};
  own.forEach((k) => { counts[r.outcome[k]] = (counts[r.outcome[k]] || 0) + 1; });
  const height = (k) => Math.max(FLOOR_S, Number.isNaN(r.took[k]) ? data.end - r.at[k] : r.took[k]);
  return {
    kind: "stream", name: stream.name, note: stream.request, stream: place, height: 104,
    y: { from: FLOOR_S * 0.6, to: most * 2.2, ticks: [0.001, 0.01, 0.1, 1, 10, 100, 1000].filter((each) => each < most * 1.1), log: true },
    words: `${plural(own.length, "request")}: ${Object.entries(counts).map(([outcome, count]) => `${count} ${OUTCOMES[outcome].long}`).join(", ") || "none"}`,
    draw: (pen, view) => {
      const many = own.length > 3000;
      const radius = many ? 2.6 : 4.4;
      const order = view.lit ? [...own].sort((one, other) => view.lit.has(one) - view.lit.has(other)) : own;
      for (const k of order) {
        if (r.at[k] < view.from || r.at[k] > view.to || !view.visible(k)) continue;
        const dim = view.lit && !view.lit.has(k);
        pen.mark(r.at[k], height(k), r.outcome[k], dim ? radius * 0.8 : view.lit ? radius * 1.25 : radius, r.away[k] > 0, dim ? 0.22 : 1);
      }
      const k = view.chosen;
      if (k >= 0 && r.stream[k] === place) pen.ring(r.at[k], height(k), 9);
    },
    at: (view, time, level, near) => {
      const k = nearestMark(view, place, time, level, near, height);
      return k < 0 ? "" : `${requestName(data, k)} sent at ${instant(r.at[k])}: ${answerWords(data, k)}`;
    },
    click: (view, time, level, near) => {
      const k = nearestMark(view, place, time, level, near, height);
      view.choose(k);
    },
  };
}

// The mark nearest to the pointer, if it is near at all; `near` measures in pixels.
function nearestMark(view, stream, time, level, near, height) {
  const r = view.data.requests;
  const k = view.nearest(time, { stream, distance: (each) => near(r.at[each], height(each)) });
  return k >= 0 && near(r.at[k], height(k)) < 28 ? k : -1;
}

// None where no breaker is promised and nothing was seen of one.
function breakerLane(data, upstream) {
  // What else explains its attempts is said above the timeline, and no state of a breaker.
  const seen = [upstream.changes, upstream.perhaps, upstream.reported, upstream.brackets, upstream.never];
  if (!upstream.promised && !seen.some((each) => each.length)) return null;
  const reported = upstream.reported.length > 0;
  const rows = 1 + (reported ? 1 : 0);
  const bracketRow = upstream.brackets.length || upstream.never.length ? 16 : 0;
  return {
    kind: "breaker", name: `${upstream.name} breaker`, note: upstream.settings,
    height: bracketRow + rows * ROW + 6, y: { from: 1, to: 0, ticks: [] },
    rows: [...(bracketRow ? [["expected", bracketRow]] : []), ["inferred", ROW], ...(reported ? [["reported", ROW]] : [])],
    words: [
      upstream.spells.map((each) => `${STATES[each.state]} from ${range(each.start)}`).join(", "),
      ...upstream.perhaps.map((pair) => `may have been open: ${range(pair)}`),
      ...upstream.brackets.map(bracketWords), ...upstream.never.map((what) => `expected: never ${what}`),
      ...upstream.causes, ...upstream.conflicts,
    ].join("; "),
    draw: (pen) => {
      bracketsOf(upstream).forEach((each) => pen.bracket(each.pair, 3, bracketRow - 3, each.words, each.sure));
      if (upstream.never.length) pen.words(`never ${upstream.never.join(", ")}`, 3, bracketRow - 3, upstream.brackets.length > 0);
      upstream.spells.forEach((spell) => pen.state(spell.state, spell.start, spell.end, bracketRow + 3, ROW - 4));
      upstream.perhaps.forEach((pair) => pen.state("open", pair, [pair[1], pair[1]], bracketRow + 3, ROW - 4));
      upstream.reported.forEach((each, k) => {
        const next = upstream.reported[k + 1];
        const end = next ? [next.since, next.at] : [data.end, data.end];
        pen.state(each.state, [each.since, each.at], end, bracketRow + ROW + 3, ROW - 6);
      });
    },
    at: (view, time) => {
      const { state, unsure } = stateAt(upstream, time);
      const told = upstream.reported.findLast((each) => each.at <= time);
      const perhaps = upstream.perhaps.some((pair) => pair[0] <= time && time <= pair[1]);
      return `${upstream.name} breaker ${STATES[state]}${perhaps ? ", or open: the evidence leaves it open" : unsure ? ", or just changing" : ""}${told ? `, reported ${told.state.replace("_", " ")}` : ""}`;
    },
    click: (view, time) => {
      const window = upstream.spells.find((each) => each.start[0] <= time && time < each.end[1]);
      if (!window || window.state !== "open") return;
      const bit = 1 << upstream.place;
      const r = data.requests;
      const away = [...r.away.keys()].filter((k) => r.away[k] & bit && r.at[k] >= window.start[0] && r.at[k] <= window.end[1]);
      view.light(away, `turned away by the open breaker of ${upstream.name}`);
    },
  };
}

// Brackets that overlap are drawn as one, with all their words: a probe and the closing after it.
function bracketsOf(upstream) {
  const all = upstream.brackets.flatMap((each) => each.ranges.map((pair) => ({ pair: [...pair], words: each.what, sure: each.sure })));
  const found = [];
  for (const each of all.sort((one, other) => one.pair[0] - other.pair[0])) {
    const last = found[found.length - 1];
    if (last && each.pair[0] <= last.pair[1]) {
      last.pair[1] = Math.max(last.pair[1], each.pair[1]);
      if (!last.words.includes(each.words)) last.words += `, ${each.words}`;
      last.sure = last.sure || each.sure;
    } else found.push(each);
  }
  return found;
}

const bracketWords = (each) => `expected: ${each.what} at ${each.ranges.map(range).join(" or ")}${each.sure ? "" : ", or not at all"}`;

const rowName = (number) => (number < 0 ? "unclear" : number === 0 ? "by itself" : number === 1 ? "first" : `retry ${number - 1}`);

function attemptLane(data, upstream) {
  const t = upstream.tries;
  if (!t.count) return null;
  const numbers = [...new Set(t.number)].sort((one, other) => (one > 0 ? one : 99 - one) - (other > 0 ? other : 99 - other));
  const rowOf = new Map(numbers.map((number, row) => [number, row]));
  const height = 18;
  return {
    kind: "attempts", name: `${upstream.name} attempts`, note: `${plural(t.count, "attempt")}`,
    height: numbers.length * height + 6, y: { from: numbers.length, to: 0, ticks: [] },
    rows: numbers.map((number) => [rowName(number), height]),
    words: numbers.map((number) => `${plural(t.number.filter((each) => each === number).length, tryName(number))}`).join(", "),
    draw: (pen, view) => {
      for (let k = 0; k < t.count; k += 1) {
        if (t.at[k] > view.to || t.at[k] + t.took[k] < view.from) continue;
        const request = t.request[k];
        if (request >= 0 && !view.visible(request)) continue;
        const lit = request >= 0 && (view.lit && view.lit.has(request) || request === view.chosen);
        pen.attempt(t, k, rowOf.get(t.number[k]) * height + 4, height - 4, view.lit && !lit ? 0.15 : lit ? 1 : 0.75, request === view.chosen && request >= 0);
      }
    },
    at: (view, time, level, near) => {
      const k = attemptAt(view, upstream, numbers[Math.floor(level)], time, near);
      return k < 0 ? "" : attemptWords(upstream, k);
    },
    click: (view, time, level, near) => {
      const k = attemptAt(view, upstream, numbers[Math.floor(level)], time, near);
      view.choose(k < 0 ? -1 : t.request[k]);
    },
  };
}

function attemptAt(view, upstream, number, time, near) {
  const t = upstream.tries;
  let best = -1, least = 10;
  for (let k = 0; k < t.count; k += 1) {
    if (t.number[k] !== number) continue;
    const inside = t.at[k] <= time && time <= t.at[k] + t.took[k];
    const far = Math.min(near(t.at[k]), inside ? 5 : near(t.at[k] + t.took[k]));
    if (far < least) [best, least] = [k, far];
  }
  return best;
}

function attemptWords(upstream, k) {
  const t = upstream.tries;
  const ended = t.from[k] > 0.001 ? `in ${range([t.took[k] - t.from[k], t.took[k]])}` : `in ${duration(t.took[k])}`;
  const status = t.status[k] ? `${t.status[k]}, ` : "";
  return `${tryName(t.number[k])} at ${upstream.name}${t.route[k] ? ` ${t.route[k]}` : ""} at ${instant(t.at[k])}: ${status}${resultWords(t.result[k])} ${ended}, ${t.seen[k] === "latency" ? "implied by a wait" : `seen by the ${t.seen[k]}`}`;
}

function flightLane(data, upstream) {
  const { at, count } = upstream.flight;
  if (!at.length) return null;
  const most = count.reduce((one, other) => Math.max(one, other), 1);
  return {
    kind: "flight", name: `${upstream.name} in flight`, note: `at most ${most} at once`, height: 44,
    y: { from: most * -0.15, to: most * 1.15, ticks: [0, most] }, // room for half a figure below 0
    words: `at most ${most} attempts under way at once`,
    draw: (pen) => pen.stairs(at, count, data.end),
    at: (view, time) => `${plural(flightAt(upstream, time), "attempt")} in flight at ${upstream.name}`,
    click: () => {},
  };
}

function chargeLane(data) {
  const c = data.charges;
  const again = c.again.filter(Boolean).length;
  return {
    kind: "charges", name: "Charges", note: `${c.at.length - again} booked${again ? `, ${again} refused as doubles` : ""}`,
    height: 30, y: { from: 1, to: 0, ticks: [] },
    words: `${plural(c.at.length - again, "charge")}, ${again} refused as doubles`,
    draw: (pen, view) => c.at.forEach((at, k) => {
      if (at >= view.from && at <= view.to) pen.coin(at, 15, c.again[k]);
    }),
    at: (view, time, level, near) => {
      const k = closest(c.at, time, near);
      return k < 0 ? "" : chargeWords(c, k);
    },
    click: () => {},
  };
}

const chargeWords = (c, k) => `charge of ${c.cost[k]} to ${c.user[k]} at ${instant(c.at[k])}${c.again[k] ? ", refused as a double" : ""}`;

function logLane(data) {
  const l = data.logs;
  return {
    kind: "logs", name: "Log", note: `${plural(l.at.length, "line")}; taller where a pattern matches`,
    height: 34, y: { from: 1, to: 0, ticks: [] },
    words: plural(l.at.length, "log line"),
    draw: (pen, view) => {
      let last = -1;
      for (let k = lowerBound(l.at, view.from); k < l.at.length && l.at[k] <= view.to; k += 1) {
        const x = pen.x(l.at[k]);
        if (!l.marks[k] && Math.round(x) === last) continue;
        last = Math.round(x);
        pen.tick(l.at[k], l.marks[k] ? 4 : 12, 30, colour(l.marks[k] ? "ink" : "muted"));
      }
    },
    at: (view, time, level, near) => {
      const k = closest(l.at, time, near);
      return k < 0 ? "" : `log at ${instant(l.at[k])}: ${l.line[k]}`;
    },
    click: () => {},
  };
}

function closest(at, time, near) {
  const k = lowerBound(at, time);
  const found = [k - 1, k].filter((each) => at[each] !== undefined).sort((one, other) => near(at[one]) - near(at[other]))[0];
  return found !== undefined && near(at[found]) < 24 ? found : -1;
}
