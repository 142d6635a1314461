// Filter boxes of the indexes: what does not have the words is hidden, and folded papers open while they have some.
// Every index is complete without it.
(() => {
  "use strict";

  function filter(form) {
    const article = form.closest("article");
    const field = form.querySelector("input");
    const count = form.querySelector(".count");
    const items = [...article.querySelectorAll(form.dataset.items)].map((element) => {
      const parts = element.tagName === "DT" ? [element, element.nextElementSibling] : [element];
      return { parts, text: plain(parts.map((part) => part.textContent).join(" ")), fold: element.closest("details.unrolled-paper") };
    });
    const folds = [...new Set(items.map((item) => item.fold).filter(Boolean))];
    const groups = [...article.querySelectorAll(".unrolled-letter + dl, section:has(> details.unrolled-paper)")];
    let open = null; // which were open before something was typed

    function plain(text) {
      return text.toLowerCase().normalize("NFKD").replace(/\p{Mark}/gu, "");
    }

    function apply() {
      const words = plain(field.value).split(/\s+/).filter(Boolean);
      if (words.length && !open) open = new Set(folds.filter((fold) => fold.open));
      let shown = 0;
      for (const { parts, text } of items) {
        const fits = words.every((word) => text.includes(word));
        for (const part of parts) part.hidden = !fits;
        shown += fits;
      }
      for (const fold of folds) {
        const some = items.some((item) => item.fold === fold && !item.parts[0].hidden);
        fold.hidden = !some;
        fold.open = words.length ? some : open ? open.has(fold) : fold.open;
      }
      for (const group of groups) {
        const empty = ![...group.querySelectorAll(`${form.dataset.items}, details.unrolled-paper`)].some((item) => !item.hidden);
        group.hidden = empty;
        if (group.previousElementSibling?.className === "unrolled-letter") group.previousElementSibling.hidden = empty;
      }
      if (!words.length) open = null;
      count.textContent = words.length ? `${shown} of ${items.length}` : "";
    }

    form.addEventListener("submit", (event) => event.preventDefault());
    field.addEventListener("input", apply);
    form.hidden = false;
    if (field.value) apply(); // the browser has kept it
  }

  document.querySelectorAll("form.unrolled-find").forEach(filter);
})();
