"use strict";
// What an answer says: charts of it, the score that an explanation follows, and what hiding parts did to that score.

const MOST_BARS = 20;
const MOST_POINTS = 500;
const MOST_WORDS = 64;
const MOST_FEATURES = 256;
const ROWS_OF_A_CALL = 32;
const FLOATS = /^(FP|BF)/;

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function shares(values) {
  const sum = values.reduce((a, b) => a + b, 0);
  return values.every((value) => isNumber(value) && value >= 0) && Math.abs(sum - 1) < 0.01;
}

// Which number of the answer an explanation follows: the best class of the first row, or the only value there is.
function targetOf(answer, outputs) {
  const found = outputs.map(({ name, datatype, shape }) => {
    const value = answer.outputs[name];
    const first = Array.isArray(value) ? value[0] : undefined;
    if (isMap(first)) return best(name, Object.entries(first), 1);
    if (!FLOATS.test(datatype) || value === undefined) return null;
    if (shape.length === 2 && Array.isArray(first)) return best(name, Object.entries(first), first.length > 1 ? 0 : 2);
    if (shape.length === 1 && shape[0] !== null && value.length > 1) {
      return { ...best(name, Object.entries(value), 0), flat: true };
    }
    return shape.length === 1 && isNumber(first) ? { output: name, key: null, value: first, rank: 2 } : null;
  });
  const usable = found.filter((target) => target && isNumber(target.value)).sort((a, b) => a.rank - b.rank);
  return usable.length ? usable[0] : null;
}

function best(output, entries, rank) {
  const numbers = entries.filter(([, value]) => isNumber(value));
  if (!numbers.length) return null;
  const [key, value] = numbers.reduce((a, b) => (b[1] > a[1] ? b : a));
  return { output, key, value, rank };
}

// The same number in another answer, NaN if it is not there: what is missing is no zero.
function scoreOf(answer, target, row) {
  const value = answer.outputs[target.output];
  const found = target.flat ? value[target.key] : target.key === null ? value[row] : value[row]?.[target.key];
  return isNumber(found) ? found : NaN;
}

// What people call the target: the label that the answer itself gives the best class, else its number.
function nameOf(target, answer) {
  const first = Array.isArray(answer.predictions) ? answer.predictions.flat()[0] : null;
  if (target.rank === 0 && isMap(first) && "label" in first) return String(first.label);
  if (target.rank === 2) return target.output;
  return target.rank === 0 ? `class ${target.key}` : String(target.key);
}

// How many rows an answer has, as far as they can be chosen from.
function rowsOf(answer, outputs) {
  const ofRows = outputs.filter((output) => output.shape[0] === null || output.datatype.startsWith("seq"));
  const lists = ofRows.map((output) => answer.outputs[output.name]).filter(Array.isArray);
  return Math.min(MOST_ROWS, Math.max(1, ...lists.map((list) => list.length)));
}

// Charts of an answer, for one row of it.
function chartsOf(answer, outputs, row) {
  const charts = [];
  const rows = answer.predictions;
  const ofRow = Array.isArray(rows) && Array.isArray(rows[0]) ? rows[row] : rows;
  const all = (fits) => Array.isArray(ofRow) && ofRow.length > 0 && ofRow.every((one) => isMap(one) && fits(one));
  // A label alone: the model's spec lets nothing else leave the server.
  const alone = all((one) => "label" in one && !("confidence" in one));
  const labelled = alone || all((one) => isNumber(one.confidence));
  if (alone) charts.push({ title: "Prediction", kinds: ["text"], text: String(ofRow[0].label) });
  else if (labelled) charts.push(classes("Predictions", ofRow.map((one) => [String(one.label), one.confidence])));
  else if (rows !== undefined) charts.push(asText("Predictions", rows));
  for (const { name, datatype } of outputs) {
    const value = answer.outputs[name];
    if (value !== undefined && !(labelled && FLOATS.test(datatype))) charts.push(chartOf(name, datatype, value, row));
  }
  return charts;
}

function asText(title, value) {
  return { title, kinds: ["text"], text: JSON.stringify(value) };
}

function chartOf(title, datatype, value, row) {
  const text = asText(title, value);
  if (!Array.isArray(value)) return text;
  const mine = value[row];
  if (isMap(mine) && Object.values(mine).every(isNumber)) return classes(title, Object.entries(mine));
  if (Array.isArray(mine) && mine.length > 1 && mine.every(isNumber)) {
    if (FLOATS.test(datatype) && shares(mine)) return classes(title, mine.map((share, i) => [String(i), share]));
    return series(title, mine);
  }
  const numbers = value.map((one) => (Array.isArray(one) && one.length === 1 ? one[0] : one));
  return numbers.length > 1 && numbers.every(isNumber) ? series(title, numbers) : text;
}

function classes(title, entries) {
  const sorted = [...entries].sort((a, b) => b[1] - a[1]);
  const points = sorted.slice(0, MOST_BARS).map(([label, value]) => ({ label, value }));
  const whole = shares(sorted.map((entry) => entry[1]));
  const left = sorted.length - points.length;
  return { title, points, left, kinds: whole ? ["bars", "pie"] : ["bars"], of: whole ? 1 : null };
}

function series(title, values) {
  const points = values.slice(0, MOST_POINTS).map((value, i) => ({ label: String(i), value }));
  const kinds = values.length > 7 ? ["line", "bars"] : ["bars", "line"];
  return { title, points, left: values.length - points.length, kinds, of: null };
}

// Texts with one word hidden in each, and which words; beyond `MOST_WORDS` none is.
function withoutWords(text) {
  const found = [...text.matchAll(/\S+/gu)].slice(0, MOST_WORDS);
  return found.map((word) => ({
    part: word[0], start: word.index, end: word.index + word[0].length,
    text: text.slice(0, word.index) + text.slice(word.index + word[0].length).replace(/^\s/, ""),
  }));
}

// The first row with one cell replaced in each: by the mean of the other rows, by zero, by nothing.
function withoutFeatures(columns, rows) {
  return columns.slice(0, MOST_FEATURES).map((column, c) => {
    const written = rows.slice(1).map((row) => row[c].trim()).filter((cell) => cell !== "");
    const others = written.map(Number).filter(Number.isFinite);
    const mean = others.length ? others.reduce((a, b) => a + b, 0) / others.length : 0;
    const whole = /^U?INT/.test(column.datatype) ? Math.round(mean) : mean;
    const instead = { BYTES: "", BOOL: "false" }[column.datatype] ?? String(whole);
    return { part: column.label, instead, row: rows[0].map((cell, i) => (i === c ? instead : cell)) };
  });
}

// Patches of a picture, at most `side` to each side.
function patches(width, height, side) {
  const across = Math.min(side, width);
  const down = Math.min(side, height);
  return Array.from({ length: across * down }, (_, i) => {
    const [column, row] = [i % across, Math.floor(i / across)];
    const [x, y] = [Math.floor((column * width) / across), Math.floor((row * height) / down)];
    const right = Math.floor(((column + 1) * width) / across);
    const bottom = Math.floor(((row + 1) * height) / down);
    return { part: `the patch in row ${row + 1}, column ${column + 1}`, x, y, width: right - x, height: bottom - y };
  });
}

// Lists of at most so many.
function chunks(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

// The largest change that there is, so that shades and bars can be measured against it.
function largest(effects) {
  return effects.reduce((most, effect) => (isNumber(effect) ? Math.max(most, Math.abs(effect)) : most), 0);
}

// Each node's layer: one more than the highest of those whose values it takes. Nodes of a file are in this order.
function layersOf(nodes) {
  const made = new Map();
  const layers = [];
  nodes.forEach((node, i) => {
    const before = node.inputs.map((name) => made.get(name)).filter((from) => from !== undefined);
    layers.push(before.reduce((most, from) => Math.max(most, layers[from] + 1), 0));
    node.outputs.forEach((name) => made.set(name, i));
  });
  const edges = [];
  const seen = new Map();
  nodes.forEach((node, i) => {
    new Set(node.inputs).forEach((name) => seen.has(name) && edges.push([seen.get(name), i]));
    node.outputs.forEach((name) => seen.set(name, i));
  });
  return { layers, edges };
}
