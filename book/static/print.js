// Before a page goes to paper: solutions and notes open, and formulas that are too wide shrink to the line.
(() => {
  "use strict";
  const opened = new Set();
  const shrunk = new Set();

  function before() {
    document.querySelectorAll(".bd-article details:not([open])").forEach((part) => {
      const cell = part.closest(".cell");
      if (cell && !cell.matches(".tag_solution")) return; // plotting code stays out of the way
      part.open = true;
      opened.add(part);
    });
    document.querySelectorAll('mjx-container[display="true"]').forEach((formula) => {
      const room = formula.parentElement.clientWidth;
      const need = formula.scrollWidth;
      if (room && need > room + 1) {
        formula.style.fontSize = `${Math.floor((100 * room * parseFloat(getComputedStyle(formula).fontSize)) / need) / 100}px`;
        shrunk.add(formula);
      }
    });
  }

  function after() {
    opened.forEach((part) => { part.open = false; });
    shrunk.forEach((formula) => { formula.style.fontSize = ""; });
    opened.clear();
    shrunk.clear();
  }

  window.addEventListener("beforeprint", before);
  window.addEventListener("afterprint", after);
})();
