"use strict";
// Calls to the model's own server, with the key that somebody typed; what it refuses is told in its own words.

const RULES = { cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" };

// A function that asks below a path: `(path, {body, type, signal}) => {answer, text}`; `keyNow` gives the present key.
function asker(base, keyNow) {
  return async (path, { body, type, signal } = {}) => {
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
    const text = await response.text();
    if (!response.ok) throw refusalOf(response.status, text, response.headers.get("retry-after"));
    try {
      return { answer: JSON.parse(text), text };
    } catch {
      throw new Problem("the answer is not JSON");
    }
  };
}

function refusalOf(status, text, wait) {
  let said = `status ${status}`;
  try {
    said = JSON.parse(text).error ?? said;
  } catch {
    // A gateway's own page says nothing that helps.
  }
  const problem = new Problem(wait === null ? said : `${said} (after ${wait} s)`);
  problem.status = status;
  return problem;
}
