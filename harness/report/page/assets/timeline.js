// The lanes drawn below each other on one clock: uPlot keeps scales, axes, brush and the cursor that
// runs through all of them; what is in a lane draws itself (lanes.js) with a pen (pen.js).

const GUTTER = 58; // pixels left of each plot, for its scale
const SYNC = "outage";

class Timeline {
  // `lanes` gives what is drawn; a lane may have a `view` of its own, on the same clock.
  constructor(view, holder, tell, lanes = lanesOf) {
    this.view = view;
    this.lanes = lanes;
    this.holder = holder;
    this.tell = tell;
    this.plots = [];
    this.busy = false;
    this.listener = (what) => this.changed(what);
    view.listeners.add(this.listener);
    this.redraw = () => this.plots.forEach(({ plot }) => plot.redraw(false, true));
    themed.add(this.redraw);
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(holder);
    this.build();
  }

  close() {
    this.view.listeners.delete(this.listener);
    themed.delete(this.redraw);
    this.watcher.disconnect();
    this.clear();
  }

  clear() {
    this.plots.forEach(({ plot }) => plot.destroy());
    this.plots = [];
    this.holder.replaceChildren();
  }

  build() {
    this.clear();
    const lanes = this.lanes(this.view);
    lanes.forEach((lane, k) => this.add(lane, { first: k === 0, last: k === lanes.length - 1 }));
    this.resize();
  }

  add(lane, { first, last }) {
    const rows = make("div", { class: "lane-rows", "aria-hidden": "true" });
    if (lane.rows) rows.append(...lane.rows.map(([words, height]) => make("span", { style: { height: `${height}px` } }, words)));
    if (first) rows.style.top = "30px";
    const canvas = make("div", { class: "plot", role: "img", "aria-label": `${lane.name}: ${lane.words}` });
    const head = make("div", { class: "lane-head" }, make("h3", {}, lane.name), make("p", {}, lane.note));
    this.holder.append(make("div", { class: `lane ${lane.kind} ${lane.side || ""}` }, head, make("div", { class: "lane-plot" }, canvas, rows)));
    this.plots.push({ lane, plot: new uPlot(this.options(lane, first, last), [[0, this.view.data.end], [null, null]], canvas), first, last });
  }

  options(lane, first, last) {
    const view = this.view, own = lane.view || view;
    const text = () => colour("muted");
    const grid = { stroke: () => colour("grid"), width: 1 };
    const font = `11px ${colour("font")}`;
    const across = (side) => ({
      scale: "x", side, size: 26, gap: 3, font, stroke: text, grid, ticks: { ...grid, size: 4 },
      values: (plot, splits) => splits.map((each) => `${plain(each, 4)} s`), space: 70,
    });
    const axes = [first ? across(0) : { show: false, grid }];
    if (!first) axes[0] = { ...across(2), show: last };
    const y = lane.y;
    axes.push({
      scale: "y", size: GUTTER, gap: 8, font, stroke: text, show: true,
      grid: { ...grid, show: y.ticks.length > 0 }, ticks: { show: false },
      splits: () => y.ticks, values: (plot, splits) => splits.map((each) => (y.log ? duration(each) : String(each))),
      ...(y.log ? { filter: (plot, splits) => splits } : {}),
    });
    const over = (call) => (plot) => call(new Pen(plot));
    return {
      width: 300, height: this.height(lane, first, last), padding: [first ? 0 : 2, 26, last ? 0 : 2, 0],
      legend: { show: false },
      cursor: {
        y: false, points: { show: false }, sync: { key: SYNC, setSeries: false, scales: ["x", null] },
        drag: { x: true, y: false, setScale: false, dist: 6 },
        bind: { dblclick: () => () => { view.reset(); return null; } },
      },
      scales: {
        x: { time: false, range: () => [view.from, view.to] },
        y: { range: () => [Math.min(y.from, y.to), Math.max(y.from, y.to)], dir: y.from > y.to ? -1 : 1, distr: y.log ? 3 : 1 },
      },
      axes,
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        // uPlot remembers which colour it set last, so each of these leaves all as it was.
        drawClear: [over((pen) => {
          pen.ctx.save();
          pen.bands(own.data);
          pen.ctx.restore();
        })],
        draw: [over((pen) => {
          pen.ctx.save();
          pen.ctx.beginPath();
          pen.ctx.rect(pen.left - 6 * pen.ratio, pen.top - 6 * pen.ratio, pen.plot.bbox.width + 14 * pen.ratio, pen.plot.bbox.height + 12 * pen.ratio);
          pen.ctx.clip();
          lane.draw(pen, own);
          pen.veils(own.data);
          pen.ctx.restore();
        })],
        setSelect: [(plot) => this.brushed(plot)],
        setCursor: [(plot) => this.pointed(plot, lane)],
        ready: [(plot) => this.listen(plot, lane)],
      },
    };
  }

  height(lane, first, last) {
    return lane.height + (first ? 26 : 2) + (last ? 26 : 2);
  }

  listen(plot, lane) {
    let down = null;
    plot.over.addEventListener("mousedown", (event) => { down = event.clientX; });
    plot.over.addEventListener("click", (event) => {
      if (down !== null && Math.abs(event.clientX - down) > 5) return; // that was a brush
      const box = plot.over.getBoundingClientRect();
      const [left, top] = [event.clientX - box.left, event.clientY - box.top];
      const at = plot.posToVal(left, "x");
      this.view.point(at, false);
      lane.click(lane.view || this.view, at, plot.posToVal(top, "y"), this.near(plot, left, top));
    });
    plot.over.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = plot.over.getBoundingClientRect();
      this.view.zoom(event.deltaY > 0 ? 1.25 : 0.8, plot.posToVal(event.clientX - box.left, "x"));
    }, { passive: false });
  }

  near(plot, left, top) {
    return (at, level) => Math.hypot(plot.valToPos(at, "x") - left, level === undefined ? 0 : plot.valToPos(level, "y") - top);
  }

  brushed(plot) {
    const { left, width } = plot.select;
    if (width < 6) return;
    const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    this.plots.forEach(({ plot: each }) => each.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false));
    this.view.show(from, to);
  }

  // The pointer moved over one of the lanes; uPlot moves the cursors of all others.
  pointed(plot, lane) {
    const { left, top, event } = plot.cursor;
    if (this.busy || !event || event.target !== plot.over || left < 0) return;
    const at = plot.posToVal(left, "x");
    this.view.cursor = at;
    this.tell(at, lane.at(lane.view || this.view, at, plot.posToVal(top, "y"), this.near(plot, left, top)));
  }

  changed(what) {
    if (what === "lanes") this.build();
    else if (what === "view") {
      this.plots.forEach(({ plot }) => plot.setScale("x", { min: this.view.from, max: this.view.to }));
      this.moveCursor();
    } else if (what === "cursor") this.moveCursor();
    else this.plots.forEach(({ plot }) => plot.redraw(false, true));
  }

  moveCursor() {
    if (Number.isNaN(this.view.cursor) || !this.plots.length) return;
    this.busy = true;
    this.plots.forEach(({ plot }) => {
      plot.setCursor({ left: plot.valToPos(this.view.cursor, "x"), top: 4 }, false);
    });
    this.busy = false;
    this.tell(this.view.cursor, "");
  }

  resize() {
    const inner = this.holder.querySelector(".lane-plot");
    if (!inner) return;
    const width = Math.max(240, Math.floor(inner.clientWidth));
    this.plots.forEach(({ plot, lane, first, last }) => {
      const height = this.height(lane, first, last);
      if (plot.width !== width || plot.height !== height) plot.setSize({ width, height });
    });
  }
}
