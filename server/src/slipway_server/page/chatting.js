"use strict";
// A chat with a language model: what was said so far stays in the page, and goes along with each message.

const MOST_PIECE = 2 ** 20;

// The documents in a stream of server-sent events, until its `[DONE]`; a stream that ends before that broke off.
async function* piecesOf(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const line of lines.filter((one) => one.startsWith("data:"))) {
        const data = line.slice("data:".length).trim();
        if (data === "[DONE]") return;
        yield JSON.parse(data);
      }
      if (done || rest.length > MOST_PIECE) throw new Problem("the answer broke off");
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// A text as it grows, and at its end how many tokens it took; what the server says instead of going on is thrown.
async function* textsOf(stream) {
  let text = "";
  let tokens = null;
  for await (const piece of piecesOf(stream)) {
    if (piece.error) throw new Problem(piece.error.message ?? "the model failed");
    text += piece.choices?.[0]?.delta?.content ?? "";
    tokens = piece.usage?.completion_tokens ?? tokens;
    yield { text, tokens };
  }
}

// What asks: `(at, ask, tell) => (signal) => ...`, with everything that was said before.
function chatter(at, ask, tell) {
  let said = [];

  function shownMessage(who, text) {
    const words = el("p", { class: "said" }, text);
    at("said").append(el("li", {}, el("strong", {}, who), words));
    return words;
  }

  function begin() {
    said = [];
    at("said").replaceChildren();
    at("message").focus();
  }

  async function send(signal) {
    const text = at("message").value.trim();
    if (!text) throw new Problem("there is no message yet");
    const messages = [...said, { role: "user", content: text }];
    const wanted = { messages, model: at("variant").value, stream: true, stream_options: { include_usage: true } };
    const asked = { body: JSON.stringify(wanted), type: "application/json", signal };
    const mine = shownMessage("You", text);
    const theirs = shownMessage(at("variant").value, "");
    let last = { text: "", tokens: null };
    try {
      const { body } = await ask.stream("v1/chat/completions", asked);
      for await (last of textsOf(body)) theirs.textContent = last.text;
    } catch (error) {
      // Nothing of it is sent along later: the message is still in its field, to be sent again.
      [mine, theirs].forEach((words) => words.parentElement.classList.add("broken"));
      throw error instanceof TypeError ? new Problem("the answer broke off") : error;
    }
    said = [...messages, { role: "assistant", content: last.text }];
    at("message").value = "";
    at("message").focus();
    tell(last.tokens === null ? "The model has answered." : `The model has answered with ${last.tokens} tokens.`);
  }

  at("anew").addEventListener("click", begin);
  at("message").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    at("predict").click();
  });
  return send;
}
