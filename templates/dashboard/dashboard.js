"use strict";
// Asks the server that this page came from for a newer one, and takes its environments; the focus stays where it was.
(() => {
  const said = document.getElementById("refreshed");
  const everyMs = 1000 * Number(said.dataset.every);
  const limitMs = 120000;
  let answered = new Date();

  const place = () => {
    const element = document.activeElement;
    const links = [...document.querySelectorAll("main a, main [tabindex]")];
    return element && element.closest("main") ? links.indexOf(element) : -1;
  };
  const take = (fresh) => {
    const old = document.querySelector("main");
    const main = fresh && fresh.querySelector("main");
    if (!main) return false;
    // A text that somebody has selected is left alone until they let go of it.
    if (!getSelection().isCollapsed) return true;
    if (main.isEqualNode(old)) return true;
    const at = place();
    const scrolled = [...old.querySelectorAll(".wide")].map((one) => one.scrollLeft);
    old.replaceWith(document.adoptNode(main));
    main.querySelectorAll(".wide").forEach((one, index) => { one.scrollLeft = scrolled[index] || 0; });
    const next = [...document.querySelectorAll("main a, main [tabindex]")][at];
    if (next) next.focus({ preventScroll: true });
    return true;
  };
  const say = (text, late) => {
    if (said.textContent !== text) said.textContent = text;
    said.classList.toggle("late", late);
  };
  const ask = () => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href.split("#")[0]);
    request.responseType = "document";
    request.timeout = limitMs;
    request.onloadend = () => {
      if (request.status === 200 && take(request.response)) {
        answered = new Date();
        say("This page follows what happens.", false);
      } else {
        const since = answered.toLocaleTimeString();
        say(`No answer from slipway dashboard since ${since}: what is below is old. Does the command still run?`, true);
      }
      setTimeout(ask, everyMs);
    };
    request.send();
  };
  setTimeout(ask, everyMs);
})();
