// Plays a person who looks at a model: argv: playwright-core's folder, Chromium, the address, a picture, a folder for screenshots.
// Prints what was seen as one line of JSON.
"use strict";
const [, , library, executablePath, url, picture, shots, key] = process.argv;
const { chromium } = require(library);

const QUIET = [
  "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
  "--disable-default-apps", "--disable-domain-reliability", "--disable-features=OptimizationHints,MediaRouter",
];

(async () => {
  const browser = await chromium.launch({ executablePath, args: QUIET });
  const seen = { errors: [], elsewhere: [] };
  const watched = async (options) => {
    const page = await browser.newPage(options);
    page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) seen.elsewhere.push(request.url());
    });
    await page.goto(url);
    return page;
  };
  const answered = (page) => page.waitForFunction(() => document.getElementById("status").textContent === "The model has answered.");

  const page = await watched({ viewport: { width: 1000, height: 900 } });
  if (key) {
    await page.waitForSelector("#access:not([hidden])");
    seen.before = await page.evaluate(() => document.body.innerText);
    seen.focused = await page.evaluate(() => document.activeElement.id);
    await page.keyboard.type(key);
    await page.keyboard.press("Enter");
  }
  await page.waitForSelector("#ask:not([hidden])");
  seen.title = await page.title();
  seen.kinds = await page.$$eval("input[name=kind]", (all) => all.map((one) => one.value));
  seen.injected = await page.evaluate(() => globalThis.injected === true || document.querySelectorAll("img, iframe, b").length > 0);
  if (seen.kinds.includes("picture")) {
    await page.setInputFiles("#file", picture);
    await page.waitForSelector("#preview:not([hidden])");
    // By keyboard alone: from the camera's field to the button, and Enter.
    await page.focus("#camera");
    await page.keyboard.press("Tab");
    seen.tabbed = await page.evaluate(() => document.activeElement.id);
    await page.keyboard.press("Enter");
    await answered(page);
    seen.charts = await page.$$eval("#charts .bars caption", (all) => all.map((one) => one.textContent));
    seen.first = await page.$eval("#charts", (place) => place.innerText);
    seen.focusedAnswer = await page.evaluate(() => document.activeElement.id);
    await page.selectOption("#charts select[id^=way]", "pie").catch(() => {});
    await page.click("#explain");
    await page.waitForSelector("#explanation:not([hidden])", { timeout: 60000 });
    seen.explained = await page.textContent("#explained");
    seen.drawn = await page.$$eval("#parts canvas", (all) => all.length);
  }
  if (seen.kinds.includes("text")) {
    await page.check("#kind-text");
    await page.fill("#text", "good but awful");
    await page.click("#predict");
    await answered(page);
    seen.first = await page.$eval("#charts", (place) => place.innerText);
    await page.click("#explain");
    await page.waitForSelector("#explanation:not([hidden])", { timeout: 60000 });
    seen.explained = await page.textContent("#explained");
    seen.words = await page.$$eval("#parts .word", (all) => all.map((one) => one.textContent));
  }
  if (seen.kinds.includes("table")) {
    await page.check("#kind-table");
    await page.focus("#cells input");
    await page.evaluate(() => {
      const data = new DataTransfer();
      const width = document.querySelectorAll("#cells thead th").length;
      const row = (value) => new Array(width).fill(value).join("\t");
      data.setData("text/plain", `${row("2")}\n${row("1")}`);
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    });
    seen.rows = await page.$$eval("#cells tbody tr", (all) => all.length);
    await page.click("#predict");
    await answered(page);
    seen.first = await page.$eval("#charts", (place) => place.innerText);
    await page.click("#explain");
    await page.waitForSelector("#explanation:not([hidden])", { timeout: 60000 });
    seen.explained = await page.textContent("#explained");
  }
  if (seen.kinds.includes("chat")) {
    await page.focus("#message");
    for (const message of ["Hello", "<b>Again</b>"]) {
      await page.keyboard.type(message);
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => /^The model has answered with/.test(document.getElementById("status").textContent)
        && document.activeElement.id === "message" && document.activeElement.value === "");
    }
    seen.said = await page.$$eval("#said .said", (all) => all.map((one) => one.textContent));
    await page.click("#anew");
    seen.left = await page.$$eval("#said li", (all) => all.length);
    seen.injected = await page.evaluate(() => document.querySelectorAll("img, iframe, b").length > 0);
  }
  const chats = seen.kinds.includes("chat");
  seen.kept = await page.evaluate(() => JSON.stringify([localStorage.length, sessionStorage.length, document.cookie]));
  if (!chats) {
    await page.click("#show-layers");
    await page.waitForSelector("#layers svg");
    seen.boxes = await page.$$eval("#layers rect.box", (all) => all.length);
    await page.check("#kind-json").catch(() => {});
    await page.fill("#json", '{"inputs": {"nothing": 1}}');
  }
  await page.click("#predict");
  await page.waitForSelector("#problem:not([hidden])");
  seen.problem = await page.textContent("#problem");
  seen.errors = seen.errors.filter((text) => !/status of (400|401)/.test(text));
  await page.close();

  const phone = await watched({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: "dark" });
  if (key) {
    await phone.fill("#key", key);
    await phone.press("#key", "Enter");
  }
  await phone.waitForSelector("#ask:not([hidden])");
  if (seen.kinds.includes("picture")) {
    await phone.setInputFiles("#file", picture);
    await phone.waitForSelector("#preview:not([hidden])");
    await phone.tap("#predict");
    await answered(phone);
    await phone.tap("#explain");
    await phone.waitForSelector("#explanation:not([hidden])", { timeout: 60000 });
  }
  if (!chats) {
    await phone.tap("#show-layers");
    await phone.waitForSelector("#layers svg");
  }
  seen.overflow = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (shots) await phone.screenshot({ path: `${shots}/phone.png`, fullPage: true });
  await phone.close();
  if (shots && seen.kinds.includes("picture")) {
    const wide = await watched({ viewport: { width: 900, height: 600 }, colorScheme: "light" });
    await wide.waitForSelector("#ask:not([hidden])");
    await wide.setInputFiles("#file", picture);
    await wide.waitForSelector("#preview:not([hidden])");
    await wide.click("#predict");
    await answered(wide);
    await wide.click("#explain");
    await wide.waitForSelector("#explanation:not([hidden])", { timeout: 60000 });
    await wide.screenshot({ path: `${shots}/page.png`, clip: { x: 0, y: 0, width: 900, height: 1660 }, fullPage: true });
  }
  seen.errors = seen.errors.filter((text) => !/status of (400|401)/.test(text));
  await browser.close();
  console.log(JSON.stringify(seen));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
