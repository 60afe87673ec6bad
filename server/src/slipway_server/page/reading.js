"use strict";
// What people type, paste or choose becomes the body of POST predict. Nothing here touches the page.

const MOST_ROWS = 1000;
const MOST_COLUMNS = 256;
const MOST_CELLS = 20000;

// What a person can put right; its message is shown as it is.
class Problem extends Error {}

// How a model's required inputs lie side by side in one table; null for a model that no table fits.
function layoutOf(inputs) {
  const needed = inputs.filter((input) => !input.optional);
  const parts = [];
  let rows = null;
  for (const { name, datatype, shape } of needed) {
    if (shape.length > 2) return null;
    const [first, second] = shape;
    if (shape.length === 0) {
      parts.push({ name, datatype, form: "scalar", width: 1 });
      rows = 1;
    } else if (shape.length === 1 && first === null) {
      parts.push({ name, datatype, form: "list", width: 1 });
    } else if (shape.length === 1) {
      parts.push({ name, datatype, form: "vector", width: first });
      rows = 1;
    } else {
      if (second === null && needed.length > 1) return null;
      parts.push({ name, datatype, form: "matrix", width: second });
      if (first !== null) rows = rows === null ? first : Math.min(rows, first);
    }
  }
  const width = parts.reduce((sum, part) => sum + (part.width ?? 1), 0);
  if (!needed.length || width < 1 || width > MOST_COLUMNS || rows === 0 || (rows ?? 1) > MOST_ROWS) return null;
  return { parts, rows, anyWidth: parts.some((part) => part.width === null) };
}

// The columns of a table: which part of the layout, and what stands above them. `width`: where the model takes any.
function columnsOf(layout, width) {
  return layout.parts.flatMap((part, of) => {
    const count = part.width ?? width;
    return Array.from({ length: count }, (_, i) => ({
      of, datatype: part.datatype, label: count === 1 ? part.name : `${part.name} ${i + 1}`,
    }));
  });
}

function cellValue(text, datatype, where) {
  const cell = text.trim();
  const refuse = (allowed) => {
    throw new Problem(`${where} is ${JSON.stringify(text.slice(0, 60))}; allowed: ${allowed}`);
  };
  if (datatype === "BYTES") return text;
  if (datatype === "BOOL") {
    if (/^(true|1)$/i.test(cell)) return true;
    return /^(false|0)$/i.test(cell) ? false : refuse("true or false");
  }
  if (/^U?INT/.test(datatype)) {
    if (!/^[+-]?\d+$/.test(cell)) refuse(`a whole number (${datatype})`);
    return Number.isSafeInteger(Number(cell)) ? Number(cell) : refuse("up to 2^53 here; larger ones as JSON");
  }
  if (cell === "" || cell.toLowerCase() === "nan") return null;
  if (/^[+-]?inf(inity)?$/i.test(cell)) return cell.startsWith("-") ? "-Infinity" : "Infinity";
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell) ? Number(cell) : NaN;
  return Number.isFinite(number) ? number : refuse(`a number (${datatype}), or nothing for a missing one`);
}

// The body of a request with these rows of cells, each a text.
function bodyOf(layout, columns, rows) {
  if (layout.rows !== null && rows.length !== layout.rows) {
    throw new Problem(`there are ${rows.length} rows; allowed: ${layout.rows}, as the model takes them`);
  }
  const values = rows.map((row, r) =>
    row.map((cell, c) => cellValue(cell, columns[c].datatype, `row ${r + 1}, ${columns[c].label}`)));
  const inputs = layout.parts.map((part, of) => {
    const mine = values.map((row) => row.filter((_, c) => columns[c].of === of));
    const list = mine.map((row) => row[0]);
    return [part.name, { scalar: list[0], list, vector: mine[0], matrix: mine }[part.form]];
  });
  return { inputs: Object.fromEntries(inputs) };
}

// What stands in a cell before anybody typed.
function zeroCell({ datatype }) {
  if (datatype === "BYTES") return "";
  return datatype === "BOOL" ? "false" : "0";
}

function requirePicture(picture) {
  if (picture === null) throw new Problem("there is no picture yet: choose, drop, paste or take one");
}

function chosenFile(input) {
  if (!input.files.length) throw new Problem("there is no file yet: choose one");
  return input.files[0];
}

// The text of the file that somebody chose; `most`: bytes.
async function textOf(input, most) {
  const file = chosenFile(input);
  if (file.size > most) throw new Problem(`${file.name} has ${file.size} bytes; allowed: ${most}`);
  return file.text();
}

// Rows of cells in pasted text; a first row of words above numbers is left out.
function parseTable(text) {
  const lines = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "");
  const head = lines.split("\n", 1)[0];
  const mark = ["\t", ";", ","].find((sign) => head.includes(sign)) ?? "\t";
  const rows = [[""]];
  let cells = 1;
  let quoted = false;
  for (let i = 0; i < lines.length; i += 1) {
    const sign = lines[i];
    const row = rows[rows.length - 1];
    if (quoted) {
      if (sign === '"' && lines[i + 1] === '"') row[row.length - 1] += lines[(i += 1)];
      else if (sign === '"') quoted = false;
      else row[row.length - 1] += sign;
    } else if (sign === '"' && row[row.length - 1] === "") quoted = true;
    else if (sign === mark || sign === "\n") {
      cells += 1;
      if (sign === mark) row.push("");
      else rows.push([""]);
    } else row[row.length - 1] += sign;
    if (cells > MOST_CELLS || rows.length > MOST_ROWS + 1) {
      throw new Problem(`there are too many cells; allowed: ${MOST_ROWS} rows and ${MOST_CELLS} cells`);
    }
  }
  const number = (cell) => cell.trim() === "" || Number.isFinite(Number(cell));
  const titled = rows.length > 1 && !rows[0].some(number) && rows[1].some((cell) => cell.trim() !== "" && number(cell));
  return titled ? rows.slice(1) : rows;
}

// Nested lists of zeros of a shape, so that nobody begins with an empty field; free sizes are 1.
function zeros(shape, datatype) {
  if (!shape.length) return datatype === "BYTES" ? "" : datatype === "BOOL" ? false : 0;
  return Array.from({ length: shape[0] ?? 1 }, () => zeros(shape.slice(1), datatype));
}

// A body that the model takes, as far as its signature says; null where it would be too long to read.
function exampleBody(model) {
  if (model.takes[0] === "text") return { text: "" };
  const needed = model.inputs.filter((input) => !input.optional);
  const size = (shape) => shape.reduce((product, length) => product * (length ?? 1), 1);
  if (model.takes[0] === "hook" || needed.some((input) => size(input.shape) > 4096)) return null;
  return { inputs: Object.fromEntries(needed.map(({ name, datatype, shape }) => [name, zeros(shape, datatype)])) };
}

// The name of the only input where that is one text, so that people may write it as such; null for another model.
function textInput(inputs) {
  const needed = inputs.filter((input) => !input.optional);
  if (needed.length !== 1 || needed[0].datatype !== "BYTES") return null;
  const { name, shape } = needed[0];
  const fits = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  if (!fits || (shape[0] !== null && shape[0] !== 1)) return null;
  return { name, deep: shape.length === 2, free: shape[0] === null };
}

function tensorOfTexts({ name, deep }, texts) {
  return { inputs: { [name]: deep ? texts.map((text) => [text]) : texts } };
}
