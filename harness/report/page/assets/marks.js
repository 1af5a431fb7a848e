// The shapes of marks on a canvas: an outcome has its colour and its shape, so either one tells it.

const sprites = new Map();
themed.add(() => sprites.clear());

function trace(ctx, shape, x, y, r) {
  ctx.beginPath();
  if (shape === "circle" || shape === "ring") ctx.arc(x, y, r * 0.86, 0, 2 * Math.PI);
  else if (shape === "square") ctx.rect(x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6);
  else if (shape === "cross") {
    ctx.moveTo(x - r * 0.8, y - r * 0.8); ctx.lineTo(x + r * 0.8, y + r * 0.8);
    ctx.moveTo(x + r * 0.8, y - r * 0.8); ctx.lineTo(x - r * 0.8, y + r * 0.8);
  } else polygon(ctx, shape === "triangle" ? 3 : 5, x, y, r);
}

function polygon(ctx, corners, x, y, r) {
  const low = corners === 3 ? r * 0.18 : 0;
  for (let k = 0; k < corners; k += 1) {
    const angle = -Math.PI / 2 + (2 * Math.PI * k) / corners;
    ctx.lineTo(x + r * 1.05 * Math.cos(angle), y + low + r * 1.05 * Math.sin(angle));
  }
  ctx.closePath();
}

// Hollow where a breaker turned it away: no attempt was made for it.
function paint(ctx, outcome, x, y, r, hollow) {
  const { shape } = OUTCOMES[outcome];
  const ink = colour(`o-${outcome === "?" ? "none" : outcome}`);
  trace(ctx, shape, x, y, r);
  ctx.lineWidth = shape === "cross" ? r * 0.55 : r * 0.42;
  ctx.strokeStyle = ink;
  if (shape === "cross") { ctx.stroke(); return; }
  ctx.fillStyle = hollow || shape === "ring" ? colour("surface") : ink;
  ctx.fill();
  ctx.stroke();
}

function sprite(outcome, radius, hollow) {
  const key = `${outcome} ${radius} ${hollow}`;
  if (!sprites.has(key)) {
    const size = Math.ceil(radius * 3);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    paint(canvas.getContext("2d"), outcome, size / 2, size / 2, radius, hollow);
    sprites.set(key, canvas);
  }
  return sprites.get(key);
}

// The mark of an outcome as a picture beside words.
function legendMark(outcome, hollow = false) {
  const canvas = make("canvas", { class: "mark", width: 32, height: 32, "aria-hidden": "true" });
  const redraw = () => {
    const ctx = canvas.getContext("2d");
    ctx.clearRect(0, 0, 32, 32);
    paint(ctx, outcome, 16, 16, 9, hollow);
  };
  redraw();
  themed.add(redraw);
  return canvas;
}

// Lines aslant, for what is unsure.
function hatch(ctx, ink, ratio) {
  const key = `hatch ${ink} ${ratio}`;
  if (!sprites.has(key)) {
    const size = Math.round(6 * ratio);
    const tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const inner = tile.getContext("2d");
    inner.strokeStyle = ink;
    inner.lineWidth = ratio * 1.4;
    for (const shift of [-size, 0, size]) {
      inner.moveTo(shift, size);
      inner.lineTo(shift + size, 0);
    }
    inner.stroke();
    sprites.set(key, tile);
  }
  return ctx.createPattern(sprites.get(key), "repeat");
}
