// Addresses: `#/` is the overview, `#/name?t=12.1` a scenario at an instant. A view that a reader has
// made (time, request) is kept in the address, so that it can be sent to somebody.

let current = null;
let shown = ""; // The address of what is open: as it was gone to, or as a view of it was kept.

// What an address shows: its title, and a function that opens it in a place; null for nothing.
let pageOf = async (key) => {
  const data = await scene(key);
  return data && { title: data.title, open: (place) => new ScenarioPage(key, data, place) };
};

async function route() {
  if (location.hash === shown) return;
  shown = location.hash;
  const [path, query] = splitOnce(location.hash.replace(/^#\/?/, ""), "?");
  const key = safely(path);
  const wanted = new URLSearchParams(query);
  if (current && current.key === key && key) {
    current.go(wanted);
    return;
  }
  if (current) current.close();
  current = null;
  const found = key ? await pageOf(key) : null;
  if (key !== safely(splitOnce(location.hash.replace(/^#\/?/, ""), "?")[0])) return; // gone elsewhere meanwhile
  const overview = document.getElementById("overview"), place = document.getElementById("scenario");
  overview.hidden = Boolean(found);
  place.hidden = !found;
  document.title = found ? `${found.title}: outages replayed` : home;
  if (!found) {
    if (key) say(`There is no scenario ${key} in this report`);
    return;
  }
  current = found.open(place);
  current.moved = () => keep(current);
  scrollTo(0, 0);
  current.heading.focus({ preventScroll: true });
  current.go(wanted);
}

function safely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

let timer = 0;

function keep(page) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (page !== current || location.hash !== shown) return; // or on its way elsewhere
    const view = page.view, said = new URLSearchParams();
    if (!Number.isNaN(view.cursor)) said.set("t", plain(view.cursor, 2));
    if (view.from > 0 || view.to < page.data.end) {
      said.set("from", plain(view.from, 3));
      said.set("to", plain(view.to, 3));
    }
    if (view.chosen >= 0) said.set("request", page.data.requests.id[view.chosen]);
    shown = `#/${encodeURIComponent(page.key)}${said.size ? `?${said}` : ""}`;
    history.replaceState(null, "", shown);
  }, 200);
}
