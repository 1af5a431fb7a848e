// What a reader has chosen of one scenario: the time in view, the cursor, what is hidden, what
// stands out. Whoever shows any of it listens, and is told what changed.

class View {
  constructor(data) {
    this.data = data;
    this.from = 0;
    this.to = data.end;
    this.cursor = NaN;
    this.chosen = -1; // a request
    this.lit = null; // requests that stand out, as a set
    this.why = ""; // for what they do
    this.hiddenStreams = new Set();
    this.hiddenOutcomes = new Set();
    this.all = false; // whether upstreams that the scenario isn't about have lanes, too
    this.listeners = new Set();
  }

  // What a reader had chosen of an earlier state of this play; a view of all of it goes on to be one.
  follow(before) {
    const whole = before.from <= 0 && before.to >= before.data.end;
    if (!whole) [this.from, this.to] = [before.from, Math.min(before.to, this.data.end)];
    [this.cursor, this.all] = [before.cursor, before.all];
    [this.hiddenStreams, this.hiddenOutcomes] = [before.hiddenStreams, before.hiddenOutcomes];
    if (before.chosen >= 0) this.chosen = this.data.requests.id.indexOf(before.data.requests.id[before.chosen]);
  }

  tell(what) {
    for (const listener of this.listeners) listener(what);
  }

  visible(k) {
    const r = this.data.requests;
    return !this.hiddenStreams.has(r.stream[k]) && !this.hiddenOutcomes.has(r.outcome[k]);
  }

  show(from, to) {
    const least = Math.min(0.01, this.data.end);
    const width = Math.max(least, Math.min(to - from, this.data.end));
    const start = Math.min(Math.max(0, from), this.data.end - width);
    if (start === this.from && start + width === this.to) return;
    [this.from, this.to] = [start, start + width];
    this.tell("view");
  }

  zoom(factor, around = Number.isNaN(this.cursor) ? (this.from + this.to) / 2 : this.cursor) {
    const at = Math.min(Math.max(around, this.from), this.to);
    this.show(at - (at - this.from) * factor, at + (this.to - at) * factor);
  }

  pan(share) {
    const by = (this.to - this.from) * share;
    this.show(this.from + by, this.to + by);
  }

  reset() {
    this.show(0, this.data.end);
  }

  point(at, follow = true) {
    this.cursor = Math.min(Math.max(0, at), this.data.end);
    if (follow && (this.cursor < this.from || this.cursor > this.to)) {
      const half = (this.to - this.from) / 2;
      this.show(this.cursor - half, this.cursor + half);
    }
    this.tell("cursor");
  }

  choose(k) {
    if (k === this.chosen) return;
    this.chosen = k;
    if (k >= 0) this.point(this.data.requests.at[k]);
    this.tell("chosen");
  }

  light(requests, why = "") {
    this.lit = requests && requests.length ? new Set(requests) : null;
    this.why = this.lit ? why : "";
    this.tell("lit");
  }

  // The visible request that was sent nearest to an instant, at the height of a latency if given.
  nearest(at, { stream = -1, distance = null } = {}) {
    const r = this.data.requests;
    let best = -1, least = Infinity;
    for (const k of this.inOrder) {
      if (stream >= 0 && r.stream[k] !== stream || !this.visible(k)) continue;
      const far = distance ? distance(k) : Math.abs(r.at[k] - at);
      if (far < least) [best, least] = [k, far];
    }
    return best;
  }

  // All requests by the instant they left.
  get inOrder() {
    if (!this.order) {
      const at = this.data.requests.at;
      this.order = Uint32Array.from(at.keys()).sort((one, other) => at[one] - at[other] || one - other);
    }
    return this.order;
  }

  // The next or the last visible request, from the chosen one or from the cursor.
  neighbour(step) {
    const order = this.inOrder, at = this.data.requests.at;
    let place = this.chosen >= 0 ? order.indexOf(this.chosen) : -1;
    if (place < 0) {
      const cursor = Number.isNaN(this.cursor) ? this.from : this.cursor;
      place = order.findIndex((k) => at[k] >= cursor) - (step > 0 ? 1 : 0);
    }
    for (place += step; place >= 0 && place < order.length; place += step) {
      if (this.visible(order[place])) return order[place];
    }
    return -1;
  }
}
