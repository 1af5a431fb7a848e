// The list of scenarios: search, and which verdicts are shown.

function setUpOverview() {
  const rows = [...document.querySelectorAll(".rows > .row")].map((element) => ({
    element, verdict: element.dataset.verdict, fresh: "new" in element.dataset, text: element.textContent.toLowerCase(),
  }));
  const search = document.getElementById("search");
  const verdicts = [...document.querySelectorAll(".filters [data-verdict]")];
  const fresh = document.querySelector(".filters [data-new]");
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(verdicts.filter(isPressed).map((each) => each.dataset.verdict));
    let count = 0;
    for (const row of rows) {
      const shown = wanted.has(row.verdict) && (!fresh || !isPressed(fresh) || row.fresh) && words.every((word) => row.text.includes(word));
      row.element.hidden = !shown;
      count += shown;
    }
    document.getElementById("none").hidden = count > 0;
    document.getElementById("shown").textContent = count === rows.length ? "" : `${count} of ${plural(rows.length, "scenario")}`;
  };
  search.addEventListener("input", show);
  for (const each of [...verdicts, ...(fresh ? [fresh] : [])]) {
    each.addEventListener("click", () => {
      each.setAttribute("aria-pressed", String(!isPressed(each)));
      show();
    });
  }
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || document.getElementById("overview").hidden || /^(input|textarea)$/i.test(event.target.tagName)) return;
    event.preventDefault();
    search.focus();
  });
}

const isPressed = (element) => element.getAttribute("aria-pressed") === "true";
