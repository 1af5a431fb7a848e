// Elements made by hand: every text goes in as text, so nothing in it is ever markup.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((each) => each !== null && each !== undefined && each !== false && each !== ""));
  return element;
}

function sign(verdict) {
  return make("span", { class: `sign ${verdict}`, "aria-hidden": "true" }, (VERDICTS[verdict] || VERDICTS.out_of_scope)[0]);
}

function button(words, attributes, ...children) {
  return make("button", { type: "button", ...attributes }, words, ...children);
}

// A chip that can be pressed and released; `change` is told whether it is.
function chip(words, pressed, change, attributes = {}) {
  const made = button("", {
    class: "chip", "aria-pressed": String(pressed), ...attributes,
    onclick: () => {
      const now = made.getAttribute("aria-pressed") !== "true";
      made.setAttribute("aria-pressed", String(now));
      change(now);
    },
  }, words);
  return made;
}

// A table of which so many rows are shown, and more when asked for.
function table(caption, columns, count, row, page = 100) {
  const body = make("tbody");
  const more = button("", { class: "more" });
  let shown = 0;
  const show = () => {
    const until = Math.min(count, shown + page);
    for (; shown < until; shown += 1) {
      const cells = row(shown).map((cell, k) => make(k ? "td" : "th", k ? {} : { scope: "row" }, cell));
      body.append(make("tr", {}, cells));
    }
    more.textContent = `${plural(count - shown, "more row")}`;
    more.hidden = shown >= count;
  };
  more.addEventListener("click", show);
  show();
  const head = make("thead", {}, make("tr", {}, columns.map((each) => make("th", { scope: "col" }, each))));
  return make("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    make("table", {}, make("caption", {}, `${caption} (${count.toLocaleString("en")})`), head, body), more);
}

function say(words) {
  document.getElementById("live").textContent = words;
}

async function copy(text, element) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const selection = getSelection();
    selection.removeAllRanges();
    selection.selectAllChildren(element);
    done = false;
  }
  say(done ? "Copied" : "Selected: copy it with your keyboard");
  return done;
}
