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

  // Words in a box, or beside it where they don't fit; where there is no room for either without what
  // stands behind their first dot, and cut only where even that is too long.
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
    const [head] = words.split(" · ");
    let told = wide > rooms[place] && ctx.measureText(head).width <= rooms[place] ? head : words;
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

  // Words of what is expected at no instant, at the lane's beginning or its end.
  words(what, top, height, atEnd) {
    const { ctx, ratio } = this;
    ctx.fillStyle = colour("bracket");
    ctx.font = `${10.5 * ratio}px ${colour("font")}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = atEnd ? "right" : "left";
    ctx.fillText(what, atEnd ? this.right - 4 * ratio : this.left + 4 * ratio, this.down(top + height / 2));
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
