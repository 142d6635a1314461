// The search by section, in the theme's dialog and on the search page. Pagefind finds and weighs; here words are
// counted together, typing errors are forgiven, and what was found is shown. It needs a server: where the book is
// opened as files this script stays silent, and the form leads to Sphinx's own search.
(() => {
  "use strict";

  const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
  const SILENT = new Set(
    ("a about an and any are as at be by can do does for from had has have how i in is it its me of on or that the " +
     "than their them there these they this to versus vs was we were what when where which who why will with you your").split(" "),
  );
  // Titles are words of the text here and weigh there; Pagefind's own bonus for them would count them twice.
  const RANKING = { pageLength: 0.4, metaWeights: { title: 0, page: 0, kind: 0, address: 0, names: 0, excerpt: 0 } };
  const LISTED = 10;
  const EXCERPT = 26;

  let engine = null;

  function load() {
    engine ??= Promise.all([
      import(new URL("pagefind/pagefind.js", root).href),
      fetch(new URL("pagefind/words.txt", root)).then((answer) => answer.text()),
    ]).then(async ([pagefind, text]) => {
      await pagefind.options({ ranking: RANKING });
      return { pagefind, vocabulary: text.split("\n") };
    });
    return engine;
  }

  // The word itself where the book has it, else the nearest that it has; null where none is near. Pagefind would
  // cut an unknown word down to letters that some word begins with. What is no plain word is left to it.
  function meant(word, vocabulary) {
    if (!/^\p{Letter}{4,}$/u.test(word)) return word;
    const same = (known) => known.startsWith(word) || (word.startsWith(known) && word.length - known.length < 4);
    if (vocabulary.some(same)) return word;
    let best = null;
    let least = word.length < 8 ? 2 : 3;
    for (const known of vocabulary) { // the commonest words come first, so a tie goes to them
      if (Math.abs(known.length - word.length) >= least) continue;
      const far = distance(word, known, least);
      if (far < least) [best, least] = [known, far];
    }
    return best;
  }

  // Letters inserted, dropped, exchanged or swapped; more than `most` is not counted out.
  function distance(a, b, most) {
    let before = [];
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] !== b[j - 1]));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) next[j] = Math.min(next[j], before[j - 2] + 1);
      }
      if (Math.min(...next) >= most) return most;
      [before, row] = [row, next];
    }
    return row[b.length];
  }

  const plain = (text) => text.toLowerCase().normalize("NFKC").replace(/[?!"“”„(),;:\\{}$]+/g, " ").trim();

  function words(query) {
    const all = plain(query).split(/\s+/).filter(Boolean);
    const telling = all.filter((word) => !SILENT.has(word));
    return telling.length ? telling : all;
  }

  // A section's score is the sum over the words, times the share of the words that it has.
  async function find(query, most) {
    const { pagefind, vocabulary } = await load();
    const mended = [];
    const sections = new Map();
    let known = 0;
    for (const word of words(query)) {
      const near = meant(word, vocabulary);
      if (near !== word) mended.push([word, near]);
      const { results } = near ? await pagefind.search(near) : { results: [] };
      if (!results.length) continue;
      known += 1;
      for (const result of results) {
        const section = sections.get(result.id) ?? { result, score: 0, hits: [] };
        section.score += result.score;
        section.hits.push(result.words);
        sections.set(result.id, section);
      }
    }
    const weigh = (section) => section.score * section.hits.length / known;
    const best = [...sections.values()].sort((a, b) => weigh(b) - weigh(a)).slice(0, most + 20);
    await Promise.all(best.map(async (section) => { section.data = await section.result.data(); }));
    const asked = plain(mended.reduce((text, [word, near]) => text.replace(word, near ?? ""), query.toLowerCase()));
    for (const section of best) {
      const named = section.data.meta.names?.split("|").some((name) => plain(name) === asked);
      section.score = weigh(section) * (named ? 2 : 1); // what is called so, or introduces it
    }
    best.sort((a, b) => b.score - a.score);
    return { sections: best.slice(0, most), total: sections.size, mended };
  }

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  }

  // The stretch of a section's text that has most of the words, with the words marked.
  function excerpt({ data, hits }) {
    const text = data.content.split(/\s+/);
    const [from, to] = (data.meta.excerpt ?? `0 ${text.length}`).split(" ").map(Number);
    const marked = new Map(hits.flatMap((places, word) => places.map((place) => [place, word])));
    const places = [...marked.keys()].filter((place) => place >= from && place < to).sort((a, b) => a - b);
    const worth = (start) => {
      const inside = places.filter((place) => place >= start && place < start + EXCERPT - 4);
      return new Set(inside.map((place) => marked.get(place))).size * 100 + inside.length;
    };
    const first = places.reduce((best, place) => (best === null || worth(place) > worth(best) ? place : best), null);
    const start = Math.max(from, (first ?? from) - 4);
    const end = Math.min(to, start + EXCERPT);
    const box = make("span", "excerpt", start > from ? "… " : "");
    for (let place = start; place < end; place++) {
      box.append(marked.has(place) ? make("mark", "", text[place]) : text[place], " ");
    }
    if (end < to) box.append("…");
    return box;
  }

  function entry(section) {
    const { meta } = section.data;
    const link = make("a", "found");
    link.href = new URL(meta.address, root).href;
    const head = make("span", "head");
    head.append(make("span", "title", meta.title), make("span", "kind", meta.kind));
    link.append(head);
    if (meta.page !== meta.title && !meta.page.startsWith(meta.kind)) link.append(make("span", "page", meta.page));
    link.append(excerpt(section));
    return link;
  }

  function told({ sections, total, mended }, query) {
    const quoted = (list) => list.map((word) => `“${word}”`).join(", ");
    const near = mended.flatMap(([, word]) => word ?? []);
    const missed = mended.length ? `The book does not have ${quoted(mended.map(([word]) => word))}. ` : "";
    const instead = near.length ? `Showing ${quoted(near)} instead: ` : "";
    const count = !sections.length ? `nothing found for “${query}”.` : total === 1 ? "one section."
      : total > sections.length ? `the best ${sections.length} of ${total} sections.` : `${total} sections.`;
    return missed + instead + (instead ? count : count[0].toUpperCase() + count.slice(1));
  }

  function inDialog(dialog) {
    const input = dialog.querySelector("input[type=search]");
    const box = make("div", "unrolled-found");
    const status = make("p", "status", "Search sections, concepts, symbols and functions: “posterior collapse”, “alpha_tj”, “reset gate”.");
    const list = make("div", "list");
    status.setAttribute("role", "status");
    list.id = "unrolled-found";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Sections found");
    const help = make("p", "help");
    for (const [key, use] of [["↑ ↓", "choose"], ["Enter", "open"], ["Esc", "close"]]) help.append(make("kbd", "", key), ` ${use}  `);
    box.append(status, list, help);
    dialog.append(box);
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list",
    })) input.setAttribute(name, value);
    const idle = status.textContent;
    let turn = 0;
    let timer = 0;
    let chosen = -1;

    function choose(index) {
      const options = [...list.children];
      chosen = options.length ? (index + options.length) % options.length : -1;
      options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
      if (chosen < 0) input.removeAttribute("aria-activedescendant");
      else {
        input.setAttribute("aria-activedescendant", options[chosen].id);
        options[chosen].scrollIntoView({ block: "nearest" });
      }
    }

    async function ask() {
      const query = input.value.trim();
      const mine = ++turn;
      let answer = null;
      if (query) {
        try {
          answer = await find(query, LISTED);
        } catch (error) {
          if (mine === turn) status.textContent = "The search could not be loaded. Press Enter for the plain search.";
          console.warn(error);
          return;
        }
      }
      if (mine !== turn) return; // something else has been typed meanwhile
      list.replaceChildren(...(answer?.sections ?? []).map((section, at) => {
        const link = entry(section);
        link.id = `unrolled-found-${at}`;
        link.tabIndex = -1;
        link.setAttribute("role", "option");
        return link;
      }));
      status.textContent = answer ? told(answer, query) : idle;
      input.setAttribute("aria-expanded", String(Boolean(list.children.length)));
      list.dataset.query = query;
      list.scrollTop = 0;
      choose(0);
    }

    input.addEventListener("focus", () => load().catch(() => {}), { once: true });
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 90); });
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && list.children.length) {
        event.preventDefault();
        choose(chosen + step);
      } else if (event.key === "Enter" && chosen >= 0 && list.dataset.query === input.value.trim()) {
        event.preventDefault();
        list.children[chosen].click();
      }
    });
    list.addEventListener("click", () => dialog.close());
  }

  // The search page shows more of the same, in the place of what Sphinx would have listed.
  function onPage(box) {
    const own = Search.performSearch;
    Search.performSearch = (query) => {
      find(query, 30).then((answer) => {
        const list = make("ol", "unrolled-found page");
        for (const section of answer.sections) {
          const item = make("li");
          item.append(entry(section));
          list.append(item);
        }
        const status = make("p", "", told(answer, query));
        status.setAttribute("role", "status");
        box.replaceChildren(status, list);
      }).catch(() => own.call(Search, query));
    };
  }

  if (location.protocol === "file:") return;
  const dialog = document.getElementById("pst-search-dialog");
  if (dialog) inDialog(dialog);
  const box = document.getElementById("search-results");
  if (box && typeof Search !== "undefined") onPage(box);
})();
