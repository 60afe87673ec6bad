"use strict";
// The page: what it shows, what it asks its server, and what happens when somebody presses something.

(() => {
  const BASE = location.pathname.endsWith("/") ? location.pathname : `${location.pathname}/`;
  const MOST_PICTURE = 448;
  const SIDE = 7;
  const AT_ONCE = 4;
  const MOST_SINGLE = 64;
  const KINDS = { picture: "a picture", text: "a text", table: "numbers in a table", json: "JSON", upload: "a file" };
  const at = (id) => document.getElementById(id);

  // Of this page alone: gone when it is closed or loaded anew.
  let key = "";
  let model = null;
  let layout = null;
  let width = 1;
  let textual = null;
  let picture = null;
  let running = null;

  async function ask(path, body, type, signal) {
    const headers = key ? { authorization: `Bearer ${key}` } : {};
    if (type) headers["content-type"] = type;
    const rules = { cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" };
    let response;
    try {
      response = await fetch(BASE + path, { ...rules, method: body === undefined ? "GET" : "POST", headers, body, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem("the model cannot be reached: try again");
    }
    const text = await response.text();
    let document_ = null;
    try {
      document_ = JSON.parse(text);
    } catch {
      throw new Problem(`the answer is not JSON (status ${response.status})`);
    }
    if (!response.ok) {
      const wait = response.headers.get("retry-after");
      const said = new Problem(`${document_?.error ?? `status ${response.status}`}${wait ? ` (after ${wait} s)` : ""}`);
      said.status = response.status;
      throw said;
    }
    return { answer: document_, text };
  }

  function tell(text) {
    at("status").textContent = text;
  }

  function complain(error) {
    at("problem").hidden = error === null;
    at("problem").textContent = error === null ? "" : error.message;
    if (error !== null) tell("");
  }

  // Runs what somebody started: one thing at a time, its end said, its failure in the server's own words.
  async function doing(what, work) {
    if (running) return;
    running = new AbortController();
    at("predict").disabled = at("explain").disabled = true;
    complain(null);
    tell(what);
    try {
      await work(running.signal);
    } catch (error) {
      if (error.name === "AbortError") tell("Stopped.");
      else if (error instanceof Problem || error instanceof SyntaxError) complain(error);
      else {
        complain(new Problem(`this page failed: ${error.message}`));
        throw error;
      }
    } finally {
      running = null;
      at("predict").disabled = at("explain").disabled = false;
      at("stop").hidden = true;
    }
  }

  async function open() {
    await doing("", async (signal) => {
      try {
        const { answer } = await ask("openapi.json", undefined, undefined, signal);
        begin(answer);
      } catch (error) {
        if (error.status !== 401 && error.status !== 403) throw error;
        at("access").hidden = false;
        if (key) throw error;
        at("key").focus();
      }
    });
  }

  function begin(described) {
    model = { ...described["x-slipway"], name: described.info.title, version: described.info.version };
    model.types = Object.keys(described.paths["/predict"].post.requestBody.content);
    document.title = model.name;
    at("name").textContent = model.name;
    at("about").textContent = `Version ${model.version}`;
    at("access").hidden = true;
    at("ask").hidden = at("inside").hidden = false;
    at("signature").replaceChildren(...signatureTable(model));
    textual = model.takes.includes("text") ? {} : textInput(model.inputs);
    layout = model.takes.includes("tensors") && !model.takes.includes("text") ? layoutOf(model.inputs) : null;
    const kinds = [model.takes.includes("picture") && "picture", textual && "text", layout && "table", "json"];
    choose([...kinds, model.takes.includes("hook") && "upload"].filter(Boolean));
    const example = exampleBody(model);
    at("json").value = example === null ? "" : JSON.stringify(example);
    if (layout) fillTable(Array.from({ length: layout.rows ?? 1 }, () => columnsOf(layout, width).map(zeroCell)));
  }

  function zeroCell({ datatype }) {
    return datatype === "BYTES" ? "" : datatype === "BOOL" ? "false" : "0";
  }

  function choose(kinds) {
    const choices = kinds.map((kind, i) => {
      const radio = el("input", { type: "radio", name: "kind", value: kind, id: `kind-${kind}` });
      radio.checked = i === 0;
      radio.addEventListener("change", showPanel);
      return el("label", {}, radio, ` ${KINDS[kind]}`);
    });
    at("kinds").replaceChildren(at("kinds").firstElementChild, ...choices);
    at("kinds").hidden = kinds.length === 1;
    showPanel();
  }

  function kind() {
    return document.querySelector("input[name=kind]:checked").value;
  }

  function showPanel() {
    Object.keys(KINDS).forEach((name) => { at(`panel-${name}`).hidden = name !== kind(); });
    at("explain").hidden = !["picture", "text", "table"].includes(kind());
  }

  // The table of cells.
  function fillTable(rows) {
    const columns = columnsOf(layout, width);
    const head = el("tr", {}, ...columns.map((column) => el("th", { scope: "col" }, column.label)));
    const body = rows.map((row, r) => el("tr", {}, ...columns.map((column, c) => {
      const mode = column.datatype === "BYTES" || column.datatype === "BOOL" ? "text" : "decimal";
      const input = el("input", { "aria-label": `row ${r + 1}, ${column.label}`, inputmode: mode, autocomplete: "off" });
      input.value = row[c] ?? "";
      return el("td", {}, input);
    })));
    at("cells").replaceChildren(el("thead", {}, head), el("tbody", {}, ...body));
    at("add-row").hidden = layout.rows !== null;
  }

  function cells() {
    return [...at("cells").querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("input")].map((cell) => cell.value));
  }

  function takeTable(text) {
    const rows = parseTable(text);
    if (layout.anyWidth) width = Math.min(MOST_COLUMNS, Math.max(...rows.map((row) => row.length)));
    const wanted = columnsOf(layout, width).length;
    const odd = rows.findIndex((row) => row.length !== wanted);
    if (odd >= 0) throw new Problem(`row ${odd + 1} has ${rows[odd].length} cells; allowed: ${wanted}, one for each column`);
    fillTable(rows);
    tell(`${rows.length} rows are in the table.`);
  }

  // Pictures.
  async function takePicture(file) {
    try {
      const bitmap = await createImageBitmap(file);
      const canvas = at("preview");
      const shrunk = Math.min(1, MOST_PICTURE / Math.max(bitmap.width, bitmap.height));
      canvas.width = Math.max(1, Math.round(bitmap.width * shrunk));
      canvas.height = Math.max(1, Math.round(bitmap.height * shrunk));
      canvas.style.width = `${Math.max(canvas.width, 160)}px`;
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      canvas.hidden = false;
      picture = { file, bitmap };
      complain(null);
      tell(`The picture ${file.name} has ${bitmap.width} by ${bitmap.height} pixels.`);
    } catch {
      complain(new Problem(`${file.name} is no picture that this browser can read`));
    }
  }

  // As it is where the model takes its type, else as PNG, which every model of pictures takes.
  async function pictureBody() {
    if (picture === null) throw new Problem("there is no picture yet: choose, drop, paste or take one");
    if (model.types.includes(picture.file.type)) return { body: picture.file, type: picture.file.type };
    const canvas = el("canvas", { width: picture.bitmap.width, height: picture.bitmap.height });
    canvas.getContext("2d").drawImage(picture.bitmap, 0, 0);
    return { body: await png(canvas), type: "image/png" };
  }

  function png(canvas) {
    return new Promise((done, failed) => canvas.toBlob((blob) => {
      if (blob) done(blob);
      else failed(new Problem("this browser cannot write a picture"));
    }, "image/png"));
  }

  function textBody(texts) {
    if (model.takes.includes("text")) return { text: texts };
    return { inputs: { [textual.name]: textual.deep ? texts.map((text) => [text]) : texts } };
  }

  async function body() {
    const json = (value) => ({ body: JSON.stringify(value), type: "application/json" });
    switch (kind()) {
      case "picture": return pictureBody();
      case "text": return json(textBody([at("text").value]));
      case "table": return json(bodyOf(layout, columnsOf(layout, width), cells()));
      case "upload": {
        const form = new FormData();
        if (!at("upload").files.length) throw new Problem("there is no file yet: choose one");
        form.append("file", at("upload").files[0]);
        return { body: form };
      }
      default:
        // Sent as it is: whole numbers beyond 2^53 stay what they are.
        if (!at("json").value.trim()) throw new Problem("there is no JSON yet");
        return { body: at("json").value, type: "application/json" };
    }
  }

  async function predict(signal) {
    const { body: sent, type } = await body();
    const { answer, text } = await ask("predict", sent, type, signal);
    at("raw").textContent = text.slice(0, 100000);
    const rows = rowsOf(answer);
    const place = at("charts");
    const draw = (row) => chartsOf(answer, model.outputs, row).map(chart);
    const drawn = el("div", {}, ...draw(0));
    const choice = el("select", { id: "row" }, ...Array.from({ length: rows }, (_, i) => el("option", { value: i }, String(i + 1))));
    choice.addEventListener("change", () => drawn.replaceChildren(...draw(Number(choice.value))));
    place.replaceChildren(...(rows > 1 ? [el("p", {}, el("label", { for: "row" }, "Row"), choice)] : []), drawn);
    at("answer").hidden = false;
    at("explanation").hidden = true;
    at("answer").focus();
    tell("The model has answered.");
  }

  function rowsOf(answer) {
    const lists = model.outputs.filter((output) => output.shape[0] === null || output.datatype.startsWith("seq"))
      .map((output) => answer.outputs[output.name]).filter(Array.isArray);
    return Math.min(MOST_ROWS, Math.max(1, ...lists.map((list) => list.length)));
  }

  // Explanations: the model is asked as anybody asks it, so often and no more.
  async function explain(signal) {
    at("stop").hidden = false;
    const explained = await { picture: explainPicture, text: explainText, table: explainTable }[kind()](signal);
    const { parts, effects, name, drawn } = explained;
    const ranked = parts.map((part, i) => ({ label: part.part || "(nothing)", value: effects[i] }))
      .filter((point) => Number.isFinite(point.value)).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const said = ranked.length && ranked[0].value !== 0
      ? `Hiding ${ranked[0].label} changes the score of ${name} most: it ${ranked[0].value > 0 ? "falls" : "rises"} by ${shown(Math.abs(ranked[0].value))}.`
      : `Hiding single parts does not change the score of ${name}.`;
    at("explained").textContent = said;
    const unknown = effects.length - ranked.length;
    const rest = unknown ? [el("p", { class: "hint" }, `The score is unknown without ${unknown} of the parts.`)] : [];
    const table = ranked.length ? [bars(`What speaks for ${name}`, ranked.slice(0, MOST_BARS))] : [];
    at("parts").replaceChildren(...drawn, ...table, ...rest);
    at("explanation").hidden = false;
    at("explanation").focus();
    tell("The explanation is there.");
  }

  function target(answer) {
    const found = targetOf(answer, model.outputs);
    if (found === null) throw new Problem("no output of this answer is a score that an explanation could follow");
    return found;
  }

  async function json(value, signal) {
    return (await ask("predict", JSON.stringify(value), "application/json", signal)).answer;
  }

  // Asks for variants of one row: many in a call where rows are free, else one by one.
  async function scores(variants, first, free, bodyFor, signal) {
    const parts = free ? chunks(variants, ROWS_OF_A_CALL) : chunks(variants.slice(0, MOST_SINGLE), 1);
    const found = [];
    for (const part of parts) {
      const answer = await json(bodyFor(part), signal);
      part.forEach((_, row) => found.push(scoreOf(answer, first, row)));
      tell(`${found.length} of ${variants.length} parts were hidden.`);
    }
    return found;
  }

  async function explainText(signal) {
    const text = at("text").value;
    const parts = withoutWords(text);
    if (parts.length < 2) throw new Problem("a text of two words and more can be explained");
    const answer = await json(textBody([text]), signal);
    const first = target(answer);
    const free = model.takes.includes("text") ? model.inputs.every((input) => input.shape[0] === null) : textual.free;
    const found = await scores(parts.map((part) => part.text), first, free, textBody, signal);
    const effects = found.map((score) => first.value - score);
    const asked = parts.slice(0, effects.length);
    return { parts: asked, effects, name: nameOf(first, answer), drawn: [shadedText(text, asked, effects)] };
  }

  async function explainTable(signal) {
    const columns = columnsOf(layout, width);
    const rows = cells();
    if ((layout.rows ?? 1) > 1) throw new Problem(`the model takes ${layout.rows} rows at once; one row can be explained`);
    const parts = withoutFeatures(columns, rows);
    const answer = await json(bodyOf(layout, columns, [rows[0]]), signal);
    const first = target(answer);
    const bodyFor = (variants) => bodyOf(layout, columns, variants);
    const found = await scores(parts.map((part) => part.row), first, layout.rows === null, bodyFor, signal);
    const effects = found.map((score) => first.value - score);
    const said = rows.length > 1 ? "Each cell of row 1 was replaced by the mean of the other rows." : "Each cell was replaced by 0 or nothing.";
    return { parts: parts.slice(0, effects.length), effects, name: nameOf(first, answer), drawn: [el("p", { class: "hint" }, said)] };
  }

  async function explainPicture(signal) {
    if (picture === null) throw new Problem("there is no picture yet: choose, drop, paste or take one");
    const source = at("preview");
    const parts = patches(source.width, source.height, SIDE);
    const answer = (await ask("predict", await png(source), "image/png", signal)).answer;
    const first = target(answer);
    const mean = meanColour(source);
    const effects = new Array(parts.length).fill(NaN);
    let next = 0;
    let done = 0;
    const worker = async () => {
      while (next < parts.length) {
        const i = next;
        next += 1;
        const hidden = el("canvas", { width: source.width, height: source.height });
        const context = hidden.getContext("2d");
        context.drawImage(source, 0, 0);
        context.fillStyle = mean;
        context.fillRect(parts[i].x, parts[i].y, parts[i].width, parts[i].height);
        const one = await ask("predict", await png(hidden), "image/png", signal);
        effects[i] = first.value - scoreOf(one.answer, first, 0);
        done += 1;
        tell(`${done} of ${parts.length} parts were hidden.`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return { parts, effects, name: nameOf(first, answer), drawn: [shadedPicture(source, parts, effects)] };
  }

  function meanColour(source) {
    const data = source.getContext("2d").getImageData(0, 0, source.width, source.height).data;
    const sums = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) sums.forEach((_, c) => { sums[c] += data[i + c]; });
    return `rgb(${sums.map((sum) => Math.round((4 * sum) / data.length)).join(" ")})`;
  }

  async function showLayers(signal) {
    const { answer: graph } = await ask("graph", undefined, undefined, signal);
    const shownNodes = graph.nodes.length;
    const cut = graph.total > shownNodes ? `The first ${shownNodes} of ${graph.total} layers.` : `${shownNodes} layers.`;
    const list = el("details", {}, el("summary", {}, "The layers as a list"), layersList(graph));
    const drawing = { class: "wide layers", tabindex: 0, role: "region", "aria-label": "The layers" };
    const drawn = shownNodes ? [el("div", drawing, layersDrawing(graph)), list] : [];
    at("layers").replaceChildren(el("p", {}, cut), ...drawn);
    tell(cut);
  }

  async function saveOpenapi(signal) {
    const { text } = await ask("openapi.json", undefined, undefined, signal);
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = el("a", { href: url, download: "openapi.json" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    tell("The document was saved as openapi.json.");
  }

  async function fromFile(input, most, take) {
    const [file] = input.files;
    if (!file) return;
    try {
      if (file.size > most) throw new Problem(`${file.name} has ${file.size} bytes; allowed: ${most}`);
      take(await file.text());
      complain(null);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      complain(error);
    }
  }

  at("access-form").addEventListener("submit", (event) => {
    event.preventDefault();
    key = at("key").value.trim();
    open();
  });
  at("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    doing("The model is asked.", predict);
  });
  at("explain").addEventListener("click", () => doing("The model is asked for each part.", explain));
  at("stop").addEventListener("click", () => running?.abort());
  at("show-layers").addEventListener("click", () => doing("", showLayers));
  at("save-openapi").addEventListener("click", () => doing("", saveOpenapi));
  at("add-row").addEventListener("click", () => {
    const rows = cells();
    if (rows.length >= MOST_ROWS) return;
    fillTable([...rows, columnsOf(layout, width).map(zeroCell)]);
    at("cells").querySelector("tbody tr:last-child input").focus();
  });
  ["file", "camera"].forEach((id) => at(id).addEventListener("change", () => at(id).files[0] && takePicture(at(id).files[0])));
  at("table-file").addEventListener("change", () => fromFile(at("table-file"), 2 ** 20, takeTable));
  at("json-file").addEventListener("change", () => fromFile(at("json-file"), 10 * 2 ** 20, (text) => { at("json").value = text; }));
  ["dragover", "dragleave", "drop"].forEach((name) => at("drop").addEventListener(name, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files[0]) takePicture(event.dataTransfer.files[0]);
  }));
  document.addEventListener("paste", (event) => {
    if (model === null) return;
    const [file] = event.clipboardData.files;
    if (kind() === "picture" && file) {
      event.preventDefault();
      takePicture(file);
      return;
    }
    const text = event.clipboardData.getData("text/plain");
    if (kind() !== "table" || !/[\t\n;,]/.test(text.trim())) return;
    event.preventDefault();
    try {
      takeTable(text);
      complain(null);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      complain(error);
    }
  });
  open();
})();
