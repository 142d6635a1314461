// Filters of the reading list, the lineage graph's highlights, and cards over links.
// Every page is complete without it.
(() => {
  "use strict";

  // The choices stand in the address (#concept=attention&year=2015), so that a filtered list can be linked.
  function filters(form) {
    const rows = [...document.querySelectorAll(".unrolled-table.reading-list tbody tr")];
    const selects = [...form.querySelectorAll("select")];
    const count = form.querySelector(".count");
    const fields = new Set(selects.map((select) => select.name));

    function read() {
      const hash = location.hash.slice(1);
      if (hash && !hash.includes("=")) return;
      const wanted = new URLSearchParams(hash);
      for (const select of selects) {
        const value = wanted.get(select.name) || "";
        select.value = [...select.options].some((option) => option.value === value) ? value : "";
      }
      apply();
    }

    function apply() {
      const chosen = selects.filter((select) => select.value);
      let shown = 0;
      for (const row of rows) {
        const fits = chosen.every((s) => (row.getAttribute(`data-${s.name}`) || "").includes(`|${s.value}|`));
        row.hidden = !fits;
        shown += fits;
      }
      for (const select of selects) select.classList.toggle("set", Boolean(select.value));
      count.textContent = chosen.length ? `${shown} of ${rows.length} entries fit.` : `All ${rows.length} entries.`;
    }

    function keep() {
      const hash = new URLSearchParams();
      for (const select of selects) if (fields.has(select.name) && select.value) hash.set(select.name, select.value);
      const text = hash.toString();
      history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
    }

    form.addEventListener("change", () => { apply(); keep(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => { apply(); keep(); }));
    window.addEventListener("hashchange", read);
    form.hidden = false;
    apply();
    read();
  }

  // The lines of the node under the pointer or the focus stand out.
  function graph(box) {
    const nodes = [...box.querySelectorAll(".node")];
    const lines = [...box.querySelectorAll(".edges path")];

    function light(name) {
      const near = new Set([name]);
      for (const line of lines) {
        const touches = name !== null && (line.dataset.from === name || line.dataset.to === name);
        line.classList.toggle("lit", touches);
        if (touches) near.add(line.dataset.from).add(line.dataset.to);
      }
      for (const node of nodes) node.classList.toggle("lit", near.has(node.dataset.node));
      box.classList.toggle("lit", name !== null);
    }

    for (const node of nodes) {
      for (const event of ["mouseenter", "focus"]) node.addEventListener(event, () => light(node.dataset.node));
      for (const event of ["mouseleave", "blur"]) node.addEventListener(event, () => light(null));
      node.addEventListener("focus", () => node.scrollIntoView?.({ block: "nearest", inline: "nearest" }));
    }
  }

  // A card for a link whose target this page describes in a template: by pointer or focus, closed by Escape.
  function cards() {
    const links = [...document.querySelectorAll("a[data-card]")];
    if (!links.length) return;
    const box = document.createElement("div");
    box.className = "unrolled-hover";
    box.id = "unrolled-hover";
    box.setAttribute("role", "tooltip");
    box.hidden = true;
    document.body.append(box);
    let owner = null;
    let timer = 0;

    function later(action, wait) {
      clearTimeout(timer);
      timer = setTimeout(action, wait);
    }

    function show(link) {
      clearTimeout(timer);
      const template = document.getElementById(link.getAttribute("data-card"));
      if (!template || owner === link) return;
      hide();
      owner = link;
      box.replaceChildren(template.content.cloneNode(true));
      box.hidden = false;
      link.setAttribute("aria-describedby", box.id);
      place();
      if (box.querySelector(".math") && window.MathJax?.typesetPromise) {
        window.MathJax.typesetPromise([box]).then(() => { if (owner === link) place(); });
      }
    }

    function place() {
      const at = owner.getBoundingClientRect();
      const size = box.getBoundingClientRect();
      const width = document.documentElement.clientWidth;
      const left = Math.max(8, Math.min(at.left, width - size.width - 8));
      const below = at.bottom + size.height + 12 < window.innerHeight || at.top < size.height + 12;
      box.style.left = `${left + window.scrollX}px`;
      box.style.top = `${(below ? at.bottom + 6 : at.top - size.height - 6) + window.scrollY}px`;
    }

    function hide() {
      clearTimeout(timer);
      if (!owner) return;
      owner.removeAttribute("aria-describedby");
      owner = null;
      box.hidden = true;
      window.MathJax?.typesetClear?.([box]);
      box.replaceChildren();
    }

    for (const link of links) {
      link.removeAttribute("title"); // the card says more
      link.addEventListener("mouseenter", () => later(() => show(link), 200));
      link.addEventListener("mouseleave", () => later(hide, 250));
      link.addEventListener("focus", () => { if (link.matches(":focus-visible")) show(link); });
      link.addEventListener("blur", hide);
    }
    box.addEventListener("mouseenter", () => clearTimeout(timer));
    box.addEventListener("mouseleave", () => later(hide, 250));
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  }

  // A link to a folded row opens the fold.
  function unfold() {
    const name = decodeURIComponent(location.hash.slice(1));
    const target = name && document.getElementById(name);
    const folds = [];
    for (let fold = target ? target.closest("details") : null; fold; fold = fold.parentElement.closest("details")) folds.push(fold);
    if (!folds.some((fold) => !fold.open)) return;
    for (const fold of folds) fold.open = true;
    target.scrollIntoView();
  }

  function start() {
    document.querySelectorAll("form.unrolled-filters").forEach(filters);
    document.querySelectorAll(".unrolled-graph").forEach(graph);
    cards();
    unfold();
    window.addEventListener("hashchange", unfold);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
