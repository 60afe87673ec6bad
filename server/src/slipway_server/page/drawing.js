"use strict";
// Elements of the page made from values. Every text of a model or a person is set as text, never read as HTML.

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 8;

function el(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, String(value)));
  element.append(...children);
  return element;
}

function shown(value) {
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

function radio(value, said, checked) {
  const button = el("input", { type: "radio", name: "kind", value, id: `kind-${value}` });
  button.checked = checked;
  return el("label", {}, button, ` ${said}`);
}

// A table to type into, a field for each cell.
function cellTable(columns, rows) {
  const head = el("tr", {}, ...columns.map((column) => el("th", { scope: "col" }, column.label)));
  const body = rows.map((row, r) => el("tr", {}, ...columns.map((column, c) => {
    const mode = column.datatype === "BYTES" || column.datatype === "BOOL" ? "text" : "decimal";
    const input = el("input", { "aria-label": `row ${r + 1}, ${column.label}`, inputmode: mode, autocomplete: "off" });
    input.value = row[c] ?? "";
    return el("td", {}, input);
  })));
  return [el("thead", {}, head), el("tbody", {}, ...body)];
}

function cellsOf(table) {
  const valuesOf = (row) => [...row.querySelectorAll("input")].map((cell) => cell.value);
  return [...table.querySelectorAll("tbody tr")].map(valuesOf);
}

// Bars are a table, which is read as one; a bar to a value below zero has the other colour.
function bars(title, points, most) {
  const full = most ?? Math.max(...points.map((point) => Math.abs(point.value)), 0);
  const rows = points.map(({ label, value }) => {
    const fill = el("div", { class: value < 0 ? "fill against" : "fill" });
    fill.style.width = `${full > 0 && Number.isFinite(value) ? Math.min(100, (100 * Math.abs(value)) / full) : 0}%`;
    const said = Number.isFinite(value) ? shown(value) : "unknown";
    const cell = el("td", { "aria-hidden": "true" }, fill);
    return el("tr", {}, el("th", { scope: "row" }, label), cell, el("td", { class: "number" }, said));
  });
  return el("table", { class: "bars" }, el("caption", {}, title), el("tbody", {}, ...rows));
}

function plainTable(title, points) {
  const rows = points.map(({ label, value }) =>
    el("tr", {}, el("th", { scope: "row" }, label), el("td", { class: "number" }, shown(value))));
  return el("table", {}, el("caption", {}, title), el("tbody", {}, ...rows));
}

function pie(title, points) {
  const slices = points.slice(0, COLOURS - 1);
  const rest = 1 - slices.reduce((sum, point) => sum + point.value, 0);
  if (points.length > slices.length && rest > 0) slices.push({ label: "all others", value: rest });
  const [x, y, radius] = [110, 110, 100];
  let angle = -Math.PI / 2;
  const drawn = slices.map(({ value }, i) => {
    if (value > 0.9999) return svg("circle", { cx: x, cy: y, r: radius, class: `c${i}` });
    const [x0, y0] = [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    angle += 2 * Math.PI * value;
    const [x1, y1] = [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    const path = `M${x} ${y}L${x0} ${y0}A${radius} ${radius} 0 ${value > 0.5 ? 1 : 0} 1 ${x1} ${y1}Z`;
    return svg("path", { d: path, class: `c${i}` });
  });
  const legend = slices.map(({ label, value }, i) => {
    const short = label.length > 22 ? `${label.slice(0, 21)}…` : label;
    return svg("g", {}, svg("rect", { x: 230, y: 12 + 24 * i, width: 14, height: 14, class: `c${i}` }),
      svg("text", { x: 252, y: 24 + 24 * i }, `${short} ${shown(100 * value)} %`));
  });
  const said = slices.map(({ label, value }) => `${label} ${shown(100 * value)} percent`).join(", ");
  const frame = { viewBox: "0 0 460 220", width: 460, role: "img", "aria-label": `${title}: ${said}` };
  return svg("svg", frame, ...drawn, ...legend);
}

function line(title, points) {
  const values = points.map((point) => point.value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [left, top, width, height] = [60, 12, 560, 200];
  const x = (i) => left + (points.length > 1 ? (i * width) / (points.length - 1) : width / 2);
  const y = (value) => top + (high > low ? ((high - value) * height) / (high - low) : height / 2);
  const path = values.map((value, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const frame = svg("path", { class: "axis", fill: "none", d: `M${left} ${top}V${top + height}H${left + width}` });
  const marks = (high > low ? [low, high] : [low]).map((value) =>
    svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, shown(value)));
  const ends = [0, points.length - 1].map((i) =>
    svg("text", { x: x(i), y: top + height + 18, "text-anchor": "middle" }, points[i].label));
  const said = `${title}: ${points.length} values from ${shown(low)} to ${shown(high)}`;
  return svg("svg", { viewBox: "0 0 640 240", width: 640, role: "img", "aria-label": said }, frame, ...marks, ...ends,
    svg("path", { class: "line", d: path }));
}

// A chart in the way that fits it, and the other ways to choose from.
function chart(described, number) {
  const { title, kinds, points } = described;
  if (kinds[0] === "text") {
    return el("div", {}, el("h3", {}, title), el("pre", { tabindex: 0 }, described.text.slice(0, 20000)));
  }
  const ways = {
    bars: () => bars(title, points, described.of),
    pie: () => pie(title, points),
    line: () => line(title, points),
    table: () => plainTable(title, points),
  };
  const place = el("div", { class: "wide" }, ways[kinds[0]]());
  const choice = el("select", { id: `way-${number}` }, ...[...kinds, "table"].map((kind) => el("option", {}, kind)));
  choice.addEventListener("change", () => place.replaceChildren(ways[choice.value]()));
  const more = `${described.left} more are in the whole answer.`;
  const left = described.left > 0 ? [el("p", { class: "hint" }, more)] : [];
  return el("div", {}, el("p", {}, el("label", { for: choice.id }, `Show ${title} as`), choice), place, ...left);
}

// What `draw` makes of a row, and where there are several rows, the choice among them.
function ofRows(rows, draw) {
  const drawn = el("div", {}, ...draw(0));
  const options = Array.from({ length: rows }, (_, i) => el("option", { value: i }, String(i + 1)));
  const choice = el("select", { id: "row" }, ...options);
  choice.addEventListener("change", () => drawn.replaceChildren(...draw(Number(choice.value))));
  return rows > 1 ? [el("p", {}, el("label", { for: "row" }, "Row"), choice), drawn] : [drawn];
}

// The layers from top to bottom, with lines from each to those that take its values.
function layersDrawing(graph) {
  const { layers, edges } = layersOf(graph.nodes);
  const [boxWidth, boxHeight, gap, down] = [190, 40, 16, 70];
  const inLayer = [];
  const places = layers.map((layer) => {
    inLayer[layer] = (inLayer[layer] ?? -1) + 1;
    return { x: gap + inLayer[layer] * (boxWidth + gap), y: gap + layer * down };
  });
  const most = Math.max(...inLayer.map((count) => count + 1));
  const lines = edges.map(([from, to]) => {
    const [a, b] = [places[from], places[to]];
    return svg("line", { class: "edge", x1: a.x + boxWidth / 2, y1: a.y + boxHeight, x2: b.x + boxWidth / 2, y2: b.y });
  });
  const boxes = graph.nodes.map((node, i) => {
    const { x, y } = places[i];
    const weights = Object.values(node.weights).map((shape) => shape.join("×") || "scalar").join(", ");
    const second = weights || node.name;
    return svg("g", {}, svg("title", {}, `${node.operator} ${node.name}`),
      svg("rect", { class: "box", x, y, width: boxWidth, height: boxHeight, rx: 4 }),
      svg("text", { x: x + 8, y: y + 16 }, node.operator.slice(0, 26)),
      svg("text", { x: x + 8, y: y + 33 }, second.length > 26 ? `${second.slice(0, 25)}…` : second));
  });
  const [width, height] = [2 * gap + most * (boxWidth + gap), 2 * gap + inLayer.length * down];
  const said = `${graph.nodes.length} layers, listed below`;
  const frame = { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": said };
  return svg("svg", frame, ...lines, ...boxes);
}

function layersList(graph) {
  const items = graph.nodes.map((node) => {
    const weights = Object.entries(node.weights).map(([name, shape]) => `${name} [${shape.join(", ")}]`).join(", ");
    const said = `${node.operator} ${node.name}: ${node.inputs.join(", ") || "nothing"} → ${node.outputs.join(", ")}`;
    return el("li", {}, weights ? `${said}; weights ${weights}` : said);
  });
  return el("ol", {}, ...items);
}

// How many layers there are, in words; and where there are any, a drawing and a list of them.
function layersShown(graph) {
  const count = graph.nodes.length;
  const said = `${graph.total > count ? `The first ${count} of ${graph.total}` : count} layers.`;
  const list = el("details", {}, el("summary", {}, "The layers as a list"), layersList(graph));
  const frame = { class: "wide layers", tabindex: 0, role: "region", "aria-label": "The layers" };
  return { said, drawn: count ? [el("div", frame, layersDrawing(graph)), list] : [] };
}

function signatureTable(model) {
  const row = (kind) => ({ name, datatype, shape, optional }) =>
    el("tr", {}, el("td", {}, kind), el("th", { scope: "row" }, name), el("td", {}, datatype),
      el("td", {}, `[${shape.map((size) => size ?? "any").join(", ")}]${optional ? ", optional" : ""}`));
  const head = ["", "Name", "Type", "Shape"].map((text) => el("th", { scope: "col" }, text));
  return [el("thead", {}, el("tr", {}, ...head)),
    el("tbody", {}, ...model.inputs.map(row("input")), ...model.outputs.map(row("output")))];
}

// A text with its words shaded by what hiding them did.
function shadedText(text, parts, effects) {
  const most = largest(effects);
  const pieces = [];
  let at = 0;
  parts.forEach((part, i) => {
    pieces.push(text.slice(at, part.start));
    const said = Number.isFinite(effects[i]) ? shown(effects[i]) : "unknown";
    const word = el("span", { class: "word", title: said }, part.part);
    if (most > 0 && Number.isFinite(effects[i])) word.style.backgroundColor = shade(effects[i] / most);
    pieces.push(word);
    at = part.end;
  });
  return el("p", {}, ...pieces, text.slice(at));
}

function shade(part) {
  return part >= 0 ? `rgb(40 120 220 / ${(0.75 * part).toFixed(3)})` : `rgb(230 120 20 / ${(-0.75 * part).toFixed(3)})`;
}

function shadedPicture(source, parts, effects) {
  const scale = Math.max(1, Math.floor(280 / Math.max(source.width, source.height)));
  const said = "The picture, with what speaks for the answer in blue and what speaks against it in orange";
  const canvas = el("canvas", { role: "img", "aria-label": said });
  [canvas.width, canvas.height] = [source.width * scale, source.height * scale];
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const most = largest(effects);
  parts.forEach((part, i) => {
    if (most === 0 || !Number.isFinite(effects[i])) return;
    context.fillStyle = shade(effects[i] / most);
    context.fillRect(part.x * scale, part.y * scale, part.width * scale, part.height * scale);
  });
  return canvas;
}

function download(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
