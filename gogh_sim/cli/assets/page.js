"use strict";
// Everything shown comes from the JSON block: {runs: {columns, rows}, policies: {columns, rows}, colors, notes}.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const isNumber = (value) => typeof value === "number";
const show = (value) => value === null ? "–" : isNumber(value) ? String(Number(value.toPrecision(5))) : value;

function element(name, attributes = {}, text = "") {
  const node = name === "svg" || attributes.svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (key !== "svg") node.setAttribute(key, value);
  if (text) node.textContent = text;
  return node;
}

function matches(columns, row, words) {
  const text = row.map((value, i) => `${columns[i]}=${show(value)} ${show(value)}`).join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

// A table whose headings sort it: first click up, second down; equal values keep their order, blanks stay last.
class SortableTable {
  constructor(node, { columns, rows }) {
    Object.assign(this, { node, columns, rows, by: -1, sign: 1, wanted: () => true });
    const head = node.createTHead().insertRow();
    this.textual = columns.map((_, i) => rows.every((row) => !isNumber(row[i]) && !isNumber(this.value(row[i]))));
    columns.forEach((name, i) => {
      const cell = element("th", this.textual[i] ? { class: "text" } : {});
      const button = element("button", { type: "button" }, name);
      button.addEventListener("click", () => this.sort(i));
      cell.append(button);
      head.append(cell);
    });
    this.body = node.createTBody();
  }

  // Cells such as "12.3 ±0.4" sort by their mean.
  value(cell) {
    if (isNumber(cell) || cell === null) return cell;
    const found = /^-?[\d.]+(?= ±|$)/.exec(cell);
    return found ? Number(found[0]) : cell === "-" ? null : cell;
  }

  sort(column) {
    this.sign = this.by === column ? -this.sign : 1;
    this.by = column;
    [...this.node.tHead.rows[0].cells].forEach((cell, i) => {
      if (i === column) cell.setAttribute("aria-sort", this.sign > 0 ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
    this.draw();
  }

  select(wanted) {
    this.wanted = wanted;
    this.draw();
  }

  visible() {
    return this.rows.filter(this.wanted);
  }

  draw() {
    const rows = this.visible();
    if (this.by >= 0) {
      rows.sort((a, b) => {
        const [x, y] = [this.value(a[this.by]), this.value(b[this.by])];
        if (x === null || y === null) return (x === null) - (y === null);
        return this.sign * (isNumber(x) && isNumber(y) ? x - y : String(x).localeCompare(String(y)));
      });
    }
    this.body.replaceChildren(...rows.map((row) => {
      const line = element("tr");
      line.append(...row.map((value, i) => element("td", this.textual[i] ? { class: "text" } : {}, show(value))));
      return line;
    }));
  }
}

// A scatter of the visible runs; its view is a window in data units that wheel and drag change.
class Scatter {
  constructor(node, runs) {
    Object.assign(this, { node, runs, view: null });
    this.box = { left: 70, right: 700, top: 15, bottom: 355 };
    const numeric = runs.columns.filter((_, i) => runs.rows.some((row) => isNumber(row[i])));
    for (const [id, wanted] of [["across", "slo_attainment"], ["up", "node_energy_kwh"]]) {
      byId(id).append(...numeric.map((name) => element("option", {}, name)));
      byId(id).value = numeric.includes(wanted) ? wanted : numeric[0];
      byId(id).addEventListener("change", () => this.reset());
    }
    node.addEventListener("wheel", (event) => this.zoom(event), { passive: false });
    node.addEventListener("dblclick", () => this.reset());
    node.addEventListener("pointerdown", (event) => { this.held = this.at(event); node.setPointerCapture(event.pointerId); });
    node.addEventListener("pointermove", (event) => this.move(event));
    node.addEventListener("pointerup", () => { this.held = null; });
  }

  select(rows) {
    this.rows = rows;
    this.reset();
  }

  points() {
    const [x, y, name] = [byId("across").value, byId("up").value, "scheduler"].map((c) => this.runs.columns.indexOf(c));
    return this.rows.filter((row) => isNumber(row[x]) && isNumber(row[y]))
      .map((row) => ({ x: row[x], y: row[y], scheduler: row[name], row }));
  }

  reset() {
    const range = (values) => {
      if (!values.length) return [0, 1];
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const margin = (high - low || Math.abs(high) || 1) * 0.08;
      return [low - margin, high + margin];
    };
    const points = this.points();
    this.view = { x: range(points.map((p) => p.x)), y: range(points.map((p) => p.y)) };
    this.draw();
  }

  // Where the pointer is, as shares of the plot from its lower left corner.
  at(event) {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.node.getScreenCTM().inverse());
    const { left, right, top, bottom } = this.box;
    return { x: (place.x - left) / (right - left), y: (bottom - place.y) / (bottom - top) };
  }

  zoom(event) {
    event.preventDefault();
    const place = this.at(event);
    const factor = event.deltaY > 0 ? 1.25 : 0.8;
    for (const axis of ["x", "y"]) {
      const [low, high] = this.view[axis];
      const fixed = low + place[axis] * (high - low);
      this.view[axis] = [fixed + (low - fixed) * factor, fixed + (high - fixed) * factor];
    }
    this.draw();
  }

  move(event) {
    if (!this.held) return;
    const place = this.at(event);
    for (const axis of ["x", "y"]) {
      const [low, high] = this.view[axis];
      const shift = (this.held[axis] - place[axis]) * (high - low);
      this.view[axis] = [low + shift, high + shift];
    }
    this.held = place;
    this.draw();
  }

  draw() {
    const { left, right, top, bottom } = this.box;
    const { x: [x0, x1], y: [y0, y1] } = this.view;
    const px = (x) => left + (x - x0) / (x1 - x0) * (right - left);
    const py = (y) => bottom - (y - y0) / (y1 - y0) * (bottom - top);
    const line = (a, b, c, d) => element("line", { svg: 1, class: "grid", x1: a, y1: b, x2: c, y2: d });
    const text = (x, y, words, more = {}) => element("text", { svg: 1, x, y, "text-anchor": "middle", ...more }, words);
    const parts = [];
    for (const x of ticks(x0, x1)) parts.push(line(px(x), top, px(x), bottom), text(px(x), bottom + 16, show(x)));
    for (const y of ticks(y0, y1)) {
      parts.push(line(left, py(y), right, py(y)), text(left - 6, py(y) + 4, show(y), { "text-anchor": "end" }));
    }
    parts.push(text((left + right) / 2, bottom + 36, byId("across").value));
    parts.push(text(14, (top + bottom) / 2, byId("up").value, { transform: `rotate(-90 14 ${(top + bottom) / 2})` }));
    for (const point of this.points()) {
      const [cx, cy] = [px(point.x), py(point.y)];
      if (cx < left || cx > right || cy < top || cy > bottom) continue;
      const color = data.colors[point.scheduler];
      const dot = element("circle", { svg: 1, cx, cy, r: 5, fill: color, "fill-opacity": 0.75, stroke: color });
      const said = this.runs.columns.map((name, i) => `${name}: ${show(point.row[i])}`).join("\n");
      dot.append(element("title", { svg: 1 }, said));
      parts.push(dot);
    }
    this.node.replaceChildren(...parts);
  }
}

function ticks(low, high) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k += 1) found.push(k * step);
  return found;
}

function largeView(dialog) {
  const image = dialog.querySelector("img");
  let place = { x: 0, y: 0, scale: 1 };
  const draw = () => { image.style.transform = `translate(${place.x}px, ${place.y}px) scale(${place.scale})`; };
  dialog.addEventListener("wheel", (event) => {
    event.preventDefault();
    const frame = dialog.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    const factor = event.deltaY > 0 ? 0.8 : 1.25;
    place = { x: x + (place.x - x) * factor, y: y + (place.y - y) * factor, scale: place.scale * factor };
    draw();
  }, { passive: false });
  image.addEventListener("pointerdown", (event) => { event.preventDefault(); image.setPointerCapture(event.pointerId); });
  image.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    place = { ...place, x: place.x + event.movementX, y: place.y + event.movementY };
    draw();
  });
  for (const small of document.querySelectorAll("#figures img")) {
    small.addEventListener("click", () => {
      place = { x: 0, y: 0, scale: 1 };
      image.src = small.src;
      image.alt = small.alt;
      draw();
      dialog.showModal();
    });
  }
}

const runs = new SortableTable(byId("runs"), data.runs);
const policies = new SortableTable(byId("policies"), data.policies);
const scatter = new Scatter(byId("chart"), data.runs);

function apply() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  runs.select((row) => matches(data.runs.columns, row, words));
  const visible = runs.visible();
  // Both tables begin with setting and policy: a policy is shown while a run of it is.
  const shown = new Set(visible.map((row) => JSON.stringify(row.slice(0, 2))));
  policies.select((row) => shown.has(JSON.stringify(row.slice(0, 2))));
  scatter.select(visible);
  byId("count").textContent = `${visible.length} of ${data.runs.rows.length} runs`;
}

// A view can be linked: index.html#filter=gogh&sort=node_energy_kwh
function applyLink() {
  const asked = new URLSearchParams(location.hash.slice(1));
  byId("filter").value = asked.get("filter") ?? "";
  apply();
  const column = data.runs.columns.indexOf(asked.get("sort"));
  if (column >= 0) runs.sort(column);
}

byId("notes").textContent = data.notes.join("\n");
byId("legend").append(...Object.entries(data.colors).map(([name, color]) => {
  const item = element("li");
  item.append(element("i", { style: `background:${color}` }), name);
  return item;
}));
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("filter").addEventListener("input", apply);
largeView(byId("large"));
window.addEventListener("hashchange", applyLink);
applyLink();
