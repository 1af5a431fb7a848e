// The lanes drawn below each other on one clock: uPlot keeps scales, axes, brush and the cursor that
// runs through all of them; what is in a lane is drawn here.

const GUTTER = 58; // pixels left of each plot, for its scale
const SYNC = "outage";

// What a lane draws with: instants in seconds across, pixels down from the lane's top.
class Pen {
  constructor(plot) {
    this.plot = plot;
    this.ctx = plot.ctx;
    this.ratio = uPlot.pxRatio;
    this.left = plot.bbox.left;
    this.top = plot.bbox.top;
    this.right = plot.bbox.left + plot.bbox.width;
  }

  x(at) { return this.plot.valToPos(at, "x", true); }

  y(level) { return this.plot.valToPos(level, "y", true); }

  down(pixels) { return this.top + pixels * this.ratio; }

  clipped(from, to) {
    const x = Math.max(this.left - 4, this.x(from));
    return [x, Math.max(this.ratio, Math.min(this.right + 4, this.x(to)) - x)];
  }

  box(from, to, top, height, ink) {
    const [x, width] = this.clipped(from, to);
    if (x > this.right) return;
    this.ctx.fillStyle = ink;
    this.ctx.fillRect(x, this.down(top), width, height * this.ratio);
  }

  // Words in a box, or beside it where they don't fit; cut where there is no room for either.
  label(from, to, top, height, words, ink) {
    const { ctx, ratio } = this;
    const [x, width] = this.clipped(from, to);
    const gap = 5 * ratio;
    ctx.font = `${12 * ratio}px ${colour("font")}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    const wide = ctx.measureText(words).width;
    const rooms = { inside: width - 2 * gap, after: this.right - x - width - 2 * gap, before: x - this.left - 2 * gap };
    const most = Math.max(...Object.values(rooms));
    const place = Object.keys(rooms).find((each) => rooms[each] >= Math.min(wide, most));
    let told = words;
    while (told.length > 1 && ctx.measureText(told).width > rooms[place]) told = `${told.slice(0, -2)}…`;
    ctx.fillStyle = place === "inside" ? ink : colour("ink");
    const starts = { inside: x + gap, after: x + width + gap, before: x - gap - ctx.measureText(told).width };
    ctx.fillText(told, starts[place], this.down(top + height / 2));
  }

  mark(at, level, outcome, radius, hollow, alpha) {
    const image = sprite(outcome, radius * this.ratio, hollow);
    this.ctx.globalAlpha = alpha;
    this.ctx.drawImage(image, Math.round(this.x(at) - image.width / 2), Math.round(this.y(level) - image.height / 2));
    this.ctx.globalAlpha = 1;
  }

  ring(at, level, radius) {
    const { ctx, ratio } = this;
    ctx.beginPath();
    ctx.arc(this.x(at), this.y(level), radius * ratio, 0, 2 * Math.PI);
    ctx.lineWidth = 2 * ratio;
    ctx.strokeStyle = colour("ink");
    ctx.stroke();
  }

  // A state's bar: solid where it surely lasted, hatched where it may have.
  state(state, start, end, top, height) {
    if (state === "closed") {
      this.box(start[1], end[0], top + height / 2 - 1, 2, colour("closed"));
      return;
    }
    const ink = colour(state === "open" ? "open" : "half");
    const from = start[1], to = Math.max(start[1], end[0]);
    this.box(from, to, top, height, ink);
    for (const [low, high] of [start, [Math.max(from, end[0]), end[1]]]) {
      if (high - low > 0.0005) this.box(low, high, top, height, hatch(this.ctx, ink, this.ratio));
    }
    const word = STATES[state] || state;
    const [, width] = this.clipped(from, to);
    if (width > 46 * this.ratio) this.label(from, to, top, height, word, colour("on-state"));
  }

  bracket([from, to], top, height, what, sure) {
    const { ctx, ratio } = this;
    const [x, width] = this.clipped(from, to);
    if (x > this.right) return;
    const wide = Math.max(width, 5 * ratio), left = x + (width - wide) / 2;
    const high = this.down(top), low = this.down(top + height);
    ctx.strokeStyle = ctx.fillStyle = colour("bracket");
    ctx.lineWidth = 1.6 * ratio;
    ctx.setLineDash(sure ? [] : [3 * ratio, 2 * ratio]);
    ctx.beginPath();
    ctx.moveTo(left, low); ctx.lineTo(left, high); ctx.lineTo(left + wide, high); ctx.lineTo(left + wide, low);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.font = `${10.5 * ratio}px ${colour("font")}`;
    ctx.textBaseline = "middle";
    const before = left + wide + ctx.measureText(what).width + 6 * ratio > this.right;
    ctx.textAlign = before ? "right" : "left";
    ctx.fillText(what, before ? left - 3 * ratio : left + wide + 3 * ratio, (high + low) / 2);
    ctx.textAlign = "left";
  }

  // An attempt from its start to its end; failures end in a bar, what was only implied is hollow.
  attempt(t, k, top, height, alpha, chosen) {
    const { ctx, ratio } = this;
    const result = t.result[k];
    const ink = colour(result === "s" ? "o-2" : result === "f" ? "o-5" : result === "n" ? "o-3" : "muted");
    const [x, width] = this.clipped(t.at[k], t.at[k] + t.took[k]);
    const high = this.down(top), tall = height * ratio;
    ctx.globalAlpha = alpha;
    ctx.fillStyle = ink;
    if (t.seen[k] === "latency" || result.length > 1) {
      ctx.fillStyle = hatch(ctx, ink, ratio);
      ctx.fillRect(x, high + tall * 0.2, Math.max(width, 2 * ratio), tall * 0.6);
    } else {
      ctx.globalAlpha = alpha * 0.45;
      ctx.fillRect(x, high + tall * 0.3, width, tall * 0.4);
      ctx.globalAlpha = alpha;
    }
    ctx.fillRect(x, high + tall * 0.12, 2 * ratio, tall * 0.76);
    if (result === "f") {
      ctx.strokeStyle = ink;
      ctx.lineWidth = 1.6 * ratio;
      const end = Math.min(this.right + 8, this.x(t.at[k] + t.took[k])), middle = high + tall / 2, arm = tall * 0.26;
      ctx.beginPath();
      ctx.moveTo(end - arm, middle - arm); ctx.lineTo(end + arm, middle + arm);
      ctx.moveTo(end + arm, middle - arm); ctx.lineTo(end - arm, middle + arm);
      ctx.stroke();
    }
    if (chosen) {
      ctx.strokeStyle = colour("ink");
      ctx.lineWidth = 1.5 * ratio;
      ctx.strokeRect(x - 2 * ratio, high, Math.max(width, 2 * ratio) + 4 * ratio, tall);
    }
    ctx.globalAlpha = 1;
  }

  stairs(at, count, end) {
    const { ctx } = this;
    ctx.beginPath();
    ctx.moveTo(this.x(0), this.y(0));
    let level = 0;
    at.forEach((instantOf, k) => {
      const x = this.x(Math.max(0, instantOf));
      ctx.lineTo(x, this.y(level));
      level = count[k];
      ctx.lineTo(x, this.y(level));
    });
    ctx.lineTo(this.x(end), this.y(level));
    ctx.lineTo(this.x(end), this.y(0));
    ctx.fillStyle = colour("flight");
    ctx.fill();
    ctx.lineWidth = 1.2 * this.ratio;
    ctx.strokeStyle = colour("flight-edge");
    ctx.stroke();
  }

  tick(at, top, bottom, ink) {
    this.ctx.fillStyle = ink;
    this.ctx.fillRect(Math.round(this.x(at)), this.down(top), this.ratio, (bottom - top) * this.ratio);
  }

  coin(at, middle, again) {
    const { ctx, ratio } = this;
    const x = this.x(at), y = this.down(middle), r = 5 * ratio;
    ctx.beginPath();
    ctx.moveTo(x, y - r); ctx.lineTo(x + r, y); ctx.lineTo(x, y + r); ctx.lineTo(x - r, y);
    ctx.closePath();
    ctx.lineWidth = 1.6 * ratio;
    ctx.strokeStyle = colour("charge");
    ctx.fillStyle = again ? colour("surface") : colour("charge");
    ctx.fill();
    ctx.stroke();
  }

  // Faults through every lane, and how late the machine was as a veil.
  bands(data) {
    const height = this.plot.bbox.height;
    for (const [from, to] of together(data.faults.flatMap((each) => each.spells))) {
      const [x, width] = this.clipped(from, to);
      this.ctx.fillStyle = colour("fault");
      if (x <= this.right) this.ctx.fillRect(x, this.top, width, height);
    }
    this.ctx.fillStyle = colour("fault-edge");
    for (const at of new Set(data.faults.flatMap((each) => each.spells.flat()))) {
      const x = this.x(at);
      if (x >= this.left - 1 && x <= this.right) this.ctx.fillRect(Math.round(x), this.top, this.ratio, height);
    }
  }

  veils(data) {
    for (const veil of data.veils) {
      const [x, width] = this.clipped(veil.from, veil.to);
      if (x > this.right || veil.to < 0) continue;
      this.ctx.globalAlpha = Math.min(0.75, 0.15 + veil.wait);
      this.ctx.fillStyle = hatch(this.ctx, colour("veil"), this.ratio);
      this.ctx.fillRect(x, this.top, Math.max(width, 2 * this.ratio), this.plot.bbox.height);
      this.ctx.globalAlpha = 1;
    }
  }
}

// Spans of time that overlap, as one.
function together(spans) {
  const found = [];
  for (const [from, to] of [...spans].sort((one, other) => one[0] - other[0])) {
    const last = found[found.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}

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
