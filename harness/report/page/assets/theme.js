// Dark and light: as the system asks, or as the reader does; canvases ask for colours here.

const THEMES = ["auto", "light", "dark"];
const themed = new Set(); // what draws itself anew when colours change
const store = {
  get: () => { try { return localStorage.getItem("outage-theme"); } catch { return null; } },
  set: (value) => { try { localStorage.setItem("outage-theme", value); } catch { /* not kept, then */ } },
};
let palette = null;

function setUpTheme() {
  const holder = document.getElementById("theme");
  const buttons = THEMES.map((theme) => button(theme, {
    "aria-pressed": "false",
    onclick: () => { store.set(theme); apply(theme); },
  }));
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    buttons.forEach((each, k) => each.setAttribute("aria-pressed", String(THEMES[k] === theme)));
    recolour();
  };
  holder.append(...buttons);
  apply(THEMES.includes(store.get()) ? store.get() : "auto");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  // Paper is light, whatever the screen is.
  // On paper nothing can be unfolded: causes and all that show them are.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll(".more-causes:not([open]), .more-scenarios:not([open])")];
    unfolded.forEach((each) => { each.open = true; });
    document.documentElement.dataset.print = "";
    recolour();
  });
  addEventListener("afterprint", () => {
    unfolded.forEach((each) => { each.open = false; });
    delete document.documentElement.dataset.print;
    recolour();
  });
}

function recolour() {
  palette = null;
  for (const redraw of themed) redraw();
}

// The colour of a custom property of the style sheet, as the theme has it now.
function colour(name) {
  if (palette === null) palette = new Map();
  if (!palette.has(name)) {
    palette.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  }
  return palette.get(name);
}
