// All that the canvases show, as tables: for readers without a pointer or without sight.

function tablesOf(view) {
  const data = view.data, r = data.requests;
  const made = [];
  const add = (...given) => { if (given[2]) made.push(table(...given)); };
  add("Faults", ["number", "kind", "on", "from", "to", "times", "met", "note"], data.faults.length, (k) => {
    const each = data.faults[k];
    return [each.n, each.kind, each.on, instant(each.at[0]), instant(each.at[1]), each.spells.length, each.met, each.note];
  });
  const changes = data.upstreams.flatMap((upstream) => [
    ...upstream.changes.map((each) => [upstream.name, "inferred", STATES[each.state] || each.state, `${instant(each.at)}${each.error > 0.0005 ? ` ± ${duration(each.error)}` : ""}`, each.evidence]),
    ...upstream.perhaps.map((pair) => [upstream.name, "inferred", "open, or not", range(pair), "the evidence leaves it open"]),
    ...upstream.reported.map((each) => [upstream.name, "reported", each.state.replace("_", " "), range([each.since, each.at]), "the status endpoint"]),
    ...upstream.brackets.map((each) => [upstream.name, "expected", each.what, each.ranges.map(range).join(" or "), each.sure ? "" : "or not at all"]),
    ...upstream.never.map((what) => [upstream.name, "expected", what, "never", ""]),
  ]);
  add("Breakers", ["upstream", "how known", "what", "when", "by"], changes.length, (k) => changes[k]);
  const order = [...view.inOrder].filter((k) => view.visible(k) && (!view.lit || view.lit.has(k)));
  add(view.lit ? `Requests that stand out: ${view.why}` : "Requests", ["request", "sent", "answer", "route", "as", "turned away by"], order.length, (row) => {
    const k = order[row];
    return [button(requestName(data, k), { class: "link", onclick: () => view.choose(k) }), instant(r.at[k]), answerWords(data, k), r.route[k], r.user[k], awayWords(data, k).join(", ")];
  });
  for (const upstream of data.upstreams) {
    const t = upstream.tries;
    add(`Attempts at ${upstream.name}`, ["began", "which", "route", "result", "took", "made for", "seen by", "faults in force"], t.count, (k) => [
      instant(t.at[k]), tryName(t.number[k]), t.route[k], `${t.status[k] || ""} ${resultWords(t.result[k])}`.trim(), duration(t.took[k]),
      t.request[k] < 0 ? "" : requestName(data, t.request[k]), t.seen[k] === "latency" ? "nobody: implied by a wait" : t.seen[k], t.met[k]]);
  }
  const c = data.charges;
  add("Charges", ["at", "user", "cost", "job", "became"], c.at.length, (k) => [instant(c.at[k]), c.user[k], c.cost[k], c.job[k], c.again[k] ? "refused as a double" : "booked"]);
  const l = data.logs;
  add("Log", ["at", "from", "line", "stands for"], l.at.length, (k) => [instant(l.at[k]), l.from[k], l.line[k], `${l.upstream[k]} ${l.marks[k]}`.trim()]);
  add("How late the machine was", ["from", "to", "late by", "who"], data.veils.length, (k) => {
    const each = data.veils[k];
    return [instant(each.from), instant(each.to), duration(each.wait), each.words];
  });
  return made;
}
