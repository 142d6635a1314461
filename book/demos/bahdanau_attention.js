import { level } from "./cells.js";
import { Player, calm, make, mount, percent, steps } from "./common.js";

// A number in words is translated; a table shows how much each English word counted for each word written.
mount("bahdanau_attention", (panel) => {
  const { words, longest, largest } = panel.settings;
  const [START, STOP] = [1, 2];
  const LANGUAGES = { de: "German", fr: "French" };
  const name = (language, id) => (id === STOP ? "end" : words[language][id]);
  const commas = (number) => number.toLocaleString("en");
  const best = (values) => values.indexOf(Math.max(...values)); // the first, where two are equal
  let state;

  /** A translation: the words read and written, and what the model gave at each step. */
  function translation(number, language, source, trace, right) {
    const target = trace.map((step) => best(step.probabilities));
    return { number, language, source, target, trace, right };
  }

  /** A number in words, from those of its groups of three digits. */
  function spell(number, language) {
    if (!number) return panel.live.spelled[language][0][0];
    return [2, 1, 0].flatMap((scale) => {
      const group = Math.floor(number / 1000 ** scale) % 1000;
      const joins = language === "en" && scale === 0 && group < 100 && number > group;
      return group ? [...(joins ? ["and"] : []), panel.live.spelled[language][scale][group]] : [];
    }).join(" ");
  }

  async function translate(number, language) {
    const found = await panel.compute(async (current) => {
      const source = spell(number, "en").split(" ");
      const ids = new Int32Array(longest).fill(STOP);
      source.forEach((word, i) => { ids[i] = words.en.indexOf(word); });
      const length = { shape: [1], data: Int32Array.of(source.length + 1) };
      const read = await panel.run(`${language}-read`, { source: { shape: [1, longest], data: ids }, length });
      const trace = [];
      for (let word = START, s = read.s; word !== STOP && trace.length < 2 * longest && current();) {
        const { annotations, keys } = read;
        const step = await panel.run(`${language}-write`, { word: { shape: [1], data: Int32Array.of(word) }, s, annotations, keys, length });
        s = step.s;
        word = best(step.probabilities.data);
        trace.push({ alpha: step.alpha.data.slice(0, source.length + 1), probabilities: step.probabilities.data });
      }
      return translation(number, language, [...source, "end"], trace, spell(number, language));
    });
    if (found) take(found);
    return found;
  }

  /** Show another translation. */
  function take(found, at = 0) {
    panel.root.demo = state = found; // for the tests, too
    const { source, target, trace, language } = state;
    const head = make("tr", {}, make("td"), ...source.map((word, column) => make("th", { scope: "col" }, label(word, () => showColumn(column)))));
    const rows = target.map((id, row) => make("tr", {},
      make("th", { scope: "row" }, label(name(language, id), () => player.go(row))),
      ...Array.from(trace[row].alpha, (weight, column) => {
        const cell = make("td", { className: `demo-w${level(weight)}`, title: `${name(language, id)} reads ${source[column]}: ${percent(weight)}` });
        cell.addEventListener("pointerenter", () => player.go(row));
        return cell;
      })));
    table.tHead.replaceChildren(head);
    table.tBodies[0].replaceChildren(...rows);
    table.style.setProperty("--rows", rows.length);
    table.style.setProperty("--columns", source.length);
    number.value = commas(state.number);
    for (const radio of radios) radio.checked = radio.value === language;
    const written = target.filter((id) => id !== STOP).map((id) => name(language, id)).join(" ");
    sentence.replaceChildren(make("span", { lang: language, textContent: written || "(nothing)" }), " ", verdict(written));
    player.set(target.length, at);
  }

  function verdict(written) {
    const right = (state.right ?? written) === written; // the stored translation is right
    const hint = right ? "Point at a word or a cell to see what it read." : `Right would be “${state.right}”.`;
    return make("span", {},
      make("span", { className: right ? "align-right" : "demo-bad", textContent: right ? "✓ right" : "✗ wrong" }),
      make("span", { className: "align-hint", textContent: hint }));
  }

  function label(text, act) {
    const button = make("button", { type: "button", textContent: text });
    for (const event of ["pointerenter", "focus", "click"]) button.addEventListener(event, act);
    return button;
  }

  const bar = (word, share) => {
    const filled = make("i");
    filled.style.width = `${100 * share}%`;
    return make("li", {}, make("span", { textContent: word }), make("b", {}, filled), make("span", { textContent: percent(share) }));
  };
  const largestThree = (values, names) => make("ul", {}, ...Array.from(values, (value, i) => [value, names(i)])
    .sort((a, b) => b[0] - a[0]).slice(0, 3).filter(([value], i) => !i || value > 0.005).map(([value, word]) => bar(word, value)));

  /** One word written: where it looked, and what else might have been written. */
  function show(at, playing) {
    const { source, target, trace, language } = state;
    mark({ row: at, playing });
    const word = name(language, target[at]);
    panel.stage.querySelector(".align-word").replaceChildren(
      make("p", {}, make("strong", { textContent: word }), " read"),
      largestThree(trace[at].alpha, (i) => source[i]),
      make("p", { textContent: "and chose among" }),
      largestThree(trace[at].probabilities, (i) => name(language, i)),
    );
    const order = Array.from(trace[at].alpha, (weight, i) => [weight, source[i]]).sort((a, b) => b[0] - a[0]).slice(0, 2);
    doing.textContent = `“${word}” read ${order.map(([weight, of]) => `“${of}” with ${percent(weight)}`).join(" and ")}.`;
  }

  /** One word read: which words that were written looked at it. */
  function showColumn(column) {
    const { source, target, trace, language } = state;
    player.pause();
    mark({ column });
    panel.stage.querySelector(".align-word").replaceChildren(
      make("p", {}, make("strong", { textContent: source[column] }), " was read by"),
      largestThree(trace.map((step) => step.alpha[column]), (i) => name(language, target[i])),
    );
    doing.textContent = `“${source[column]}” got ${trace.reduce((sum, step) => sum + step.alpha[column], 0).toFixed(1)} of ${target.length} words' weight.`;
  }

  function mark({ row, column, playing }) {
    [...table.tBodies[0].rows].forEach((line, y) => {
      line.classList.toggle("align-on", y === row);
      line.classList.toggle("align-later", Boolean(playing) && y > row);
      [...line.cells].forEach((cell, x) => cell.classList.toggle("align-on", x - 1 === column));
    });
    [...table.tHead.rows[0].cells].forEach((cell, x) => cell.classList.toggle("align-on", x - 1 === column));
  }

  // The input: a number and a language.
  const number = make("input", { type: "text", inputMode: "numeric", id: "align-number", autocomplete: "off", maxLength: 11, size: 11 });
  const given = () => Number(number.value.replace(/\D/g, ""));
  const go = () => translate(Math.min(largest, given()), radios.find((radio) => radio.checked).value);
  number.addEventListener("change", go);
  const radios = Object.keys(LANGUAGES).map((value) => make("input", { type: "radio", name: "align-language", value }));
  radios.forEach((radio) => radio.addEventListener("change", go));
  const random = make("button", { type: "button", className: "demo-button", textContent: "Another" });
  random.addEventListener("click", () => {
    number.value = commas(Math.floor(10 ** (1 + 8 * Math.random())));
    go();
  });
  const choice = make("span", { className: "align-languages" }, ...radios.map((radio) => make("label", {}, radio, LANGUAGES[radio.value])));
  panel.input(make("label", { htmlFor: "align-number", textContent: "Number" }), number, random, choice);

  const table = panel.stage.querySelector("table");
  const sentence = make("p", { className: "align-sentence" });
  const doing = make("p", { className: "demo-said" });
  panel.readout.replaceChildren(sentence, doing);
  const player = new Player(panel, show, "word");
  const first = panel.trace;
  const { alpha, probabilities } = first;
  take(translation(first.number, first.language, [...first.source, "end"], steps({ alpha, probabilities })), first.at);

  panel.listen(async (input) => {
    const same = input.number === state.number && input.language === state.language;
    if (!same && !(await translate(input.number, input.language))) return;
    player.set(state.target.length, calm() ? state.target.length - 1 : 0);
    player.play();
  });
});
