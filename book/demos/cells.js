// Maps of cells, drawn as src/unrolled/demos/picture.py draws them, and cells that a reader can draw in.
import { make } from "./common.js";

const LEVELS = 12; // of opacity

/** The step of opacity of a value between 0 and 1. */
export function level(value) {
  return Math.max(0, Math.min(LEVELS, Math.floor(value * LEVELS + 0.5)));
}

function vector(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** A map of cells in an SVG of the stage; layers have their colours from the style sheet. */
export class Heat {
  constructor(stage, name) {
    this.svg = stage.querySelector(`[data-map="${name}"]`);
  }

  /** Layers by name, each a function (row, column) that gives a value between 0 and 1. */
  draw(rows, columns, layers) {
    this.svg.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
    this.svg.replaceChildren(...Object.entries(layers).map(([name, value]) => {
      const paths = Array.from({ length: LEVELS + 1 }, () => []);
      for (let y = 0; y < rows; y++) {
        for (let x = 0, end; x < columns; x = end) {
          const step = level(value(y, x));
          for (end = x + 1; end < columns && level(value(y, end)) === step; end++);
          if (step) paths[step].push(`M${x} ${y}h${end - x}v1h${x - end}z`);
        }
      }
      const group = vector("g", { class: `demo-${name}` });
      paths.forEach((parts, step) => {
        if (parts.length) group.append(vector("path", { "fill-opacity": step / LEVELS, d: parts.join("") }));
      });
      return group;
    }));
  }
}

/** Cells of two kinds that a reader changes: by strokes of a pointer or finger, by arrow keys and space. */
export class Drawing {
  /**
   * `size()` gives rows and columns. `read(row, column)` is true for a filled cell, undefined where nothing is
   * drawn. `paint(row, column, filled)` changes one, `done()` ends a stroke, `say(row, column)` tells of a cell.
   */
  constructor(box, { label, size, read, paint, done, say }) {
    Object.assign(this, { box, size, read, row: 0, column: 0 });
    box.tabIndex = 0;
    box.setAttribute("role", "application");
    box.setAttribute("aria-label", `${label} Arrow keys move, space changes a cell.`);
    this.focus = box.appendChild(make("i", { className: "demo-focus" }));
    this.place();
    let brush;
    box.addEventListener("pointerdown", (event) => {
      if (!this.aim(event)) return;
      brush = !read(this.row, this.column);
      paint(this.row, this.column, brush);
      box.setPointerCapture(event.pointerId);
    });
    box.addEventListener("pointermove", (event) => {
      if (brush !== undefined && this.aim(event)) paint(this.row, this.column, brush);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      box.addEventListener(end, () => {
        if (brush !== undefined) done();
        brush = undefined;
      });
    }
    box.addEventListener("keydown", (event) => {
      const press = event.key === " " || event.key === "Enter";
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
      if (!press && !down && !right) return;
      event.preventDefault();
      this.move(this.row + down, this.column + right);
      if (press) {
        paint(this.row, this.column, !read(this.row, this.column));
        done();
      }
      say(this.row, this.column);
    });
  }

  /** Go to a cell, if it is one that can be drawn. */
  move(row, column) {
    const [rows, columns] = this.size();
    const there = row >= 0 && row < rows && column >= 0 && column < columns && this.read(row, column) !== undefined;
    if (there) Object.assign(this, { row, column });
    this.place();
    return there;
  }

  aim(event) {
    const { left, top, width, height } = this.box.getBoundingClientRect();
    const [rows, columns] = this.size();
    return this.move(Math.floor(((event.clientY - top) / height) * rows), Math.floor(((event.clientX - left) / width) * columns));
  }

  /** Put the mark where the keyboard is. */
  place() {
    const [rows, columns] = this.size();
    const share = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(this.focus.style, {
      left: share(this.column, columns), top: share(this.row, rows), width: share(1, columns), height: share(1, rows),
    });
  }
}
