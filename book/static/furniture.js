// What is wider than its box scrolls: it fades where there is more, and the keyboard can reach it.
// On paper the light colours hold. Every page is complete without this.
(() => {
  "use strict";

  const BOXES = ".bd-article :is(pre, div.math, .pst-scrollable-table-container)";

  function mark(box) {
    const room = box.scrollWidth - box.clientWidth;
    const scrolls = room > 1;
    box.classList.toggle("scrolls", scrolls);
    box.classList.toggle("more-before", scrolls && box.scrollLeft > 1);
    box.classList.toggle("more-after", scrolls && box.scrollLeft < room - 1);
    if (scrolls) { // the theme's script may have been here first, with a tabindex and no name
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `${box.matches("pre") ? "Code" : box.matches(".math") ? "Formula" : "Table"}, scrolls sideways`);
    } else if (!scrolls && box.getAttribute("role") === "group") {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  }

  function start() {
    const sizes = new ResizeObserver((entries) => {
      for (const { target } of entries) mark(target.matches(BOXES) ? target : target.closest(BOXES));
    });
    const watch = (box) => {
      sizes.observe(box);
      for (const inner of box.children) sizes.observe(inner);
      box.addEventListener("scroll", () => mark(box), { passive: true });
    };
    document.querySelectorAll(BOXES).forEach(watch);
    // formulas are set after the page: their boxes are measured again
    window.MathJax?.startup?.promise?.then(() => document.querySelectorAll(".bd-article div.math").forEach(mark));
  }

  let theme = null;
  window.addEventListener("beforeprint", () => {
    theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    if (theme) document.documentElement.dataset.theme = theme;
  });

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
