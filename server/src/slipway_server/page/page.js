"use strict";
// The page: what it shows, what it asks its server, and what happens when somebody presses something.

(() => {
  const BASE = location.pathname.endsWith("/") ? location.pathname : `${location.pathname}/`;
  const MOST_PICTURE = 448;
  const MOST_TABLE = 2 ** 20;
  const MOST_JSON = 10 * 2 ** 20;
  const MOST_SHOWN = 10;
  const MOST_RAW = 100000;
  const KINDS = {
    chat: "a message",
    picture: "a picture", text: "a text", table: "numbers in a table", json: "JSON", upload: "a file",
  };
  const at = (id) => document.getElementById(id);

  // Of this page alone: gone when it is closed or loaded anew.
  let key = "";
  let model = null;
  let layout = null;
  let width = 1;
  let textual = null;
  let picture = null;
  let running = null;
  const ask = asker(BASE, () => key);
  const send = chatter(at, ask, tell);

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
        const { answer } = await ask("openapi.json", { signal });
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
    model.types = Object.keys(described.paths["/predict"]?.post.requestBody.content ?? {});
    document.title = model.name;
    at("name").textContent = model.name;
    at("about").textContent = `Version ${model.version}`;
    at("access").hidden = true;
    at("ask").hidden = at("inside").hidden = false;
    at("show-layers").hidden = !described.paths["/graph"];
    at("variant").replaceChildren(...(model.names ?? []).map((name) => el("option", {}, name)));
    at("signature").parentElement.hidden = model.takes.includes("chat");
    if (model.takes.includes("chat")) return choose(["chat"]);
    at("signature").replaceChildren(...signatureTable(model));
    textual = model.takes.includes("text") ? {} : textInput(model.inputs);
    layout = model.takes.includes("tensors") && !model.takes.includes("text") ? layoutOf(model.inputs) : null;
    const kinds = [model.takes.includes("picture") && "picture", textual && "text", layout && "table", "json"];
    choose([...kinds, model.takes.includes("hook") && "upload"].filter(Boolean));
    const example = exampleBody(model);
    at("json").value = example === null ? "" : JSON.stringify(example);
    if (layout) fillTable(Array.from({ length: layout.rows ?? 1 }, () => columnsOf(layout, width).map(zeroCell)));
  }

  function choose(kinds) {
    const radios = kinds.map((name, i) => radio(name, KINDS[name], i === 0));
    at("kinds").replaceChildren(at("kinds").firstElementChild, ...radios);
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

  function fillTable(rows) {
    at("cells").replaceChildren(...cellTable(columnsOf(layout, width), rows));
    at("add-row").hidden = layout.rows !== null;
  }

  function cells() {
    return cellsOf(at("cells"));
  }

  function takeTable(text) {
    const rows = parseTable(text);
    if (layout.anyWidth) width = Math.min(MOST_COLUMNS, Math.max(...rows.map((row) => row.length)));
    const wanted = columnsOf(layout, width).length;
    const odd = rows.findIndex((row) => row.length !== wanted);
    if (odd >= 0) throw new Problem(`row ${odd + 1} has ${rows[odd].length} cells; allowed: ${wanted}, one a column`);
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
    requirePicture(picture);
    if (model.types.includes(picture.file.type)) return { body: picture.file, type: picture.file.type };
    const { bitmap } = picture;
    return { body: await png(copyOf(bitmap, bitmap.width, bitmap.height)), type: "image/png" };
  }

  function textBody(texts) {
    return model.takes.includes("text") ? { text: texts } : tensorOfTexts(textual, texts);
  }

  async function body() {
    const json = (value) => ({ body: JSON.stringify(value), type: "application/json" });
    switch (kind()) {
      case "picture": return pictureBody();
      case "text": return json(textBody([at("text").value]));
      case "table": return json(bodyOf(layout, columnsOf(layout, width), cells()));
      case "upload": {
        const form = new FormData();
        form.append("file", chosenFile(at("upload")));
        return { body: form };
      }
      default:
        // Sent as it is: whole numbers beyond 2^53 stay what they are.
        if (!at("json").value.trim()) throw new Problem("there is no JSON yet");
        return { body: at("json").value, type: "application/json" };
    }
  }

  async function predict(signal) {
    at("stop").hidden = kind() !== "chat";
    if (kind() === "chat") return send(signal);
    const { answer, text } = await ask("predict", { ...(await body()), signal });
    at("raw").textContent = text.slice(0, MOST_RAW);
    const draw = (row) => chartsOf(answer, model.outputs, row).map(chart);
    at("charts").replaceChildren(...ofRows(rowsOf(answer, model.outputs), draw));
    at("answer").hidden = false;
    at("explanation").hidden = true;
    at("answer").focus();
    tell("The model has answered.");
  }

  async function explain(signal) {
    at("stop").hidden = false;
    const call = async (body, type) => (await patiently(() => ask("predict", { body, type, signal }), signal)).answer;
    const json = (value) => call(JSON.stringify(value), "application/json");
    const asks = { outputs: model.outputs, json, png: (blob) => call(blob, "image/png"), tell };
    const { explained, drawn } = await { picture: ofPicture, text: ofText, table: ofTable }[kind()](asks);
    const { ranked, said } = rankedParts(explained, model.coarse);
    at("explained").textContent = said;
    const unknown = explained.effects.length - ranked.length;
    const rest = unknown ? [el("p", { class: "hint" }, `The score is unknown without ${unknown} of the parts.`)] : [];
    const table = ranked.length ? [bars(`What speaks for ${explained.name}`, ranked.slice(0, MOST_SHOWN))] : [];
    at("parts").replaceChildren(...drawn, ...table, ...rest);
    at("explanation").hidden = false;
    at("explanation").focus();
    tell("The explanation is there.");
  }

  async function ofPicture(asks) {
    requirePicture(picture);
    const explained = await explainPicture(at("preview"), asks);
    return { explained, drawn: [shadedPicture(at("preview"), explained.parts, explained.effects)] };
  }

  async function ofText(asks) {
    const text = at("text").value;
    const free = model.takes.includes("text") ? model.inputs.every((input) => input.shape[0] === null) : textual.free;
    const explained = await explainText(text, textBody, free, asks);
    return { explained, drawn: [shadedText(text, explained.parts, explained.effects)] };
  }

  async function ofTable(asks) {
    const rows = cells();
    const explained = await explainTable(layout, columnsOf(layout, width), rows, asks);
    const others = "Each cell of row 1 was replaced by the mean of the other rows.";
    const said = rows.length > 1 ? others : "Each cell was replaced by 0 or nothing.";
    return { explained, drawn: [el("p", { class: "hint" }, said)] };
  }

  async function showLayers(signal) {
    const { answer: graph } = await ask("graph", { signal });
    const { said, drawn } = layersShown(graph);
    at("layers").replaceChildren(el("p", {}, said), ...drawn);
    tell(said);
  }

  async function saveOpenapi(signal) {
    const { text } = await ask("openapi.json", { signal });
    download(text, "openapi.json");
    tell("The document was saved as openapi.json.");
  }

  // Takes what somebody pasted or chose, and says what is wrong with it.
  async function taking(work) {
    try {
      await work();
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
  at("kinds").addEventListener("change", showPanel);
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
  const chosen = (id, take) => at(id).addEventListener("change", () => at(id).files.length && take(at(id)));
  ["file", "camera"].forEach((id) => chosen(id, (input) => takePicture(input.files[0])));
  chosen("table-file", (input) => taking(async () => takeTable(await textOf(input, MOST_TABLE))));
  chosen("json-file", (input) => taking(async () => { at("json").value = await textOf(input, MOST_JSON); }));
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
    taking(() => takeTable(text));
  });
  open();
})();
