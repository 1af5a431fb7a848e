// The list of scenarios: search, and which verdicts are shown. Rows and verdicts may be exchanged
// for newer ones at any time; `showRows` then does its work again.

function showRows() {
  const words = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const off = new Set([...document.querySelectorAll("#verdicts [data-verdict]")].filter((each) => !isPressed(each)).map((each) => each.dataset.verdict));
  const fresh = document.querySelector("#verdicts [data-new]");
  const rows = [...document.querySelectorAll("#rows > .row")];
  let count = 0;
  for (const row of rows) {
    const text = words.length ? row.textContent.toLowerCase() : "";
    const shown = !off.has(row.dataset.verdict) && (!fresh || !isPressed(fresh) || "new" in row.dataset) && words.every((word) => text.includes(word));
    row.hidden = !shown;
    count += shown;
  }
  document.getElementById("none").hidden = count > 0;
  document.getElementById("shown").textContent = count === rows.length ? "" : `${count} of ${plural(rows.length, "scenario")}`;
}

function setUpOverview() {
  const search = document.getElementById("search");
  search.addEventListener("input", showRows);
  document.getElementById("verdicts").addEventListener("click", (event) => {
    const chosen = event.target.closest(".chip");
    if (!chosen) return;
    chosen.setAttribute("aria-pressed", String(!isPressed(chosen)));
    showRows();
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || document.getElementById("overview").hidden || /^(input|textarea)$/i.test(event.target.tagName)) return;
    event.preventDefault();
    search.focus();
  });
}

const isPressed = (element) => element.getAttribute("aria-pressed") === "true";
