// What the pages can do beyond reading: tabs and copy buttons in the cite box, and the width that pairs may take.
// Every page is complete without it.
(() => {
  "use strict";

  function tabs(box) {
    const panels = [...box.querySelectorAll(".panel")];
    if (!panels.length) return;
    const bar = document.createElement("div");
    bar.className = "tabs";
    const list = document.createElement("div");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", "Style of the reference");
    list.style.display = "contents";
    const buttons = panels.map((panel, index) => {
      const name = panel.querySelector(".style");
      const button = document.createElement("button");
      button.type = "button";
      button.id = `${panel.id}-tab`;
      button.textContent = name.textContent;
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", panel.id);
      button.addEventListener("click", () => choose(index));
      button.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const target = event.key === "Home" ? 0 : event.key === "End" ? panels.length - 1
          : step ? (index + step + panels.length) % panels.length : null;
        if (target === null) return;
        event.preventDefault();
        choose(target);
        buttons[target].focus();
      });
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", button.id);
      list.append(button);
      return button;
    });
    let chosen = 0;
    function choose(index) {
      chosen = index;
      panels.forEach((panel, position) => {
        panel.hidden = position !== index;
        buttons[position].setAttribute("aria-selected", String(position === index));
        buttons[position].tabIndex = position === index ? 0 : -1;
      });
    }
    bar.append(list);
    bar.append(copier(() => panels[chosen].querySelector("pre").textContent));
    box.prepend(bar);
    box.classList.add("tabbed");
    choose(0);
  }

  function copier(text) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text());
        button.textContent = "Copied";
      } catch {
        button.textContent = "Press Ctrl+C";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1800);
    });
    return button;
  }

  // An equation and its source may use the margin to the right, which the page's own contents leave free.
  function widen() {
    const article = document.querySelector(".bd-article");
    const content = document.querySelector(".bd-content");
    if (!article || !content) return;
    const style = getComputedStyle(article);
    const right = article.getBoundingClientRect().right - parseFloat(style.paddingRight);
    const free = Math.max(0, Math.min(content.getBoundingClientRect().right - 24 - right, 480));
    article.style.setProperty("--unrolled-margin", `${free}px`);
  }

  // While a part that uses the margin is in sight, the page's contents fold away, as the theme does for its own.
  function fold() {
    const contents = document.querySelector(".bd-sidebar-secondary");
    const parts = document.querySelectorAll(".unrolled-pair, .unrolled-wide");
    if (!contents || !parts.length || !("IntersectionObserver" in window)) return;
    const seen = new Set();
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) entry.isIntersecting ? seen.add(entry.target) : seen.delete(entry.target);
      contents.classList.toggle("hide", seen.size > 0);
    }, { rootMargin: "0px 0px -33% 0px" });
    parts.forEach((part) => observer.observe(part));
  }

  // The theme's names for its own buttons and regions, mended for assistive technology.
  function name() {
    document.querySelectorAll(".search-button, .search-button-field").forEach((button) => {
      if (button.textContent.trim()) button.removeAttribute("aria-label");
    });
    document.querySelectorAll(".theme-switch-button").forEach((button) => {
      button.removeAttribute("title");
    });
    document.querySelectorAll("nav details > summary").forEach((summary) => {
      const item = summary.closest("li");
      const link = item && item.querySelector("a");
      if (!summary.textContent.trim()) summary.setAttribute("aria-label", `Chapters of ${link ? link.textContent.trim() : "this part"}`);
    });
    const sidebar = document.querySelector(".bd-sidebar-primary");
    if (sidebar) {
      sidebar.setAttribute("role", "complementary");
      sidebar.setAttribute("aria-label", "Book contents");
    }
  }

  function start() {
    document.querySelectorAll(".unrolled-cite").forEach(tabs);
    name();
    widen();
    fold();
    window.addEventListener("resize", widen, { passive: true });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
