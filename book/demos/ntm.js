import { Drawing, Heat } from "./cells.js";
import { Player, calm, make, mount, percent, randomness, steps } from "./common.js";

// A sequence of bits goes in and comes out; below it, the rows that the heads look at, and the memory.
mount("ntm", (panel) => {
  const BITS = 8;
  const { trained, most, rows: ROWS } = panel.settings;
  const find = (name) => panel.stage.querySelector(`.ntm-${name}`);
  const maps = Object.fromEntries(["bits", "heads", "memory"].map((name) => [name, new Heat(panel.stage, name)]));
  const random = randomness(2014);
  const state = stored();

  /** The first state: what the page brings, with zeros where it stores no row. */
  function stored() {
    const { vectors, rows, memory, ...tensors } = panel.trace;
    const trace = steps(tensors);
    steps({ memory }).forEach((step, t) => {
      trace[t].memory = new Float32Array(ROWS * memory.shape[2]);
      rows.forEach((row, i) => trace[t].memory.set(step.memory.subarray(i * memory.shape[2], (i + 1) * memory.shape[2]), row * memory.shape[2]));
    });
    return { vectors: [...vectors], trace, rows };
  }

  const bit = (vectors, column, row) => (vectors[column] >> (BITS - 1 - row)) & 1;
  const head = (step, which, row) => step.weighting[which * ROWS + row]; // 0 reads, 1 writes
  const top = (step, which) => {
    let best = 0;
    for (let row = 1; row < ROWS; row++) if (head(step, which, row) > head(step, which, best)) best = row;
    return best;
  };

  /** The rows that any head has looked at, as one stretch of the ring. */
  function rowsInUse(trace) {
    const used = Array.from({ length: ROWS }, (_, row) => trace.some((step) => Math.max(head(step, 0, row), head(step, 1, row)) > 0.05));
    let best = { first: 0, length: 0 };
    for (let first = 0; first < ROWS; first++) {
      let length = 0;
      while (length < ROWS && !used[(first + length) % ROWS]) length++;
      if (length > best.length) best = { first, length };
    }
    return Array.from({ length: ROWS - best.length }, (_, i) => (best.first + best.length + i) % ROWS);
  }

  function drawBits() {
    const n = state.vectors.length;
    const output = (row, column) => state.trace[column]?.output[row] ?? 0;
    const wrong = (row, column) => column > n && Math.abs(output(row, column) - bit(state.vectors, column - n - 1, row)) > 0.5;
    maps.bits.draw(BITS, 2 * n + 1, {
      write: (row, column) => (column < n ? bit(state.vectors, column, row) : 0),
      read: (row, column) => (column > n && !wrong(row, column) ? output(row, column) : 0),
      wrong: (row, column) => Number(wrong(row, column)),
      mark: (_, column) => Number(column === n),
    });
    return wrong;
  }

  function drawAll() {
    const n = state.vectors.length, length = 2 * n + 1, { trace, rows } = state;
    const wrong = drawBits();
    let faults = 0;
    for (let column = n + 1; column < length; column++) for (let row = 0; row < BITS; row++) faults += wrong(row, column);
    const vectors = n === 1 ? "1 vector" : `${n} vectors`;
    const [inward, outward] = find("phases").children;
    inward.textContent = `${vectors} in`;
    outward.textContent = trace.length < length ? "…" : faults ? `out: ${faults} ${faults === 1 ? "bit" : "bits"} wrong` : "out: every bit right";
    outward.classList.toggle("demo-bad", faults > 0);
    maps.heads.draw(rows.length, length, {
      write: (row, column) => (trace[column] ? head(trace[column], 1, rows[row]) : 0),
      read: (row, column) => (trace[column] ? head(trace[column], 0, rows[row]) : 0),
    });
    find("rows").firstChild.textContent = rows[0];
    find("rows").lastChild.textContent = rows.at(-1);
    find("steps").lastChild.textContent = length;
    for (const [limit, start] of [[limits[0], 0], [limits[1], n + 1]]) {
      limit.hidden = n <= trained;
      limit.style.left = `${(100 * (start + trained)) / length}%`;
    }
    count.value = n;
    amount.textContent = n;
  }

  function show(at) {
    const n = state.vectors.length, length = 2 * n + 1, { trace, rows } = state;
    const step = trace[Math.min(at, trace.length - 1)];
    const columns = step.memory.length / ROWS;
    maps.memory.draw(rows.length, columns, {
      plus: (row, column) => Math.max(0, step.memory[rows[row] * columns + column]),
      minus: (row, column) => Math.max(0, -step.memory[rows[row] * columns + column]),
    });
    cursor.style.left = `${(100 * at) / length}%`;
    cursor.style.width = `${100 / length}%`;
    [1, 0].forEach((which, i) => {
      const best = top(step, which), place = rows.indexOf(best);
      pointers[i].style.top = `${(100 * (place + 0.5)) / rows.length}%`;
      pointers[i].style.opacity = head(step, which, best);
      const shift = step.shift.subarray(3 * which, 3 * which + 3);
      const moved = shift.indexOf(Math.max(...shift)) - 1;
      const cells = [best, percent(head(step, which, best)), percent(step.gate[which]), ["−1", "0", "+1"][moved + 1], step.sharpness[which].toFixed(1)];
      cells.forEach((text, c) => { table.tBodies[0].rows[i].cells[c + 1].textContent = text; });
    });
    const right = at > n && Array.from({ length: BITS }, (_, row) => Math.abs(step.output[row] - bit(state.vectors, at - n - 1, row)) < 0.5).filter(Boolean).length;
    doing.textContent = at < n ? `Vector ${at + 1} comes in.` : at === n ? "The delimiter: now write it out."
      : `Vector ${at - n} goes out, ${right === BITS ? "every bit right" : `${BITS - right} of ${BITS} bits wrong`}.`;
  }

  /** Run the machine over a sequence, drawing as it goes. */
  async function run(vectors, then) {
    state.vectors = vectors;
    drawBits();
    const trace = await panel.compute(async (current) => {
      const n = vectors.length, found = [];
      let before = panel.live.state;
      for (let t = 0; t <= 2 * n && current(); t++) {
        const x = { shape: [1, BITS + 1], data: new Float32Array(BITS + 1) };
        if (t < n) for (let row = 0; row < BITS; row++) x.data[row] = bit(vectors, t, row);
        if (t === n) x.data[BITS] = 1;
        const after = await panel.run("step", { x, ...before });
        before = Object.fromEntries(Object.keys(before).map((name) => [name, after[name]]));
        found.push(Object.fromEntries(Object.entries(after).map(([name, { data }]) => [name, data])));
      }
      return found;
    });
    if (!trace) return;
    Object.assign(state, { trace, rows: rowsInUse(trace) });
    drawAll();
    then(vectors.length);
  }

  const drawn = (n) => Array.from({ length: n }, () => Math.floor(256 * random()));
  const settle = (n) => player.set(2 * n + 1, 2 * n);
  const stay = (n) => player.set(2 * n + 1, Math.min(player.at, 2 * n));

  // The input: how many vectors, new ones, and a grid to draw in.
  const count = make("input", { type: "range", min: 1, max: most, id: "ntm-count" });
  const amount = make("output", { className: "demo-amount" });
  count.addEventListener("input", () => { amount.textContent = count.value; });
  count.addEventListener("change", () => {
    const n = Number(count.value);
    run([...state.vectors, ...drawn(n)].slice(0, n), settle);
  });
  const shuffle = make("button", { type: "button", className: "demo-button", textContent: "Random bits" });
  shuffle.addEventListener("click", () => run(drawn(state.vectors.length), settle));
  const label = make("label", { htmlFor: "ntm-count", textContent: "Vectors" });
  const hint = make("span", { className: "ntm-trained", textContent: `trained on 1 to ${trained}` });
  panel.input(label, count, amount, hint, shuffle);

  if (panel.runs) {
    new Drawing(find("bits"), {
      label: "Bits of the input.",
      size: () => [BITS, 2 * state.vectors.length + 1],
      read: (row, column) => (column < state.vectors.length ? bit(state.vectors, column, row) === 1 : undefined),
      paint: (row, column, filled) => {
        if (filled === (bit(state.vectors, column, row) === 1)) return;
        state.vectors = state.vectors.with(column, state.vectors[column] ^ (1 << (BITS - 1 - row)));
        drawBits();
      },
      done: () => run(state.vectors, stay),
      say: (row, column) => panel.tell(`Vector ${column + 1}, bit ${row + 1}: ${bit(state.vectors, column, row)}`),
    });
  }

  // Marks over the picture, and the readout under it.
  const cursor = make("i", { className: "ntm-cursor" });
  const limits = [0, 1].map((i) => make("i", { className: "ntm-limit", hidden: true }, ...(i ? [] : [make("b", { textContent: "longest in training" })])));
  find("over").append(cursor, ...limits);
  const pointers = ["write", "read"].map((name) => make("i", { className: `ntm-pointer demo-${name}` }));
  find("memory").append(...pointers);
  const doing = make("p");
  const table = make("table");
  table.innerHTML = `<thead><tr><th scope="col">head</th><th scope="col">row</th><th scope="col">weight</th>
    <th scope="col"><span class="demo-wide">by content </span><i>g</i></th><th scope="col"><span class="demo-wide">shift </span><i>s</i></th>
    <th scope="col"><span class="demo-wide">sharpness </span><i>γ</i></th></tr></thead>
    <tbody>${["write", "read"].map((name) => `<tr><th scope="row"><span class="demo-${name}">${name}</span></th>${"<td></td>".repeat(5)}</tr>`).join("")}</tbody>`;
  panel.readout.replaceChildren(doing, table);

  const player = new Player(panel, show, "step");
  drawAll();
  player.set(state.trace.length, panel.settings.at);
  panel.listen((input) => {
    const play = (n) => { player.set(2 * n + 1, calm() ? 2 * n : 0); player.play(); };
    const vectors = input.vectors ? [...input.vectors] : drawn(input.count);
    return vectors.join() === state.vectors.join() ? play(vectors.length) : run(vectors, play);
  });
  panel.root.demo = state; // for the tests
});
