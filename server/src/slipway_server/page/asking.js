"use strict";
// Calls to the model's own server, with the key that somebody typed; what it refuses is told in its own words.

const RULES = { cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" };

const MOST_AGAIN = 3;
const MOST_WAIT_S = 10;

// A function that asks below a path: `(path, {body, type, signal}) => {answer, text}`; `keyNow` gives the present key.
// Its `stream` gives the response as soon as it begins.
function asker(base, keyNow) {
  const sent = async (path, { body, type, signal } = {}) => {
    const headers = keyNow() ? { authorization: `Bearer ${keyNow()}` } : {};
    if (type) headers["content-type"] = type;
    let response;
    try {
      const method = body === undefined ? "GET" : "POST";
      response = await fetch(base + path, { ...RULES, method, headers, body, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem("the model cannot be reached: try again");
    }
    if (response.ok) return response;
    throw refusalOf(response.status, await response.text(), response.headers.get("retry-after"));
  };
  const ask = async (path, options) => {
    const text = await (await sent(path, options)).text();
    try {
      return { answer: JSON.parse(text), text };
    } catch {
      throw new Problem("the answer is not JSON");
    }
  };
  return Object.assign(ask, { stream: sent });
}

function refusalOf(status, text, wait) {
  let said = `status ${status}`;
  try {
    const { error } = JSON.parse(text);
    said = error?.message ?? error ?? said;
  } catch {
    // A gateway's own page says nothing that helps.
  }
  const problem = new Problem(wait === null ? said : `${said} (after ${wait} s)`);
  problem.status = status;
  problem.waitS = Number(wait);
  return problem;
}

// Asks again after the time that a refusal names, some times: an explanation is many calls, and limits are a second's.
async function patiently(work, signal) {
  for (let again = 0; ; again += 1) {
    try {
      return await work();
    } catch (error) {
      if (again === MOST_AGAIN || !(error.waitS > 0 && error.waitS <= MOST_WAIT_S)) throw error;
      await paused(error.waitS, signal);
    }
  }
}

function paused(seconds, signal) {
  return new Promise((done, failed) => {
    const stop = () => {
      clearTimeout(timer);
      failed(new DOMException("stopped", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      done();
    }, 1000 * seconds);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}
