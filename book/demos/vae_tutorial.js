import { Drawing, Heat } from "./cells.js";
import { make, mount, randomness } from "./common.js";

// One column of a digit is given; completions are drawn by latents, the newest first.
mount("vae_tutorial", (panel) => {
  const { side, at, shown, latent } = panel.settings;
  const names = ["given", "mean", ...Array.from({ length: shown }, (_, i) => `sample-${i}`)];
  const maps = Object.fromEntries(names.map((name) => [name, new Heat(panel.stage, name)]));
  const random = randomness(2016);
  const rest = side * (side - 1);
  const state = { column: [...panel.trace.column], pixels: panel.trace.pixels.data, first: 0 };
  const samples = () => state.pixels.length / rest;

  /** A normal number, by Box and Muller. */
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

  /** The value of a cell, from what is given and a function of the other pixels' index. */
  const whole = (other) => (row, column) => (column === at ? state.column[row] : other(row * (side - 1) + column - (column > at ? 1 : 0)));

  function draw() {
    maps.given.draw(side, side, { plus: (_, column) => (column === at ? 0.2 : 0), write: whole(() => 0) });
    const mean = (index) => {
      let sum = 0;
      for (let s = 0; s < samples(); s++) sum += state.pixels[s * rest + index];
      return sum / samples();
    };
    maps.mean.draw(side, side, { write: whole(mean) });
    for (let i = 0; i < shown; i++) {
      const sample = (state.first + i) % samples();
      maps[`sample-${i}`].draw(side, side, { write: whole((index) => state.pixels[sample * rest + index]) });
    }
  }

  /** Ask the model for completions of the column by new latents. */
  async function complete() {
    const z = Float32Array.from({ length: 64 * latent }, normal);
    const found = await panel.compute(async () => {
      return panel.run("step", { x: { shape: [1, side], data: Float32Array.from(state.column) }, z: { shape: [64, latent], data: z } });
    });
    if (!found) return;
    Object.assign(state, { pixels: found.pixels.data, first: 0, z });
    draw();
  }

  const another = make("button", { type: "button", className: "demo-button", textContent: "Draw another" });
  another.addEventListener("click", () => {
    state.first = (state.first + samples() - 1) % samples();
    draw();
    panel.tell("A new latent, a new answer.");
  });
  const renew = make("button", { type: "button", className: "demo-button", textContent: "Draw six others" });
  renew.addEventListener("click", complete);
  panel.input(another, renew);

  if (panel.runs) {
    new Drawing(panel.stage.querySelector(".vaetut-given"), {
      label: "The given column.",
      size: () => [side, side],
      read: (row, column) => (column === at ? state.column[row] === 1 : undefined),
      paint: (row, column, filled) => {
        state.column[row] = Number(filled);
        draw();
      },
      done: complete,
      say: (row) => panel.tell(`Cell ${row + 1} of ${side}: ${state.column[row] ? "black" : "white"}`),
    });
  }

  panel.listen((input) => {
    state.column = [...input.column];
    if (input.column.join() === panel.trace.column.join()) Object.assign(state, { pixels: panel.trace.pixels.data, first: 0 });
    else complete();
    draw();
  });
  draw();
  panel.root.demo = state; // for the tests
});
