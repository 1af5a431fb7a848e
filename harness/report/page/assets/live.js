// A page that follows a run: it asks what has changed, exchanges the parts that have, and stops when
// the reader says so or the run is over. All scenes are fetched at the end, so that the page outlives
// the run.

const PARTS = ["sign", "hero", "matters", "verdicts", "rows"];
const written = trustedTypes.createPolicy("live", { createHTML: (text) => text }); // by the harness
const fetched = new Map(); // packed scenes of a run that is over
let paused = false, dragging = false;
addEventListener("pointerdown", () => { dragging = true; });
for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => { dragging = false; });

packedScene = async (key) => {
  if (fetched.has(key)) return fetched.get(key);
  const answer = await fetch(`/scene?name=${encodeURIComponent(key)}`);
  return answer.ok ? answer.text() : null;
};

async function follow() {
  const words = make("span", { role: "status" });
  const held = button("pause", { "aria-pressed": "false", onclick: () => {
    paused = !paused;
    held.setAttribute("aria-pressed", String(paused));
    words.textContent = paused ? "live, paused" : "live";
    if (!paused) renew().catch(() => {});
  } });
  const place = document.getElementById("following");
  place.append(words, held);
  words.textContent = "live";
  let version = 0, over = false;
  try {
    while (!over) {
      const said = await (await fetch(`/state?since=${version}`)).json();
      ({ version, over } = said);
      if (over) await fetchAll();
      if (!paused || over) await renew();
    }
    words.textContent = "the run is over";
  } catch {
    words.textContent = "the run is gone";
  }
  held.remove();
}

async function fetchAll() {
  const page = await latest();
  for (const link of page.querySelectorAll("#rows a")) {
    const key = safely(link.getAttribute("href").slice(2));
    fetched.set(key, await packedScene(key));
  }
}

const latest = async () => new DOMParser().parseFromString(written.createHTML(await (await fetch("/")).text()), "text/html");

// The newest page's parts in place of this one's; what the reader has chosen stays.
async function renew() {
  const page = await latest();
  const off = [...document.querySelectorAll("#verdicts [aria-pressed=false][data-verdict]")].map((each) => each.dataset.verdict);
  const fresh = document.querySelector("#verdicts [data-new][aria-pressed=true]");
  const held = document.activeElement && document.activeElement.getAttribute("href");
  for (const id of PARTS) {
    const old = document.getElementById(id), part = page.getElementById(id);
    if (!part || old.innerHTML === part.innerHTML && old.className === part.className) continue;
    old.className = part.className;
    old.replaceChildren(...part.childNodes);
  }
  for (const verdict of off) setPressed(`#verdicts [data-verdict=${verdict}]`, false);
  if (fresh) setPressed("#verdicts [data-new]", true);
  showRows();
  if (held && document.activeElement === document.body) {
    const again = [...document.querySelectorAll("#overview a")].find((each) => each.getAttribute("href") === held);
    if (again) again.focus({ preventScroll: true });
  }
  if (!current) document.title = page.title;
  const whole = current && current.data.verdict !== "playing"; // it has its verdict, and stays so
  unpacked.clear();
  if (!current || whole && !fetched.size) return;
  const open = current, data = await scene(open.key);
  if (data && current === open && !dragging) open.renew(data);
}

function setPressed(selector, pressed) {
  const found = document.querySelector(selector);
  if (found) found.setAttribute("aria-pressed", String(pressed));
}
