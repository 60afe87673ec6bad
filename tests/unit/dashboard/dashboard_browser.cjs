// Plays a person who looks at the dashboard: argv: playwright-core's folder, Chromium, the address.
// Prints what was seen as one line of JSON.
"use strict";
const [, , library, executablePath, url] = process.argv;
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
      if (!request.url().startsWith(url) && !/favicon/.test(request.url())) seen.elsewhere.push(request.url());
    });
    await page.goto(url);
    return page;
  };
  const page = await watched({ viewport: { width: 1200, height: 900 } });
  await page.keyboard.press("Tab");
  seen.first = await page.evaluate(() => document.activeElement.className);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") || document.activeElement.textContent);
  seen.region = await focused();
  seen.outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  // The next answer has another time and another state, and the focus stays where it was.
  await page.waitForFunction(() => document.querySelector("main").textContent.includes("not ready"), null, { timeout: 60000 });
  seen.after = await focused();
  seen.said = await page.textContent("#refreshed");
  seen.injected = await page.evaluate(() => globalThis.injected === true || document.querySelectorAll("img, iframe").length > 0);
  await page.close();

  const phone = await watched({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: "dark" });
  seen.overflow = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  seen.dark = await phone.evaluate(() => getComputedStyle(document.body).backgroundColor);
  seen.cells = await phone.$$eval("[role=cell]", (all) => all.length);
  await browser.close();
  seen.errors = seen.errors.filter((text) => !/favicon|status of 403/.test(text));
  console.log(JSON.stringify(seen));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
