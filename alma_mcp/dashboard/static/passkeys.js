// Asks the browser for a passkey, or for a passkey's word, and sends on what it brings back. Without this script the
// passphrase forms work as they are, and what needs a passkey stays hidden.
"use strict";

(function () {
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const text = (buffer) => {
    const letters = Array.from(new Uint8Array(buffer), (each) => String.fromCharCode(each)).join("");
    return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const named = (list) => list.map((each) => ({ ...each, id: bytes(each.id) }));

  async function ask(path, fields) {
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams(fields), redirect: "error" });
    if (!(answer.headers.get("content-type") || "").startsWith("application/json")) {
      throw new Error("The dashboard did not answer as it should. Load the page again.");
    }
    const told = await answer.json();
    if (told.problem) throw new Error(told.problem);
    return told;
  }

  async function word(options) {
    const asked = { ...options, challenge: bytes(options.challenge), allowCredentials: named(options.allowCredentials) };
    const { response } = await navigator.credentials.get({ publicKey: asked });
    const form = document.getElementById("word");
    form.elements.authenticator.value = text(response.authenticatorData);
    form.elements.client.value = text(response.clientDataJSON);
    form.elements.signed.value = text(response.signature);
    form.submit();
  }

  async function make(options) {
    const user = { ...options.user, id: bytes(options.user.id) };
    const asked = { ...options, user, challenge: bytes(options.challenge), excludeCredentials: named(options.excludeCredentials) };
    const { response } = await navigator.credentials.create({ publicKey: asked });
    return { client: text(response.clientDataJSON), attestation: text(response.attestationObject) };
  }

  function fields(form, more) {
    return { ...Object.fromEntries(new FormData(form)), ...more };
  }

  function sentence(error) {
    if (error.name === "NotAllowedError") return "The passkey was not used, or it took too long. Nothing was decided.";
    if (error.name === "InvalidStateError") return "This device holds an enrolled passkey already.";
    return error.message;
  }

  function on(form, button, act) {
    const problem = form.querySelector(".problem");
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (!form.reportValidity()) return;
      problem.hidden = true;
      button.disabled = true;
      try {
        await act();
      } catch (error) {
        problem.textContent = sentence(error);
        problem.hidden = false;
      } finally {
        button.disabled = false;
      }
    });
  }

  for (const form of document.querySelectorAll("form.deciding")) {
    const place = form.querySelector(".by-passkey");
    if (!place) continue;
    place.hidden = false;
    for (const button of place.querySelectorAll("[data-decision]")) {
      on(form, button, async () => {
        const told = fields(form, { decision: button.dataset.decision });
        delete told.passphrase;
        await word(await ask(form.dataset.draft, told));
      });
    }
  }

  const enrolling = document.getElementById("enrolling");
  if (!enrolling) return;
  enrolling.addEventListener("submit", (event) => event.preventDefault());
  for (const button of enrolling.querySelectorAll("[data-by]")) {
    on(enrolling, button, async () => {
      const told = fields(enrolling, { by: button.dataset.by });
      if (button.dataset.by === "passphrase" && !told.passphrase) throw new Error("Type the passphrase of somebody who is enrolled.");
      const options = await ask(enrolling.dataset.begin, { csrf: told.csrf, name: told.name });
      const made = await make(options);
      const wanted = await ask(enrolling.dataset.register, { ...told, ...made });
      if (wanted.done) window.location.assign(wanted.done);
      else await word(wanted);
    });
  }
})();
