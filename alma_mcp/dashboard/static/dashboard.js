// Keeps the part of a page that changes up to date. Without this script a page is whole, and stands still.
"use strict";

(function () {
  const address = document.body.dataset.live;
  const live = document.getElementById("live");
  const connection = document.getElementById("connection");
  const current = document.querySelector('nav [aria-current="page"]');
  if (current && current.scrollIntoView) current.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (!address || !window.EventSource || !connection) return;

  let source = null;
  let retry = 0;

  function show(state, text) {
    if (connection.dataset.state === state) return;
    connection.dataset.state = state;
    connection.firstElementChild.textContent = text;
  }

  function tell(sentence) {
    const note = document.getElementById("ended");
    note.textContent = sentence;
    note.hidden = !sentence;
  }

  function listen() {
    window.clearTimeout(retry);
    if (source || document.hidden) return;
    source = new EventSource("/live?path=" + encodeURIComponent(address));
    source.addEventListener("open", () => { show("live", "Live"); tell(""); });
    source.addEventListener("parts", (event) => {
      const parts = JSON.parse(event.data);
      if ("live" in parts) renew(live, parts.live);
      if ("sections" in parts) renew(document.getElementById("sections"), parts.sections);
      if ("problem" in parts) tell(parts.problem);
    });
    source.addEventListener("ended", () => {
      rest();
      show("ended", "Signed out");
      tell("This visit is over. Run `alma-mcp dashboard` to sign in again.");
    });
    source.addEventListener("error", () => {
      rest();
      show("lost", "Not connected");
      tell("The engine does not answer. If it has ended, run `alma-mcp dashboard`; this page shows what was so before.");
      retry = window.setTimeout(listen, 3000);
    });
  }

  function rest() {
    if (source) source.close();
    source = null;
  }

  function renew(place, html) {
    const next = document.createElement("template");
    next.innerHTML = html;
    children(place, next.content);
  }

  // Makes the children of one node like those of another, and touches no more than differs: what has the focus, is
  // being typed, was opened or scrolled stays as it is.
  function children(old, fresh) {
    let at = old.firstChild;
    for (const wanted of Array.from(fresh.childNodes)) {
      const kept = wanted.id ? Array.from(old.childNodes).find((each) => each.id === wanted.id) : null;
      if (kept && kept !== at && kept.nodeName === wanted.nodeName) {
        old.insertBefore(kept, at);
        at = kept;
      }
      if (at && alike(at, wanted)) {
        one(at, wanted);
        at = at.nextSibling;
      } else {
        old.insertBefore(wanted, at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  function alike(old, fresh) {
    return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && (old.id || "") === (fresh.id || "");
  }

  function one(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    if (old.isEqualNode(fresh) || old.hasAttribute("data-still")) return;
    attributes(old, fresh);
    children(old, fresh);
  }

  function attributes(old, fresh) {
    const own = old.nodeName === "DETAILS" || old.nodeName === "DIALOG" ? ["open"] : [];
    for (const each of Array.from(old.attributes)) {
      if (!fresh.hasAttribute(each.name) && !own.includes(each.name)) old.removeAttribute(each.name);
    }
    for (const each of Array.from(fresh.attributes)) {
      if (!own.includes(each.name) && old.getAttribute(each.name) !== each.value) old.setAttribute(each.name, each.value);
    }
    if (old.nodeName === "PROGRESS" && fresh.hasAttribute("value")) old.value = Number(fresh.getAttribute("value"));
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) rest();
    else listen();
  });
  window.addEventListener("pagehide", rest);
  window.addEventListener("pageshow", listen);
  listen();
})();
