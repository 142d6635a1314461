import { Heat } from "./cells.js";
import { Player, calm, make, mount, percent, steps } from "./common.js";

// A string of a counting language: what is read and expected, what every stack does over time, and the stacks now.
mount("stack_rnn", (panel) => {
  const { languages, most, longest, trained } = panel.settings;
  const find = (name) => panel.stage.querySelector(`.stack-${name}`);
  const maps = Object.fromEntries(["reads", "next", "actions", "cells"].map((name) => [name, new Heat(panel.stage, name)]));
  const state = stored();

  function stored() {
    const { language, n, rounded } = panel.prompts[0].input;
    return { language, rounded, text: string(language, n), trace: steps(panel.trace) };
  }

  /** The string of size n, as demo.py has it. */
  function string(language, n) {
    const m = Math.floor(n / 3);
    const counts = { anbncn: [n, n, n], anbmcnm: [n - m, m, n], anb2n: [n, 2 * n] }[language];
    return counts.map((count, i) => "abc"[i].repeat(count)).join("");
  }

  const FREE = { "": "a", a: "ab", b: "bc" }; // what may follow where the language leaves a choice

  /** After every step, the symbol that the language leaves no choice about; undefined where there is one. */
  function foreseen(language, text) {
    const count = {}, found = [undefined];
    let last = "", left = false; // whether the text has left the language
    for (const letter of text) {
      left ||= !(found.at(-1) ?? FREE[last]).includes(letter);
      if (letter === "a" && last !== "a") Object.assign(count, { a: 0, b: 0, c: 0 });
      count[letter] += 1;
      found.push(left ? undefined : next(language, count, letter));
      last = letter;
    }
    return found;
  }

  function next(language, { a, b, c }, letter) {
    if (letter === "a") return undefined;
    if (language === "anb2n") return b < 2 * a ? "b" : "a";
    if (language === "anbncn") return b < a ? "b" : c < b ? "c" : "a";
    return letter === "b" ? undefined : c < a + b ? "c" : "a";
  }

  const likeliest = ({ probabilities }) => languages[state.language].alphabet[probabilities.indexOf(Math.max(...probabilities))];
  const signed = (value) => (Math.round(100 * value) / 100 + 0).toFixed(2).replace(".00", "").replace("-", "−").replace("0.", ".");

  const shape = () => {
    const { actions, stacks } = state.trace[0];
    return { count: actions.length / 2, stacks: (2 * stacks.length) / actions.length };
  };

  function drawAll() {
    const { language, text, trace } = state, { alphabet, label } = languages[language];
    const columns = trace.length, { count, stacks } = shape();
    state.wanted = foreseen(language, text);
    const read = alphabet.at(-1) + text;
    const wrong = trace.map((step, t) => state.wanted[t] !== undefined && likeliest(step) !== state.wanted[t]);
    maps.reads.draw(alphabet.length, columns, { mark: (row, t) => Number(read[t] === alphabet[row]) });
    const share = (row, t) => trace[t].probabilities[row];
    maps.next.draw(alphabet.length, columns, {
      mark: (row, t) => (state.wanted[t] === undefined ? share(row, t) : 0),
      right: (row, t) => (state.wanted[t] && !wrong[t] ? share(row, t) : 0),
      wrong: (row, t) => (wrong[t] ? share(row, t) : 0),
    });
    maps.actions.draw(count, columns, {
      write: (row, t) => trace[t].actions[2 * row],
      read: (row, t) => trace[t].actions[2 * row + 1],
    });
    for (const part of ["a", "b"]) {
      find(part).querySelectorAll("span").forEach((span, i) => { span.textContent = alphabet[i] ?? ""; });
      find(part).classList.toggle("stack-two", alphabet.length === 2);
    }
    const known = state.wanted.filter(Boolean).length, faults = wrong.filter(Boolean).length;
    const [what, how] = find("phases").children;
    what.textContent = state.text === string(language, sizes()) ? `${label}, ${unit()} = ${sizes()}` : `${label}, your string`;
    how.textContent = !known ? "nothing can be foreseen yet" : faults ? `${faults} of ${known} wrong` : `${known} of ${known} right`;
    how.classList.toggle("demo-bad", faults > 0);
    find("steps").lastChild.textContent = columns;
    state.depth = Math.min(stacks, Math.max(8, sizes() + 2)); // as many cells as a counter fills
    size.value = sizes();
    amount.textContent = size.value;
    size.setAttribute("aria-label", unit());
    named.textContent = unit();
    typed.value = text;
    round.checked = state.rounded;
    for (const radio of radios) radio.checked = radio.value === language;
  }

  const unit = () => (state.language === "anbmcnm" ? "n + m" : "n");
  const sizes = () => Math.max(1, Math.min(most, state.text.split(state.language === "anbmcnm" ? "c" : "a").length - 1));

  /** The stacks after a step, what was done to them, and what the network expects. */
  function show(at) {
    const { trace, text, language, wanted } = state, step = trace[at], { count, stacks } = shape();
    maps.cells.draw(state.depth, count, { plus: (row, stack) => (step.stacks[stack * stacks + row] + 1) / 2 });
    cursor.style.left = `${(100 * at) / trace.length}%`;
    cursor.style.width = `${100 / trace.length}%`;
    for (let stack = 0; stack < count; stack++) {
      const push = step.actions[2 * stack], [first, second] = [...table.tBodies[0].rows].map((row) => row.cells[stack + 1]);
      first.textContent = Math.round(100 * push);
      first.className = push >= 0.5 ? "stack-push" : "stack-pop";
      second.textContent = signed(step.stacks[stack * stacks]);
    }
    const { alphabet } = languages[language], best = likeliest(step), due = wanted[at];
    const comes = due ? `must be ${due}` : "is free";
    doing.replaceChildren(
      at ? `Reads symbol ${at}, ${text[at - 1]}. ` : `Reads the ${alphabet.at(-1)} that ends the string before. `,
      make("span", { className: due ? (best === due ? "stack-right" : "demo-bad") : "" }, `The next symbol ${comes}`),
      `; most likely ${best}.`,
    );
    bars.replaceChildren(...[...alphabet].map((letter, i) => {
      const filled = make("i", { className: due ? (letter === due ? "stack-due" : "stack-other") : "" });
      filled.style.width = `${100 * step.probabilities[i]}%`;
      return make("li", {}, make("span", { textContent: letter }), make("b", {}, filled), make("span", { textContent: percent(step.probabilities[i]) }));
    }));
  }

  /** Run the network over a string. */
  async function run(input, then) {
    const { language, text, rounded } = { ...state, ...input };
    const { alphabet } = languages[language];
    const trace = await panel.compute(async (current) => {
      const found = [];
      let { stacks } = panel.live;
      for (const letter of alphabet.at(-1) + text) {
        if (!current()) break;
        const x = { shape: [1, alphabet.length], data: new Float32Array(alphabet.length) };
        x.data[alphabet.indexOf(letter)] = 1;
        const after = await panel.run(`${language}-${rounded ? "rounded" : "soft"}`, { x, stacks });
        stacks = after.stacks;
        found.push(Object.fromEntries(Object.entries(after).map(([name, { data }]) => [name, data])));
      }
      return found;
    });
    if (!trace) return;
    Object.assign(state, { language, text, rounded, trace });
    drawAll();
    then();
  }

  const settle = () => player.set(state.trace.length, state.trace.length - 1);
  const stay = () => player.set(state.trace.length, Math.min(player.at, state.trace.length - 1));
  const play = () => { player.set(state.trace.length, calm() ? state.trace.length - 1 : 0); player.play(); };

  // The input: a language, a size or a string, and how actions are taken.
  const radios = Object.keys(languages).map((value) => make("input", { type: "radio", name: "stack-language", value }));
  radios.forEach((radio) => radio.addEventListener("change", () => run({ language: radio.value, text: string(radio.value, Math.max(2, Number(size.value))) }, settle)));
  const size = make("input", { type: "range", min: 1, max: most, id: "stack-size" });
  const amount = make("output", { className: "demo-amount" });
  const named = make("label", { htmlFor: "stack-size" });
  size.addEventListener("input", () => { amount.textContent = size.value; });
  size.addEventListener("change", () => run({ text: string(state.language, Number(size.value)) }, settle));
  const typed = make("input", { type: "text", id: "stack-text", maxLength: longest, spellcheck: false, autocomplete: "off" });
  typed.addEventListener("change", () => {
    const { alphabet } = languages[state.language], text = typed.value.replace(/\s/g, "").toLowerCase();
    if (text && [...text].every((letter) => alphabet.includes(letter))) run({ text }, settle);
    else panel.tell(`A string has the letters ${[...alphabet].join(", ")} alone.`);
  });
  const round = make("input", { type: "checkbox", id: "stack-round" });
  round.addEventListener("change", () => run({ rounded: round.checked }, stay));
  panel.input(
    make("span", { className: "stack-choices" }, ...radios.map((radio) => make("label", {}, radio, languages[radio.value].label)),
      make("label", { className: "stack-rounded" }, round, "round actions")),
    make("span", { className: "stack-line" }, named, size, amount, make("span", { className: "stack-trained", textContent: `trained up to ${trained}` })),
    make("span", { className: "stack-line" }, make("label", { htmlFor: "stack-text", textContent: "String" }), typed),
  );

  // Marks over the picture, and the readout under it.
  const cursor = make("i", { className: "stack-cursor" });
  find("over").append(cursor);
  const table = panel.stage.querySelector("table");
  const doing = make("p"), bars = make("ul");
  panel.readout.replaceChildren(doing, bars);

  const player = new Player(panel, show, "step");
  drawAll();
  player.set(state.trace.length, panel.settings.at);
  panel.listen(({ language, n, rounded }) => {
    const text = string(language, n);
    const same = language === state.language && text === state.text && rounded === state.rounded;
    return same ? play() : run({ language, text, rounded }, play);
  });
  panel.root.demo = state; // for the tests
});
