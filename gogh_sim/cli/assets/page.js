"use strict";
// Everything shown comes from the JSON block: runs, policies and, per baseline, differences, each {columns, rows} whose
// first columns are setting and policy; settings (full name to what tells it apart), baseline, colors, notes.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const isNumber = (value) => typeof value === "number";
const several = Object.keys(data.settings).length > 1;
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
// A lone setting has no column; of several, a column says what tells them apart.
class SortableTable {
  constructor(node) {
    Object.assign(this, { node, columns: [], rows: [], by: -1, sign: 1, wanted: () => true });
  }

  fill({ columns, rows }) {
    Object.assign(this, { columns, rows });
    this.textual = columns.map((_, i) => rows.every((row) => !isNumber(row[i]) && !isNumber(this.value(row[i]))));
    this.node.replaceChildren();
    const head = this.node.createTHead().insertRow();
    this.shown().forEach((i) => {
      const cell = element("th", { class: this.look(i) });
      const button = element("button", { type: "button" }, columns[i]);
      button.addEventListener("click", () => this.sort(i));
      cell.append(button);
      head.append(cell);
    });
    this.body = this.node.createTBody();
    this.draw();
  }

  shown() {
    return this.columns.map((_, i) => i).filter((i) => several || this.columns[i] !== "setting");
  }

  // The policy stays in sight while the rest of a wide table scrolls.
  look(column) {
    return `${this.textual[column] ? "text" : ""}${column === 1 && !several ? " held" : ""}`;
  }

  // Cells such as "12.3 ±0.4 *" sort by their mean.
  value(cell) {
    if (isNumber(cell) || cell === null) return cell;
    const found = /^-?[\d.]+(?= ±| \*|$)/.exec(cell);
    return found ? Number(found[0]) : cell === "-" ? null : cell;
  }

  sort(column) {
    this.sign = this.by === column ? -this.sign : 1;
    this.by = column;
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
    if (!this.body) return;
    const rows = this.visible();
    if (this.by >= 0) {
      rows.sort((a, b) => {
        const [x, y] = [this.value(a[this.by]), this.value(b[this.by])];
        if (x === null || y === null) return (x === null) - (y === null);
        return this.sign * (isNumber(x) && isNumber(y) ? x - y : String(x).localeCompare(String(y)));
      });
    }
    const shown = this.shown();
    [...this.node.tHead.rows[0].cells].forEach((cell, k) => {
      if (shown[k] === this.by) cell.setAttribute("aria-sort", this.sign > 0 ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
    this.body.replaceChildren(...rows.map((row) => {
      const line = element("tr");
      line.append(...shown.map((i) => element("td", { class: this.look(i) }, this.text(row, i))));
      return line;
    }));
  }

  text(row, column) {
    return this.columns[column] === "setting" ? data.settings[row[column]] : show(row[column]);
  }
}

// A scatter of the visible runs; its view is a window in data units that wheel and drag change.
class Scatter {
  constructor(node, runs) {
    Object.assign(this, { node, runs, rows: runs.rows, view: null });
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
    for (const end of ["pointerup", "pointercancel"]) node.addEventListener(end, () => { this.held = null; });
    node.addEventListener("click", (event) => this.tell(event));
    byId("in").addEventListener("click", () => this.scale({ x: 0.5, y: 0.5 }, 0.7));
    byId("out").addEventListener("click", () => this.scale({ x: 0.5, y: 0.5 }, 1 / 0.7));
    byId("all").addEventListener("click", () => this.reset());
    new ResizeObserver(() => this.draw()).observe(node);
  }

  // The plot within the drawing, in pixels: text keeps its size on every screen.
  get box() {
    const { width, height } = this.node.getBoundingClientRect();
    return { left: 62, right: Math.max(width - 14, 120), top: 12, bottom: height - 44 };
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
    const frame = this.node.getBoundingClientRect();
    const { left, right, top, bottom } = this.box;
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    return { x: (x - left) / (right - left), y: (bottom - y) / (bottom - top) };
  }

  zoom(event) {
    event.preventDefault();
    this.scale(this.at(event), event.deltaY > 0 ? 1.25 : 0.8);
  }

  scale(place, factor) {
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

  describe(row) {
    return this.runs.columns.map((name, i) => `${name}: ${show(row[i])}`);
  }

  // Says, below, what the point nearest to a click is.
  tell(event) {
    const [place, { left, right, top, bottom }] = [this.at(event), this.box];
    const { x: [x0, x1], y: [y0, y1] } = this.view;
    const away = (point) => Math.hypot(((point.x - x0) / (x1 - x0) - place.x) * (right - left),
      ((point.y - y0) / (y1 - y0) - place.y) * (bottom - top));
    const [nearest] = this.points().map((point) => ({ point, px: away(point) })).sort((a, b) => a.px - b.px);
    if (nearest && nearest.px < 20) byId("said").textContent = this.describe(nearest.point.row).join(", ");
  }

  draw() {
    if (!this.view) return;
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
      dot.append(element("title", { svg: 1 }, this.describe(point.row).join("\n")));
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

const runs = new SortableTable(byId("runs"));
runs.fill(data.runs);
const policies = new SortableTable(byId("policies"));
policies.fill(data.policies);
const differences = new SortableTable(byId("differences"));
const scatter = new Scatter(byId("chart"), data.runs);

function apply() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  runs.select((row) => matches(data.runs.columns, row, words));
  const visible = runs.visible();
  // All tables begin with setting and policy: a policy is shown while a run of it is.
  const shown = new Set(visible.map((row) => JSON.stringify(row.slice(0, 2))));
  for (const table of [policies, differences]) table.select((row) => shown.has(JSON.stringify(row.slice(0, 2))));
  scatter.select(visible);
  byId("count").textContent = `${visible.length} of ${data.runs.rows.length} runs`;
}

function compare() {
  differences.fill(data.differences[byId("baseline").value]);
}

// A view can be linked: index.html#filter=gogh&sort=node_energy_kwh&baseline=best_fit
function applyLink() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const baseline = asked.get("baseline");
  if (baseline in data.differences) {
    byId("baseline").value = baseline;
    compare();
  }
  byId("filter").value = asked.get("filter") ?? "";
  apply();
  const column = data.runs.columns.indexOf(asked.get("sort"));
  if (column >= 0) runs.sort(column);
}

const baselines = Object.keys(data.differences);
if (baselines.length) {
  byId("baseline").append(...baselines.map((name) => element("option", {}, name)));
  byId("baseline").value = baselines.includes(data.baseline) ? data.baseline : baselines[0];
  byId("baseline").addEventListener("change", compare);
  compare();
} else {
  byId("compared").hidden = true;
}
byId("setting").textContent = several ? `${Object.keys(data.settings).length} settings` : Object.keys(data.settings)[0];
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
