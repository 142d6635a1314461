import { level } from "./cells.js";
import { Player, calm, make, mount } from "./common.js";

// A story and a question: a scan compares memories two at a time, once for each hop; then words are ranked.
mount("memory_networks", (panel) => {
  const { words, people, deeds, questions, variants, slots, longest } = panel.settings;
  const ids = (text) => text.toLowerCase().split(" ").map((word) => words.indexOf(word));
  const answers = words.map((_, id) => id).slice(1); // 0 is no word
  const signed = (number, digits = 1) => number.toFixed(digits).replace("-", "−");
  let state;

  /** Words by number, filled up with zeros: one row for each text. */
  function tensor(texts, rows) {
    const data = new Int32Array(rows * longest);
    texts.forEach((text, row) => data.set(ids(text), row * longest));
    return { shape: [rows, longest], data };
  }

  /** Equation 9 for two slots: what the time features add, for a query written at time x. */
  const timed = (order, x, y, z) => order[0] * (x < y) + order[1] * (x < z) + order[2] * (y < z);

  /** One walk over all slots: who leads before each comparison, and by how much the leader is preferred. */
  function scan({ scores, order }, x, filled) {
    const steps = [];
    let leader = 0;
    for (let slot = 1; slot <= filled; slot++) {
      const time = timed(order, x, leader, slot), preferred = scores[leader] - scores[slot] + time;
      steps.push({ leader, slot, time, preferred });
      if (preferred <= 0) leader = slot;
    }
    return { scores, steps, picked: leader };
  }

  async function ask({ story, question, variant }) {
    const found = await panel.compute(async (current) => {
      const facts = tensor(story, slots), query = tensor([question], 1), hops = [];
      const picked = Int32Array.of(0, 0);
      for (let x = slots + 1; hops.length < variants[variant].hops && current();) {
        const chosen = { shape: [1], data: Int32Array.of(picked[0]) };
        const { scores, order } = await panel.run(`${variant}-hop`, { query, facts, chosen });
        const hop = scan({ scores: scores.data, order: order.data }, x, story.length);
        if (hops.length && !x) hop.picked = 0; // after slot 0 nothing follows
        picked[hops.length] = x = hop.picked;
        hops.push(hop);
      }
      if (!current()) return undefined;
      const { scores } = await panel.run(`${variant}-respond`, { query, facts, picked: { shape: [2], data: picked } });
      return { story, question, variant, hops, scores: scores.data };
    });
    if (found) take(found);
    return found;
  }

  /** Show another story, with what was found in it. */
  function take(found, at = Infinity) {
    panel.root.demo = state = found; // for the tests, too
    const { story, hops } = state;
    const rows = Array.from({ length: slots + 1 }, (_, slot) => {
      const told = slot ? story[slot - 1] : "nothing more is needed";
      const name = told ? make("th", { scope: "row", textContent: told }) : make("td");
      const remove = make("button", { type: "button", className: "story-remove", textContent: "×" });
      remove.disabled = !panel.runs || story.length < 2;
      remove.addEventListener("click", () => ask({ ...state, story: story.filter((_, i) => i !== slot - 1) }));
      if (slot && slot <= story.length) remove.setAttribute("aria-label", `Remove “${story[slot - 1]}”`);
      return make("tr", {}, name, make("td"), make("td"), make("td", {}, ...(slot && slot <= story.length ? [remove] : [])));
    });
    table.tBodies[0].replaceChildren(...rows);
    asked.value = state.question;
    add.disabled = story.length >= slots;
    for (const radio of radios) radio.checked = radio.value === state.variant;
    rank();
    player.set(hops.length * (story.length + 1) + 1, at);
  }

  /** One comparison of a scan, the end of a scan, or the answer. */
  function show(at, playing) {
    const { story, hops, scores } = state, n = story.length;
    const answered = at === hops.length * (n + 1);
    const now = answered ? hops.length : Math.floor(at / (n + 1)), step = at - now * (n + 1);
    const name = (slot) => (slot ? `“${story[slot - 1]}”` : "“nothing more is needed”");
    hops.forEach((hop, k) => {
      const compared = k < now ? n : k > now ? -1 : Math.min(step + 1, n);
      const done = k < now || (k === now && step === n);
      const leader = done ? hop.picked : hop.steps[Math.max(0, compared - 1)].leader;
      const all = Array.from(hop.scores).slice(0, n + 1), low = Math.min(...all), span = Math.max(...all) - low || 1;
      all.forEach((value, slot) => {
        const cell = table.tBodies[0].rows[slot].cells[k + 1];
        cell.className = `demo-w${level((value - low) / span)}`;
        cell.classList.toggle("story-later", Boolean(playing) && slot > compared);
        cell.classList.toggle("story-picked", slot === hop.picked && (done || !playing));
        cell.classList.toggle("story-now", !done && k === now && (slot === compared || slot === leader));
        cell.textContent = signed(value);
      });
    });
    panel.stage.querySelector(".story-answer").classList.toggle("story-later", Boolean(playing) && !answered);
    if (answered) {
      const facts = hops.map(({ picked }) => picked).filter((slot, i) => slot || !i).map(name).join(" and ");
      doing.textContent = `From ${facts}, the answer is “${words[ranking(scores)[0]]}”.`;
    } else if (step === n) {
      doing.textContent = `Hop ${now + 1} picks ${name(hops[now].picked)}.`;
    } else {
      const { leader, slot, time, preferred } = hops[now].steps[step], of = hops[now].scores;
      const sum = `${signed(of[leader], 2)} − ${signed(of[slot], 2)} ${time < 0 ? "−" : "+"} ${Math.abs(time).toFixed(2)} for time = ${signed(preferred, 2)}`;
      doing.textContent = `Hop ${now + 1}: is ${name(leader)} preferred to ${name(slot)}? ${sum}: ${preferred > 0 ? "yes" : "no"}.`;
    }
  }

  const ranking = (scores) => [...answers].sort((a, b) => scores[b] - scores[a]);

  /** The question, and the best words as bars. */
  function rank() {
    const { question, scores } = state, order = ranking(scores), low = scores[order.at(-1)], top = scores[order[0]];
    panel.stage.querySelector(".story-question").textContent = `${question}?`;
    answer.textContent = words[order[0]];
    list.replaceChildren(...order.slice(0, 5).map((id) => {
      const filled = make("i");
      filled.style.width = `${(100 * (scores[id] - low)) / (top - low)}%`;
      return make("li", {}, make("span", { textContent: words[id] }), make("b", {}, filled), make("span", { textContent: signed(scores[id]) }));
    }));
  }

  // The input: one more sentence, the question, and which network answers it.
  const select = (id, label, options) => {
    const made = make("select", { id, "aria-label": label }, ...options.map((text) => make("option", { textContent: text, value: text })));
    return made;
  };
  const who = select("story-who", "Person of the new sentence", people), deed = select("story-deed", "What that person did", deeds);
  const add = make("button", { type: "button", className: "demo-button", textContent: "Add" });
  add.addEventListener("click", () => ask({ ...state, story: [...state.story, `${who.value} ${deed.value}`] }));
  const asked = select("story-question", "Question", questions);
  asked.addEventListener("change", () => ask({ ...state, question: asked.value }));
  const again = make("button", { type: "button", className: "demo-button", textContent: "Ask" });
  again.addEventListener("click", async () => { if (await ask({ ...state })) play(); });
  const radios = Object.keys(variants).map((value) => make("input", { type: "radio", name: "story-variant", value }));
  radios.forEach((radio) => radio.addEventListener("change", () => ask({ ...state, variant: radio.value })));
  panel.input(
    make("span", { className: "story-line" }, who, deed, add),
    make("span", { className: "story-line" }, asked, again),
    make("span", { className: "story-variants" }, ...radios.map((radio) => make("label", {}, radio, variants[radio.value].label))),
  );

  const table = panel.stage.querySelector("table");
  const answer = panel.stage.querySelector(".story-answer strong"), list = panel.stage.querySelector(".story-answer ul");
  const doing = make("p");
  panel.readout.replaceChildren(doing);
  const player = new Player(panel, show, "step");
  const play = () => { player.set(player.length, calm() ? player.length - 1 : 0); player.play(); };
  const first = panel.trace;
  const hops = first.scores.map((scores, k) => scan({ scores, order: first.order[k] }, k ? first.picked[k - 1] : slots + 1, first.story.length));
  take({ ...first, hops, scores: first.answer }, first.story.length); // hop 1 has picked

  panel.listen(async (input) => {
    const same = input.story.join() === state.story.join() && input.question === state.question && input.variant === state.variant;
    if (same || (await ask({ ...input, story: [...input.story] }))) play();
  });
});
