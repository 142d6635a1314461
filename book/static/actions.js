// What buttons do that say so in data-action, and where on the page a reader was who reports an error.
// Every page is complete without it.
(() => {
  "use strict";

  const ACTIONS = {
    print: () => window.print(),
    "full-screen": () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
  };

  // The section and, where there is one, the cell that is at the top of the window.
  function place() {
    const article = document.querySelector(".bd-article");
    const line = window.innerHeight / 3;
    const above = (elements) => [...elements].filter((element) => element.getBoundingClientRect().top < line);
    const heading = above(article.querySelectorAll("section[id] > :is(h2, h3, h4)")).pop();
    const cells = [...article.querySelectorAll("div.cell")];
    const cell = cells.findIndex((element) => {
      const box = element.getBoundingClientRect();
      return box.top < line && box.bottom > line / 4;
    });
    const lines = [];
    if (heading) lines.push(`Section: ${heading.firstChild.textContent.trim()} (#${heading.parentElement.id})`);
    if (cell >= 0) lines.push(`Code cell: ${cell + 1} of ${cells.length}`);
    const chosen = String(window.getSelection()).trim().slice(0, 300);
    if (chosen) lines.push(`Text: “${chosen}”`);
    return lines;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button) ACTIONS[button.dataset.action]?.();
    const link = event.target.closest("a.unrolled-report");
    if (!link) return;
    const url = new URL(link.href);
    for (const name of ["body", "issue[description]"]) {
      const text = link.dataset.body ?? url.searchParams.get(name);
      if (text === null) continue;
      link.dataset.body = text; // as it was, in case the link is followed twice
      const [first, ...rest] = text.split("\n");
      url.searchParams.set(name, [first, ...place(), ...rest].join("\n"));
    }
    link.href = url.href;
  });
})();
