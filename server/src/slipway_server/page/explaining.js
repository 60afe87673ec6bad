"use strict";
// Explanations by hiding one part after the other. The model is asked as anybody asks it, so often and no more.
// `asks`: {outputs, json(value), png(blob), tell(text)}, of which the last three come from the page.

const MOST_SINGLE = 64;
const SIDE = 7;
const AT_ONCE = 4;

function followed(answer, outputs) {
  const found = targetOf(answer, outputs);
  if (found === null) throw new Problem("no output of this answer is a score that an explanation could follow");
  return found;
}

// What hiding each part took from the score: many parts in a call where the model takes many rows, else one by one.
async function effectsOf(variants, target, free, bodyFor, asks) {
  const parts = free ? chunks(variants, ROWS_OF_A_CALL) : chunks(variants.slice(0, MOST_SINGLE), 1);
  const found = [];
  for (const part of parts) {
    const answer = await asks.json(bodyFor(part));
    part.forEach((_, row) => found.push(target.value - scoreOf(answer, target, row)));
    asks.tell(`${found.length} of ${variants.length} parts were hidden.`);
  }
  return found;
}

// `bodyFor`: the body that asks about texts; `free`: whether it may have several.
async function explainText(text, bodyFor, free, asks) {
  const parts = withoutWords(text);
  if (parts.length < 2) throw new Problem("a text of two words and more can be explained");
  const answer = await asks.json(bodyFor([text]));
  const target = followed(answer, asks.outputs);
  const effects = await effectsOf(parts.map((part) => part.text), target, free, bodyFor, asks);
  return { parts: parts.slice(0, effects.length), effects, name: nameOf(target, answer) };
}

async function explainTable(layout, columns, rows, asks) {
  if ((layout.rows ?? 1) > 1) throw new Problem(`the model takes ${layout.rows} rows at once; one can be explained`);
  const bodyFor = (variants) => bodyOf(layout, columns, variants);
  const parts = withoutFeatures(columns, rows);
  const answer = await asks.json(bodyFor([rows[0]]));
  const target = followed(answer, asks.outputs);
  const effects = await effectsOf(parts.map((part) => part.row), target, layout.rows === null, bodyFor, asks);
  return { parts: parts.slice(0, effects.length), effects, name: nameOf(target, answer) };
}

// `source`: a canvas with the picture, small enough to be sent many times.
async function explainPicture(source, asks) {
  const parts = patches(source.width, source.height, SIDE);
  const answer = await asks.png(await png(source));
  const target = followed(answer, asks.outputs);
  const mean = meanColour(source);
  const effects = new Array(parts.length).fill(NaN);
  const waiting = parts.map((_, i) => i);
  let done = 0;
  const worker = async () => {
    for (let i = waiting.shift(); i !== undefined; i = waiting.shift()) {
      const hidden = copyOf(source, source.width, source.height);
      const context = hidden.getContext("2d");
      context.fillStyle = mean;
      context.fillRect(parts[i].x, parts[i].y, parts[i].width, parts[i].height);
      effects[i] = target.value - scoreOf(await asks.png(await png(hidden)), target, 0);
      done += 1;
      asks.tell(`${done} of ${parts.length} parts were hidden.`);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    // After a refusal nobody goes on asking.
    waiting.length = 0;
  }
  return { parts, effects, name: nameOf(target, answer) };
}

function copyOf(source, width, height) {
  const canvas = el("canvas", { width, height });
  canvas.getContext("2d").drawImage(source, 0, 0, width, height);
  return canvas;
}

function png(canvas) {
  return new Promise((done, failed) => {
    const written = (blob) => (blob ? done(blob) : failed(new Problem("this browser cannot write a picture")));
    canvas.toBlob(written, "image/png");
  });
}

function meanColour(source) {
  const { data } = source.getContext("2d").getImageData(0, 0, source.width, source.height);
  const sums = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) sums.forEach((_, c) => { sums[c] += data[i + c]; });
  return `rgb(${sums.map((sum) => Math.round((4 * sum) / data.length)).join(" ")})`;
}

// The parts whose hiding changed most, the largest change first, and in words what the first one did.
function rankedParts({ parts, effects, name }, coarse) {
  const note = {
    top_1: " The model tells its best class alone: a part counts only where the answer changes without it.",
    round: " The model rounds what it tells: smaller changes are not seen.",
  }[coarse] ?? "";
  const ranked = parts.map((part, i) => ({ label: part.part, value: effects[i] }))
    .filter((point) => Number.isFinite(point.value)).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  if (!ranked.length || ranked[0].value === 0) {
    return { ranked, said: `Hiding single parts does not change the score of ${name}.${note}` };
  }
  const { label, value } = ranked[0];
  const way = value > 0 ? "falls" : "rises";
  const most = `Hiding ${label} changes the score of ${name} most: it ${way} by ${shown(Math.abs(value))}.`;
  return { ranked, said: most + note };
}
