// A scenario of two runs: the lanes of both below each other on one axis, under one cursor.

pageOf = async (key) => {
  const [before, after] = await Promise.all([scene(`a/${key}`), scene(`b/${key}`)]);
  const sides = [before, after].filter((each) => each && each.requests);
  const differences = JSON.parse(await unpackedText(await packedScene("differences")))[key];
  if (!before && !after) return null;
  const title = (after || before).title;
  return { title, open: (place) => new PairPage(key, { before, after, sides, title, differences: differences || [] }, place) };
};

const SORTS = { worse: "failed", better: "passed", unclear: "inconclusive", still: "failed" };

class PairPage extends ScenarioPage {
  start(pair) {
    const { before, after, sides } = pair;
    this.pair = pair;
    const end = Math.max(0, ...sides.map((each) => each.end));
    sides.forEach((each) => { each.end = end; });
    this.views = sides.map((each) => new View(each));
    this.sides = sides.map((each) => (each === after ? "after" : "before"));
    this.data = sides[sides.length - 1] || after || before;
    this.view = this.views[this.views.length - 1] || null;
    this.views.forEach((each) => {
      [each.hiddenStreams, each.hiddenOutcomes] = [this.view.hiddenStreams, this.view.hiddenOutcomes];
      each.listeners.add((what) => this.heard(each, what));
    });
    this.build();
  }

  // What was chosen on one side; time and filters are those of both.
  heard(view, what) {
    const others = this.views.filter((each) => each !== view);
    if (what === "view" && view === this.view) others.forEach((each) => { [each.from, each.to] = [view.from, view.to]; });
    if (what === "chosen" && view.chosen >= 0) {
      others.forEach((each) => { each.chosen = -1; });
      this.chosenOn = view;
      if (view !== this.view) this.view.point(view.cursor);
    }
    if (view !== this.view && this.timeline) this.timeline.redraw();
    if (view === this.view || what === "chosen" || what === "lit") this.changed(what);
  }

  showPanel() {
    const view = this.chosenOn || this.view, k = view.chosen;
    this.panel.replaceChildren(...(k < 0 ? [] : [requestPanel(view, k)]));
    this.holder.classList.toggle("with-panel", k >= 0);
  }

  laneList() {
    const lists = this.views.map((view, k) => {
      view.all = this.view.all;
      return lanesOf(view).map((lane) => ({ ...lane, view, side: this.sides[k], place: `${lane.kind} ${lane.name}` }));
    });
    const places = [...new Set(lists.toReversed().flat().map((each) => each.place))];
    const pairs = places.map((place) => lists.flatMap((list) => list.filter((each) => each.place === place)));
    for (const pair of pairs) {
      if (pair.length < 2 || pair[0].kind !== "stream" && pair[0].kind !== "flight") continue;
      const y = pair[0].y.to > pair[1].y.to ? pair[0].y : pair[1].y; // one scale for both
      pair.forEach((each) => { each.y = y; });
    }
    return pairs.flat().map((lane) => ({ ...lane, name: `${lane.name}, ${lane.side}` }));
  }

  findings() {
    const rows = this.pair.differences.map(([sort, what, before, after, observed]) => (
      make("li", { class: `finding ${SORTS[sort] || "out_of_scope"}` },
        make("p", { class: "finding-head" }, sign(SORTS[sort] || "out_of_scope"), make("b", {}, sort === "still" ? "failed before, and does still" : sort), make("span", {}, what)),
        make("p", { class: "observed" }, `${before} → ${after}`),
        observed ? make("p", { class: "small" }, observed) : "")));
    const missing = ["before", "after"].filter((side) => !this.sides.includes(side));
    return make("section", { class: "findings", "aria-label": "Differences" }, make("h2", { class: "sr" }, "Differences"),
      rows.length ? cards(rows) : make("p", { class: "quiet" }, "Nothing differs beyond what noise explains."),
      missing.length ? make("p", { class: "quiet" }, `There is no history of it ${missing.join(" or ")}.`) : "");
  }

  readout(at, words) {
    const told = this.views.map((view, k) => {
      const breakers = view.data.upstreams.filter((each) => each.changes.length).map((each) => `${each.name} ${STATES[stateAt(each, at).state]}`);
      const near = view.nearest(at);
      const answer = near >= 0 ? `${requestName(view.data, near)} ${answerWords(view.data, near)}` : "";
      return `${this.sides[k]}: ${[...breakers, answer].filter(Boolean).join(", ")}`;
    });
    this.clock.textContent = `${at.toFixed(2)} s`;
    this.words.textContent = [words, ...told].filter(Boolean).join(" · ");
    this.track.setAttribute("aria-valuenow", plain(at, 2));
    this.track.setAttribute("aria-valuetext", `${plain(at, 2)} seconds. ${this.words.textContent}`);
  }
}
