// Tests of the page's functions that touch no page. argv: the scripts, in the order in which they build on each other.
"use strict";
const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { test } = require("node:test");

const NAMES = [
  "layoutOf", "columnsOf", "bodyOf", "cellValue", "parseTable", "zeros", "exampleBody", "textInput", "Problem", "MOST_ROWS",
  "targetOf", "scoreOf", "nameOf", "chartsOf", "withoutWords", "withoutFeatures", "patches", "chunks", "layersOf", "rowsOf",
  "explainText", "explainTable", "rankedParts", "asker", "textsOf", "refusalOf", "patiently", "MOST_SINGLE",
];
const scripts = process.env.PAGE_SCRIPTS.split(":").map((path) => readFileSync(path, "utf8")).join("\n");
const page = new Function(`${scripts}\nreturn { ${NAMES.join(", ")} };`)();
const refused = (work, words) => assert.throws(work, (error) => error instanceof page.Problem && words.test(error.message));
const input = (name, datatype, shape, optional = false) => ({ name, datatype, shape, optional });
const tell = () => {};

test("required inputs of one row or of free rows lie in one table", () => {
  const layout = page.layoutOf([input("a", "FP32", [null, 2]), input("b", "INT64", [null]), input("c", "FP32", [9], true)]);
  const columns = page.columnsOf(layout, 1);
  assert.deepEqual(columns.map((column) => column.label), ["a 1", "a 2", "b"]);
  const body = page.bodyOf(layout, columns, [["1.5", "", "3"], ["-2e1", "nan", "-4"]]);
  assert.deepEqual(body, { inputs: { a: [[1.5, null], [-20, null]], b: [3, -4] } });
});

test("scalars and vectors make a table of one row", () => {
  const layout = page.layoutOf([input("rate", "FP32", []), input("x", "BOOL", [2])]);
  assert.equal(layout.rows, 1);
  const columns = page.columnsOf(layout, 1);
  assert.deepEqual(page.bodyOf(layout, columns, [["inf", "TRUE", "0"]]), { inputs: { rate: "Infinity", x: [true, false] } });
  refused(() => page.bodyOf(layout, columns, [["1", "1", "1"], ["1", "1", "1"]]), /there are 2 rows; allowed: 1/);
});

test("no table fits pictures, hundreds of columns, or two inputs of any width", () => {
  assert.equal(page.layoutOf([input("x", "FP32", [null, 3, 8, 8])]), null);
  assert.equal(page.layoutOf([input("x", "FP32", [null, 300])]), null);
  assert.equal(page.layoutOf([input("x", "FP32", [null, null]), input("y", "FP32", [null, 1])]), null);
  assert.equal(page.layoutOf([]), null);
  assert.equal(page.layoutOf([input("x", "FP32", [null, null])]).anyWidth, true);
});

test("a cell that the model does not take is named with what it takes", () => {
  refused(() => page.cellValue("1.5", "INT64", "row 1, a"), /^row 1, a is "1.5"; allowed: a whole number \(INT64\)$/);
  refused(() => page.cellValue("9007199254740993", "INT64", "row 1, a"), /as JSON/);
  refused(() => page.cellValue("", "INT8", "row 1, a"), /whole number/);
  refused(() => page.cellValue("0x10", "FP32", "row 1, a"), /a number/);
  refused(() => page.cellValue("1e999", "FP32", "row 1, a"), /a number/);
  refused(() => page.cellValue("constructor", "BOOL", "row 1, a"), /true or false/);
  assert.equal(page.cellValue(" a ", "BYTES", ""), " a ");
});

test("hostile names are names", () => {
  const layout = page.layoutOf([input("__proto__", "FP32", [null, 1]), input("<img>", "FP32", [null, 1])]);
  const body = page.bodyOf(layout, page.columnsOf(layout, 1), [["1", "2"]]);
  assert.equal(JSON.stringify(body), '{"inputs":{"__proto__":[[1]],"<img>":[[2]]}}');
  assert.equal({}.polluted, undefined);
  const answer = JSON.parse('{"outputs": {"__proto__": [[0.1, 0.9]]}}');
  const outputs = [input("__proto__", "FP32", [null, 2])];
  assert.equal(page.targetOf(answer, outputs).key, "1");
  assert.ok(Number.isNaN(page.scoreOf({ outputs: { x: [{}] } }, { output: "x", key: "constructor" }, 0)));
});

test("spreadsheets, CSV and titles are read", () => {
  assert.deepEqual(page.parseTable("1\t2\r\n3\t4\r\n"), [["1", "2"], ["3", "4"]]);
  assert.deepEqual(page.parseTable('a;"b ""c"""\n1;2'), [["1", "2"]]);
  assert.deepEqual(page.parseTable('"x, y",2'), [["x, y", "2"]]);
  assert.deepEqual(page.parseTable("word,other"), [["word", "other"]]);
  refused(() => page.parseTable("1\n".repeat(page.MOST_ROWS + 5)), /too many cells/);
  refused(() => page.parseTable("1,".repeat(30000)), /too many cells/);
});

test("an example has the model's shape, and none is written that nobody could read", () => {
  const model = { takes: ["tensors"], inputs: [input("x", "FP32", [null, 2]), input("s", "BYTES", [])] };
  assert.deepEqual(page.exampleBody(model), { inputs: { x: [[0, 0]], s: "" } });
  assert.equal(page.exampleBody({ takes: ["tensors"], inputs: [input("x", "FP32", [null, 3, 224, 224])] }), null);
  assert.deepEqual(page.exampleBody({ takes: ["text"], inputs: [] }), { text: "" });
  assert.deepEqual(page.textInput([input("s", "BYTES", [null, 1])]), { name: "s", deep: true, free: true });
  assert.equal(page.textInput([input("s", "BYTES", [null, 2])]), null);
});

test("an explanation follows the best class, else the only value; never a label's number", () => {
  const outputs = [input("label", "INT64", [null]), input("shares", "FP32", [null, 3]), input("score", "FP32", [null, 1])];
  const answer = { outputs: { label: [2], shares: [[0.1, 0.2, 0.7]], score: [[5]] } };
  const target = page.targetOf(answer, outputs);
  assert.deepEqual([target.output, target.key, target.value], ["shares", "2", 0.7]);
  assert.equal(page.nameOf(target, answer), "class 2");
  assert.equal(page.nameOf(target, { predictions: [{ label: "seven", confidence: 0.7 }] }), "seven");
  const regression = page.targetOf(answer, [outputs[0], outputs[2]]);
  assert.deepEqual([regression.output, page.scoreOf({ outputs: { score: [[5], [4]] } }, regression, 1)], ["score", 4]);
  assert.equal(page.targetOf(answer, [outputs[0]]), null);
  const maps = { outputs: { shares: [{ cat: 0.2, dog: 0.8 }] } };
  assert.equal(page.targetOf(maps, [input("shares", "seq(map(string,tensor(float)))", [])]).key, "dog");
});

test("a score that is not there is unknown and no zero", () => {
  const target = { output: "y", key: "1", value: 1, rank: 0 };
  assert.ok(Number.isNaN(page.scoreOf({ outputs: { y: [[1, null]] } }, target, 0)));
  assert.ok(Number.isNaN(page.scoreOf({ outputs: { y: [] } }, target, 0)));
  assert.ok(Number.isNaN(page.scoreOf({ outputs: { y: [[1, "Infinity"]] } }, target, 0)));
  const { ranked, said } = page.rankedParts({ parts: [{ part: "a" }, { part: "b" }], effects: [NaN, 0], name: "x" });
  assert.equal(ranked.length, 1);
  assert.match(said, /does not change the score of x/);
  const coarse = page.rankedParts({ parts: [{ part: "a" }], effects: [1], name: "x" }, "top_1").said;
  assert.match(coarse, /falls by 1\. The model tells its best class alone/);
});

test("charts fit what was answered", () => {
  const kinds = (answer, outputs) => page.chartsOf(answer, outputs, 0).map((chart) => chart.kinds[0]);
  const shares = [input("p", "FP32", [null, 2])];
  assert.deepEqual(kinds({ outputs: { p: [[0.4, 0.6]] } }, shares), ["bars"]);
  assert.deepEqual(page.chartsOf({ outputs: { p: [[0.4, 0.6]] } }, shares, 0)[0].kinds, ["bars", "pie"]);
  assert.deepEqual(page.chartsOf({ outputs: { p: [[3, 6]] } }, shares, 0)[0].kinds, ["bars", "line"]);
  assert.deepEqual(kinds({ outputs: { p: [[...Array(24).keys()]] } }, [input("p", "FP32", [null, 24])]), ["line"]);
  assert.deepEqual(kinds({ outputs: { y: [1] } }, [input("y", "INT64", [null])]), ["text"]);
  assert.deepEqual(kinds({ outputs: { y: [[1], [2]] } }, [input("y", "FP32", [null, 1])]), ["bars"]);
  const labelled = { predictions: [[{ label: "<b>", confidence: 1 }]], outputs: { p: [[0, 1]] } };
  assert.deepEqual(page.chartsOf(labelled, shares, 0)[0].points, [{ label: "<b>", value: 1 }]);
  const alone = page.chartsOf({ predictions: [[{ label: "b" }]], outputs: { p: [[0, 1]] } }, shares, 0);
  assert.deepEqual(alone, [{ title: "Prediction", kinds: ["text"], text: "b" }]);
  assert.deepEqual(kinds({ predictions: { boxes: [] }, outputs: { p: [[0.4, 0.6]] } }, shares), ["text", "bars"]);
  assert.equal(page.chartsOf({ outputs: { p: [Array(100).fill(0.01)] } }, shares, 0)[0].left, 80);
  assert.equal(page.rowsOf({ outputs: { p: [[0, 1], [1, 0]] } }, shares), 2);
});

test("parts are words, features and patches that cover everything once", () => {
  assert.deepEqual(page.withoutWords("so  gut, ja").map((word) => [word.part, word.text]),
    [["so", " gut, ja"], ["gut,", "so  ja"], ["ja", "so  gut, "]]);
  assert.equal(page.withoutWords("a ".repeat(500)).length, 64);
  const columns = [{ label: "x", datatype: "FP32" }, { label: "n", datatype: "INT64" }, { label: "s", datatype: "BYTES" }];
  const hidden = page.withoutFeatures(columns, [["5", "5", "a"], ["1", "2", "b"], ["2", "", "c"]]);
  assert.deepEqual(hidden.map((part) => part.row), [["1.5", "5", "a"], ["5", "2", "a"], ["5", "5", ""]]);
  for (const [width, height] of [[8, 8], [448, 300], [3, 500], [1, 1]]) {
    const parts = page.patches(width, height, 7);
    assert.equal(parts.reduce((sum, part) => sum + part.width * part.height, 0), width * height);
    assert.ok(parts.every((part) => part.width > 0 && part.height > 0) && parts.length <= 49);
  }
});

test("features are hidden in one call where rows are free, and one by one up to a bound where they are not", async () => {
  const weigh = (row) => row.reduce((sum, value, i) => sum + value * i, 0);
  const calls = [];
  const asks = { outputs: [input("y", "FP32", [null, 1])], tell, json: async (body) => {
    calls.push(body.inputs.x.length);
    return { outputs: { y: body.inputs.x.map((row) => [weigh(row)]) } };
  } };
  const free = page.layoutOf([input("x", "FP32", [null, 3])]);
  const explained = await page.explainTable(free, page.columnsOf(free, 1), [["1", "1", "1"]], asks);
  assert.deepEqual([explained.effects, calls], [[0, 1, 2], [1, 3]]);
  assert.match(page.rankedParts(explained).said, /^Hiding x 3 changes the score of y most: it falls by 2\.$/);
  calls.length = 0;
  const fixed = page.layoutOf([input("x", "FP32", [1, 100])]);
  const columns = page.columnsOf(fixed, 1);
  const many = await page.explainTable(fixed, columns, [columns.map(() => "1")], asks);
  assert.equal(many.effects.length, page.MOST_SINGLE);
  assert.equal(calls.length, page.MOST_SINGLE + 1);
});

test("words are hidden, and an answer without a score ends it in words", async () => {
  const good = { good: 2, bad: -3 };
  const score = (text) => text.split(/\s+/).reduce((sum, word) => sum + (good[word] ?? 0), 0);
  const json = async (body) => ({ outputs: { y: body.text.map((text) => [score(text), -9]) } });
  const asks = { outputs: [input("y", "FP32", [null, 2])], tell, json };
  const explained = await page.explainText("good or bad good", (text) => ({ text }), true, asks);
  assert.deepEqual([explained.name, explained.effects], ["class 0", [2, 0, -3, 2]]);
  const none = { ...asks, json: async () => ({ outputs: { y: [["x"]] } }) };
  await assert.rejects(page.explainText("a b", (text) => ({ text }), true, none), /no output of this answer is a score/);
  await assert.rejects(page.explainText("word", (text) => ({ text }), true, asks), /two words/);
});

test("layers stand below what they take", () => {
  const node = (inputs, outputs) => ({ inputs, outputs, weights: {}, name: "", operator: "" });
  const nodes = [node(["x"], ["a"]), node(["x"], ["b"]), node(["a", "b", "b"], ["c"]), node(["c", "a"], ["__proto__"])];
  assert.deepEqual(page.layersOf(nodes).layers, [0, 0, 1, 2]);
  assert.deepEqual(page.layersOf(nodes).edges, [[0, 2], [1, 2], [2, 3], [0, 3]]);
});

test("a refusal that names a short time is waited for, some times, and can be stopped meanwhile", async () => {
  const signal = () => new AbortController();
  const refusing = (times, status, wait) => {
    const work = async () => {
      work.calls += 1;
      if (work.calls <= times) throw page.refusalOf(status, '{"error": "too many calls"}', wait);
      return "done";
    };
    work.calls = 0;
    return work;
  };
  assert.equal(await page.patiently(refusing(2, 429, "0.01"), signal().signal), "done");
  const always = refusing(99, 429, "0.01");
  await assert.rejects(page.patiently(always, signal().signal), /too many calls/);
  assert.equal(always.calls, 4);
  for (const [status, wait] of [[429, "3600"], [400, null], [429, "soon"]]) {
    const once = refusing(99, status, wait);
    await assert.rejects(page.patiently(once, signal().signal), /too many calls/);
    assert.equal(once.calls, 1);
  }
  const stopped = signal();
  const waiting = page.patiently(refusing(99, 429, "9"), stopped.signal);
  stopped.abort();
  await assert.rejects(waiting, { name: "AbortError" });
});

test("the key goes into one header, and refusals are the server's own words", async () => {
  const sent = [];
  const reply = { status: 200, text: '{"a": 1}' };
  globalThis.fetch = async (url, rules) => {
    sent.push([url, rules]);
    return { ok: reply.status === 200, status: reply.status, text: async () => reply.text, headers: new Headers({ "retry-after": "3" }) };
  };
  const ask = page.asker("/models/digits/", () => "sk_x");
  assert.deepEqual((await ask("predict", { body: "{}", type: "application/json" })).answer, { a: 1 });
  const [url, rules] = sent[0];
  assert.equal(url, "/models/digits/predict");
  assert.deepEqual(rules.headers, { authorization: "Bearer sk_x", "content-type": "application/json" });
  assert.deepEqual([rules.method, rules.credentials, rules.redirect, rules.cache], ["POST", "omit", "error", "no-store"]);
  Object.assign(reply, { status: 429, text: '{"error": "too many calls"}' });
  await assert.rejects(ask("predict", { body: "{}" }), /^Error: too many calls \(after 3 s\)$/);
  assert.equal(page.refusalOf(502, "<html>", null).message, "status 502");
  Object.assign(reply, { status: 200, text: "<html>" });
  await assert.rejects(ask("graph"), /not JSON/);
});

const streamOf = (...pieces) => new ReadableStream({
  start(controller) {
    pieces.forEach((piece) => controller.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece));
    controller.close();
  },
});
const piece = (content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const told = async (stream) => {
  const texts = [];
  for await (const one of page.textsOf(stream)) texts.push(one);
  return texts;
};

test("a streamed answer grows, wherever its bytes are cut, and ends with its tokens", async () => {
  const end = 'data: {"choices": [], "usage": {"completion_tokens": 2}}\n\ndata: [DONE]\n\n';
  const whole = new TextEncoder().encode(piece("Grüße") + ": a comment\n\n" + piece(" <b>") + end);
  for (const cut of [1, 7, 43, 44, 50]) {
    const texts = await told(streamOf(whole.slice(0, cut), whole.slice(cut)));
    assert.deepEqual(texts.map((one) => one.text), ["Grüße", "Grüße <b>", "Grüße <b>"]);
    assert.equal(texts.at(-1).tokens, 2);
  }
});

test("a streamed answer that breaks off or is refused in its middle is told so", async () => {
  await assert.rejects(told(streamOf(piece("a"))), /broke off/);
  await assert.rejects(told(streamOf(piece("a"), 'data: {"error": {"message": "no room"}}\n\n')), /^Error: no room$/);
  assert.equal(page.refusalOf(400, '{"error": {"message": "`messages` is []"}}', null).message, "`messages` is []");
  assert.equal(page.refusalOf(400, '{"error": "plain"}', null).message, "plain");
});
