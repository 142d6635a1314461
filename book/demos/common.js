// What the demos share: the panel with its prompts, a player for traces, and the model's runtime, which is loaded
// when the reader changes the input and not before. The book serves a demo and what it imports as one classic
// script (src/unrolled/site/demos.py), so names are exported where they are declared, and keep their names.

/** Whether the reader has asked for no motion. */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** An element with properties (dashes make attributes) and children. */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** A share in per cent. */
export function percent(share) {
  return `${Math.round(100 * share)}\u00a0%`;
}

/** Numbers between 0 and 1 that are the same for the same seed. */
export function randomness(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Tensors come as text: "f4" holds every bit of single precision, "u1" 256 steps between low and high.
function revived(name, value) {
  if (!value || !(value.f4 || value.u1)) return value;
  const bytes = Uint8Array.from(atob(value.f4 || value.u1), (letter) => letter.charCodeAt(0));
  const { shape, low, high } = value;
  const data = value.f4 ? new Float32Array(bytes.buffer) : Float32Array.from(bytes, (b) => low + (b / 255) * (high - low));
  return { shape, data };
}

/** Tensors [time, …] by name as one object a step. */
export function steps(tensors) {
  const [length] = Object.values(tensors)[0].shape;
  return Array.from({ length }, (_, t) => Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => {
    const size = data.length / length;
    return [name, data.subarray(t * size, (t + 1) * size)];
  })));
}

/** A panel of the page: its parts, what stands in it, its prompts, and the model behind it. */
export class Panel {
  constructor(root) {
    this.root = root;
    for (const part of ["controls", "stage", "player", "readout", "note"]) this[part] = root.querySelector(`.demo-${part}`);
    Object.assign(this, JSON.parse(root.querySelector(".demo-data").textContent, revived)); // prompts, settings, trace
    this.files = root.dataset.files;
    this.served = location.protocol !== "file:";
    this.runs = "runs" in root.dataset && this.served;
    this.sessions = new Map();
    this.turn = 0;
    root.dataset.state = "stored";
    if (!this.served) this.tell("This page was opened from a folder. The stored example plays; to compute others, serve the book (make serve).");
    else if (!this.runs) this.tell("This book was built without the model's runtime, so only the stored example plays.");
  }

  /** One line under the picture, which screen readers say. */
  tell(text) {
    this.note.textContent = text;
  }

  /** Controls of the input: without a runtime they are there, and out of use. */
  input(...children) {
    const set = make("fieldset", { disabled: !this.runs }, make("legend", { textContent: "Input" }), ...children);
    this.controls.replaceChildren(set);
  }

  /** Make buttons of the prompts; the first one's input is the stored one, which needs no runtime. */
  listen(choose) {
    this.root.querySelectorAll(".demo-try").forEach((label, index) => {
      const button = make("button", { type: "button", className: "demo-try", textContent: label.textContent });
      button.disabled = index > 0 && !this.runs;
      button.addEventListener("click", () => choose(this.prompts[index].input, index));
      label.replaceWith(button);
    });
  }

  /** Run `job(current)` on the model, where `current()` turns false once a later job has begun. */
  async compute(job) {
    const turn = ++this.turn;
    const current = () => turn === this.turn;
    this.root.dataset.state = "busy";
    try {
      if (!window.ort) this.tell("Loading the model's runtime, 3.7 MB …");
      await this.load();
      const found = await job(current);
      if (!current()) return undefined;
      this.tell("");
      this.root.dataset.state = "live";
      return found;
    } catch (error) {
      if (!current()) return undefined;
      this.root.dataset.state = "failed";
      this.tell(`The model could not run: ${error.message}`);
      return undefined;
    }
  }

  load() {
    this.loading ??= (async () => {
      const folder = new URL(`${this.files}/ort/`, location.href).href;
      await new Promise((done, failed) => {
        const gone = () => failed(new Error("its runtime was not found"));
        document.head.append(make("script", { src: `${folder}ort.wasm.min.js`, onload: done, onerror: gone }));
      });
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmPaths = folder;
      const answer = await fetch(this.file("live.json"));
      if (!answer.ok) throw new Error("its data were not found");
      this.live = JSON.parse(await answer.text(), revived);
    })().catch((error) => {
      this.loading = undefined; // so that a later change tries again
      throw error;
    });
    return this.loading;
  }

  file(name) {
    return new URL(`${this.files}/${this.root.dataset.demo}/${name}`, location.href).href;
  }

  /** Run a graph: arrays or tensors in by name, `{ shape, data }` out by name. */
  async run(name, inputs) {
    if (!this.sessions.has(name)) {
      this.sessions.set(name, ort.InferenceSession.create(this.file(`${name}.onnx`), { executionProviders: ["wasm"] }));
    }
    const session = await this.sessions.get(name);
    const feeds = {};
    for (const [key, { shape, data }] of Object.entries(inputs)) {
      feeds[key] = new ort.Tensor(data instanceof Int32Array ? "int32" : "float32", data, shape);
    }
    const found = await session.run(feeds);
    return Object.fromEntries(Object.entries(found).map(([key, { dims, data }]) => [key.replace("_out", ""), { shape: dims, data }]));
  }
}

/** Play, pause, step and scrub through a trace. */
export class Player {
  /** `show(at, playing)` draws a step; `unit` names one ("step"). */
  constructor(panel, show, unit) {
    Object.assign(this, { panel, show, unit, length: 1, at: 0, timer: undefined });
    const button = (className, label, act) => {
      const made = make("button", { type: "button", className: `demo-button ${className}`, "aria-label": label });
      made.addEventListener("click", act);
      return made;
    };
    this.toggle = button("demo-play", "Play", () => (this.timer ? this.pause() : this.play()));
    this.toggle.hidden = calm();
    this.range = make("input", { type: "range", min: 0, value: 0, "aria-label": unit[0].toUpperCase() + unit.slice(1) });
    this.range.addEventListener("input", () => this.go(Number(this.range.value)));
    this.label = make("output", { className: "demo-at" });
    panel.player.replaceChildren(
      this.toggle,
      button("demo-back", "One step back", () => this.go(this.at - 1)),
      button("demo-forward", "One step on", () => this.go(this.at + 1)),
      this.range,
      this.label,
    );
    panel.player.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 0, End: this.length - 1 }[event.key];
      const onButton = event.target instanceof HTMLButtonElement;
      if (to !== undefined) this.go(to);
      else if (event.key === " " && !onButton && !calm()) this.toggle.click();
      else return;
      event.preventDefault();
    });
    panel.readout.setAttribute("aria-live", "polite");
  }

  /** A trace of so many steps, at one of them. */
  set(length, at) {
    this.pause();
    this.length = length;
    this.range.max = length - 1;
    this.go(at);
  }

  /** Stop, and show a step. */
  go(at) {
    this.pause();
    this.draw(Math.max(0, Math.min(this.length - 1, at)));
  }

  /** Play from here, or from the start if this is the end; under reduced motion, show the end. */
  play(from = this.at >= this.length - 1 ? 0 : this.at) {
    this.pause();
    if (calm()) return this.draw(this.length - 1);
    this.panel.readout.setAttribute("aria-live", "off");
    this.mark(true);
    const pause = Math.max(40, Math.min(420, 9000 / this.length));
    const next = (at) => {
      this.timer = setTimeout(() => (at + 1 < this.length ? next(at + 1) : this.pause()), pause);
      this.draw(at);
    };
    return next(from);
  }

  pause() {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.panel.readout.setAttribute("aria-live", "polite");
    this.mark(false);
    this.draw(this.at);
  }

  mark(playing) {
    this.toggle.classList.toggle("playing", playing);
    this.toggle.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  draw(at) {
    this.at = at;
    this.range.value = at;
    const where = `${this.unit} ${at + 1} of ${this.length}`;
    this.label.replaceChildren(make("span", { className: "demo-wide", textContent: `${this.unit} ` }), where.slice(this.unit.length + 1));
    this.range.setAttribute("aria-valuetext", where);
    this.show(at, Boolean(this.timer));
  }
}

/** Bring the panel of a demo to life, if the page has it. */
export function mount(slug, start) {
  const root = document.querySelector(`.unrolled-demo[data-demo="${slug}"]`);
  if (root) start(new Panel(root));
}
