// One scenario's page: its findings, its timeline with a readout, the chosen request, and tables.

class ScenarioPage {
  constructor(key, data, holder) {
    this.key = key;
    this.holder = holder;
    this.start(data, null);
  }

  start(data, before) {
    this.data = data;
    this.view = data.requests ? new View(data) : null;
    if (this.view && before) this.view.follow(before);
    if (this.view) this.view.listeners.add((what) => this.changed(what));
    this.build();
  }

  // Newer data of the same scenario: what the reader has chosen stays.
  renew(data) {
    if (this.panel && this.panel.contains(document.activeElement)) return;
    const before = this.view, tables = Boolean(before) && this.tablesHolder.open;
    const focused = Boolean(before) && document.activeElement === this.track;
    this.close();
    this.start(data, before);
    if (!before || !this.view) return;
    if (this.view.chosen >= 0) this.showPanel();
    if (!Number.isNaN(this.view.cursor)) this.view.tell("cursor");
    this.tablesHolder.open = tables;
    if (focused) this.track.focus({ preventScroll: true });
  }

  close() {
    if (this.timeline) this.timeline.close();
    if (this.view) this.view.listeners.clear();
    this.holder.replaceChildren();
  }

  build() {
    const data = this.data;
    const [, word] = VERDICTS[data.verdict] || VERDICTS.out_of_scope;
    this.heading = make("h1", { tabindex: "-1" }, sign(data.verdict), ` ${data.title} `, make("span", { class: `verdict ${data.verdict}` }, word));
    const facts = [data.file, data.replays ? `replays ${data.replays}` : "", data.plays > 1 ? `play ${data.plays}` : "",
      data.requests ? `requests left ${plain(data.late[1], 1)} ms late at the 99th percentile` : ""].filter(Boolean);
    this.holder.replaceChildren(
      make("nav", { class: "crumbs", "aria-label": "Where you are" }, make("a", { href: "#/" }, "All scenarios"), make("span", { "aria-hidden": "true" }, " / "), make("code", {}, data.name)),
      this.heading,
      make("p", { class: "small" }, facts.join(" · ")),
      this.findings(),
      ...(this.view ? this.drawn() : [make("p", { class: "quiet" }, "Nothing was played, so there is no timeline.")]),
    );
    if (this.view) {
      this.timeline = new Timeline(this.view, this.lanes, (at, words) => this.readout(at, words), (view) => this.laneList(view));
      this.refreshTables();
    }
  }

  findings() {
    const order = ["failed", "inconclusive", "known", "passed", "out_of_scope"];
    const sorted = this.data.findings.map((each, place) => ({ ...each, place, verdict: each.known ? "known" : each.verdict }))
      .sort((one, other) => order.indexOf(one.verdict) - order.indexOf(other.verdict) || one.place - other.place);
    const of = (verdict) => alike(sorted.filter((each) => each.verdict === verdict)).map((each) => this.card(each));
    const [failed, unclear, known, passed, excused] = order.map(of);
    const count = (verdict) => sorted.filter((each) => each.verdict === verdict).length;
    const causes = (this.data.upstreams || []).filter((each) => failed.length && each.causes.length)
      .map((each) => `${each.name} breaker: ${each.causes.join(", or ")}`);
    const list = (items) => cards(items);
    const folded = (items, verdict, words, open = false) => items.length && make("details", { open }, make("summary", {}, `${count(verdict)} ${words}`), list(items));
    return make("section", { class: "findings", "aria-label": "Findings" }, make("h2", { class: "sr" }, "Findings"),
      causes.length ? make("p", { class: "likely" }, make("b", {}, "Likely cause: "), causes.join("; ")) : "",
      failed.length ? list(failed) : "",
      make("div", { class: "folds" }, folded(unclear, "inconclusive", "inconclusive", !failed.length) || "",
        folded(known, "known", "known to fail", !failed.length && !unclear.length) || "", folded(passed, "passed", "held") || "",
        folded(excused, "out_of_scope", "out of scope", !failed.length && !unclear.length && !passed.length) || ""),
      this.data.notes.length ? make("ul", { class: "notes small" }, this.data.notes.map((each) => make("li", {}, each))) : "",
      (this.data.thinned || []).map((each) => make("p", { class: "thinned", role: "note" }, each)));
  }

  // Findings of which the same was observed, each with what it expected.
  card(group) {
    const [first] = group;
    const wrong = first.verdict !== "passed";
    const tags = [...new Set([...(first.promised ? ["promise"] : []), ...group.flatMap((each) => each.claims)])];
    const facts = group.flatMap((each) => [["evidence", each.evidence], ["because", each.because], ["at", each.line ? `${this.data.file}:${each.line}` : ""]]);
    const once = [...new Map(facts.filter(([, words]) => words).map((each) => [each.join(" "), each])).values()];
    const named = group.map((each) => make("p", { class: "finding-head" }, sign(each.verdict),
      this.view ? button("", { class: "finding-name", "aria-pressed": "false", "data-finding": each.place, onclick: () => this.showFinding(each) }, each.name) : make("b", {}, each.name),
      each.known ? make("span", { class: "tag" }, `known ${each.known}`) : "",
      wrong ? make("span", { class: "small" }, `expected ${each.expected}`) : ""));
    const most = 2;
    const shown = named.length <= most + 1 ? named : [...named.slice(0, most),
      make("details", { class: "alike" }, make("summary", {}, `and ${named.length - most} more of which the same was observed`), named.slice(most))];
    return make("li", { class: `finding ${first.verdict}` }, shown,
      make("p", { class: wrong ? "observed" : "small" }, first.observed),
      make("details", { class: "why" }, make("summary", {}, "evidence ", make("span", { class: "tags" }, tags.map((each) => make("span", { class: "tag" }, each)))),
        make("dl", { class: "facts" }, once.map(([name, words]) => [make("dt", {}, name), make("dd", {}, words)]))));
  }

  // Its requests stand out, and the time that it speaks of comes into view.
  showFinding(each) {
    const again = this.shown === each.place;
    this.shown = again ? null : each.place;
    this.holder.querySelectorAll("[data-finding]").forEach((element) => {
      element.setAttribute("aria-pressed", String(element.dataset.finding === String(this.shown)));
    });
    if (again) {
      this.view.light(null);
      return;
    }
    this.view.light(each.requests, each.name);
    const at = this.instantOf(each);
    if (!Number.isNaN(at)) this.view.point(at);
    this.track.scrollIntoView({ block: "nearest" });
    say(each.requests.length ? `${plural(each.requests.length, "request")} stand out` : "This finding names no request");
  }

  instantOf(each) {
    if (!Number.isNaN(each.at)) return each.at;
    if (each.requests.length) return this.data.requests.at[each.requests[0]];
    const upstream = this.data.upstreams.find((one) => each.name.startsWith(`${one.name} breaker`));
    if (!upstream) return NaN;
    const wanted = upstream.brackets.find((one) => each.name.includes(one.what));
    return wanted ? wanted.ranges[0][0] : upstream.changes.length ? upstream.changes[0].at : NaN;
  }

  laneList(view) {
    return lanesOf(view);
  }

  drawn() {
    const view = this.view;
    this.lanes = make("div", { class: "lanes" });
    this.track = make("div", {
      class: "readout", tabindex: "0", role: "slider", "aria-label": "Cursor of the timeline", "aria-valuemin": "0",
      "aria-valuemax": plain(this.data.end, 2), "aria-valuenow": "0", "aria-valuetext": "0 s", "aria-describedby": "keys",
      onkeydown: (event) => this.pressed(event),
    }, this.clock = make("b", {}, "0 s"), this.words = make("span", {}, "Point at a lane, or use the arrow keys."));
    this.tables = make("div", {});
    this.panel = make("div", { class: "panel-place" });
    this.lanes.addEventListener("click", () => this.track.focus({ preventScroll: true }));
    return [
      make("section", { class: "stage", "aria-label": "Timeline" }, make("h2", { class: "sr" }, "Timeline"),
        make("div", { class: "controls" }, this.filters(), this.zoomButtons()),
        this.track, this.lanes, this.legend(), this.keys()),
      this.panel,
      this.tablesHolder = make("details", { class: "tables", ontoggle: () => this.refreshTables() }, make("summary", {}, "The same as tables"), this.tables),
    ];
  }

  filters() {
    const view = this.view, r = this.data.requests;
    const streams = this.data.streams.map((stream, place) => chip(stream.name, !view.hiddenStreams.has(place), (on) => {
      view.hiddenStreams[on ? "delete" : "add"](place);
      view.tell("filters");
    }));
    const seen = [...new Set(r.outcome)].sort();
    const outcomes = seen.map((outcome) => chip([legendMark(outcome), OUTCOMES[outcome].words, make("b", {}, ` ${r.outcome.filter((each) => each === outcome).length.toLocaleString("en")}`)], !view.hiddenOutcomes.has(outcome), (on) => {
      view.hiddenOutcomes[on ? "delete" : "add"](outcome);
      view.tell("filters");
    }));
    const others = this.data.upstreams.filter((each) => !isShown(each) && each.tries.count).length;
    return make("div", { class: "chips" },
      streams.length > 1 ? make("span", { class: "chips", role: "group", "aria-label": "Streams shown" }, streams) : "",
      make("span", { class: "chips", role: "group", "aria-label": "Outcomes shown" }, outcomes),
      others ? chip(`${plural(others, "more upstream")}`, view.all, (on) => { view.all = on; view.tell("lanes"); }) : "",
      this.clearButton = button("Show all alike", { class: "chip", hidden: true, onclick: () => this.clearLight() }));
  }

  clearLight() {
    this.shown = null;
    this.holder.querySelectorAll("[data-finding]").forEach((each) => each.setAttribute("aria-pressed", "false"));
    this.view.light(null);
  }

  zoomButtons() {
    const view = this.view;
    return make("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
      button("←", { "aria-label": "Earlier", onclick: () => view.pan(-0.5) }),
      button("→", { "aria-label": "Later", onclick: () => view.pan(0.5) }),
      button("−", { "aria-label": "Zoom out", onclick: () => view.zoom(2) }),
      button("+", { "aria-label": "Zoom in", onclick: () => view.zoom(0.5) }),
      button("all", { "aria-label": "all of the play", onclick: () => view.reset() }));
  }

  legend() {
    const seen = [...new Set(this.data.requests.outcome)].sort();
    const swatch = (kind) => make("span", { class: `swatch ${kind}`, "aria-hidden": "true" });
    const some = (key) => this.data.upstreams.some((each) => each[key].length);
    return make("ul", { class: "legend small", "aria-label": "Legend" },
      seen.map((outcome) => make("li", {}, legendMark(outcome), OUTCOMES[outcome].long)),
      this.data.requests.away.some(Boolean) ? make("li", {}, legendMark(this.data.requests.outcome[this.data.requests.away.findIndex(Boolean)], true), "hollow: turned away by a breaker") : "",
      make("li", {}, swatch("fault"), "a fault is in force"),
      some("changes") || some("perhaps") || some("reported") ? [make("li", {}, swatch("open"), "breaker open"), make("li", {}, swatch("half"), "half open"),
        make("li", {}, swatch("unsure"), "may be: the evidence leaves it open")] : "",
      some("brackets") ? make("li", {}, swatch("bracket"), "expected within") : "",
      this.data.veils.length ? make("li", {}, swatch("veil"), "this machine was late") : "");
  }

  keys() {
    const all = [["← →", "move the cursor (with Shift in larger steps)"], ["+ −", "zoom at the cursor"], ["Page Up, Page Down", "earlier, later"], ["0", "the whole play"],
      ["n p", "the next request, the one before"], ["Enter", "open the nearest request"], ["Escape", "close, and show all alike"], ["drag", "zoom into a time"], ["double click", "the whole play"]];
    return make("details", { class: "small", id: "keys" }, make("summary", {}, "Keys"),
      make("dl", { class: "facts" }, all.map(([key, words]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, words)])));
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const view = this.view;
    const step = ((view.to - view.from) / 100) * (event.shiftKey ? 10 : 1);
    const at = Number.isNaN(view.cursor) ? view.from : view.cursor;
    const does = {
      ArrowLeft: () => view.point(at - step), ArrowDown: () => view.point(at - step),
      ArrowRight: () => view.point(at + step), ArrowUp: () => view.point(at + step),
      Home: () => view.point(0), End: () => view.point(this.data.end),
      PageUp: () => view.pan(-0.5), PageDown: () => view.pan(0.5),
      "+": () => view.zoom(0.5), "=": () => view.zoom(0.5), "-": () => view.zoom(2), "−": () => view.zoom(2),
      0: () => view.reset(), n: () => nextRequest(view, 1), p: () => nextRequest(view, -1),
      Enter: () => { view.choose(view.nearest(at)); this.focusPanel(); },
      Escape: () => { view.choose(-1); this.clearLight(); },
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  focusPanel() {
    const title = this.panel.querySelector("h2");
    if (title) title.focus();
  }

  readout(at, words) {
    const data = this.data;
    const faults = data.faults.filter((each) => inForce(each, at)).map((each) => `${each.kind} on ${each.on}`);
    const breakers = data.upstreams.filter((each) => each.changes.length).map((each) => {
      const { state, unsure } = stateAt(each, at);
      return `${each.name} ${STATES[state]}${unsure ? "?" : ""}`;
    });
    const flight = data.upstreams.map((each) => [each.name, flightAt(each, at)]).filter(([, count]) => count).map(([name, count]) => `${count} in flight at ${name}`);
    const around = [...faults, ...breakers, ...flight];
    const k = words ? -1 : this.view.nearest(at);
    const near = k >= 0 ? `nearest: ${requestName(data, k)} at ${instant(data.requests.at[k])}, ${answerWords(data, k)}` : "";
    this.clock.textContent = `${at.toFixed(2)} s`;
    this.words.textContent = [words || near, ...around].filter(Boolean).join(" · ");
    this.track.setAttribute("aria-valuenow", plain(at, 2));
    this.track.setAttribute("aria-valuetext", `${plain(at, 2)} seconds. ${this.words.textContent}`);
  }

  changed(what) {
    if (what === "chosen") {
      const k = this.view.chosen;
      const inside = this.panel.contains(document.activeElement);
      this.showPanel();
      if (k >= 0) {
        say(`${requestName(this.data, k)}: ${answerWords(this.data, k)}`);
        if (inside) this.focusPanel();
      } else if (inside) this.track.focus();
    }
    if (what === "lit") this.clearButton.hidden = !this.view.lit;
    if (what === "lit" || what === "filters") this.refreshTables();
    if (this.moved) this.moved();
  }

  showPanel() {
    const k = this.view.chosen;
    this.panel.replaceChildren(...(k < 0 ? [] : [requestPanel(this.view, k)]));
    this.holder.classList.toggle("with-panel", k >= 0);
  }

  refreshTables() {
    if (this.tablesHolder.open) this.tables.replaceChildren(...tablesOf(this.view));
    else this.tables.replaceChildren();
  }

  // What an address asks for: an instant, a request by its stream and number.
  go(wanted) {
    if (!this.view) return;
    const [from, to] = ["from", "to"].map((name) => Number.parseFloat(wanted.get(name)));
    if (to > from) this.view.show(from, to);
    const at = Number.parseFloat(wanted.get("t"));
    if (Number.isFinite(at)) this.view.point(at);
    const id = Number.parseInt(wanted.get("request"), 10);
    const k = this.data.requests.id.indexOf(id);
    if (k >= 0) this.view.choose(k);
    const finding = this.data.findings[Number.parseInt(wanted.get("finding"), 10)];
    if (finding) this.showFinding({ ...finding, place: this.data.findings.indexOf(finding) });
  }
}

// Cards, so few of them that the timeline below stays in sight; the others when asked for.
function cards(items) {
  const few = innerWidth < 700 ? 2 : innerWidth < 1200 ? 3 : 4;
  const list = (some) => make("ul", { class: "plain cards" }, some);
  if (items.length <= few + 1) return list(items);
  return make("div", {}, list(items.slice(0, few)),
    make("details", { class: "rest" }, make("summary", {}, `${items.length - few} more`), list(items.slice(few))));
}

// Findings that stand next to each other and of which the same was observed, together.
function alike(findings) {
  const groups = [];
  for (const each of findings) {
    const last = groups[groups.length - 1];
    if (last && last[0].observed === each.observed && last[0].promised === each.promised) last.push(each);
    else groups.push([each]);
  }
  return groups;
}
