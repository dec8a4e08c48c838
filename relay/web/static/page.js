// What a script adds to pages that work without one: the search answers while one types, a period shows at once,
// and of a large file only its beginning is sent.
"use strict";

const PAUSE = 250; // milliseconds without a key before the search asks

function address(form, path) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "") asked.set(name, value);
  return `${path}?${asked}`;
}

function live(form) {
  const place = document.getElementById(form.dataset.live);
  if (!place) {
    form.addEventListener("change", () => form.requestSubmit());
    return;
  }
  let timer = 0;
  let running = null;
  async function ask() {
    running?.abort();
    const mine = (running = new AbortController());
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address(form, `${form.getAttribute("action")}/results`), { signal: mine.signal, credentials: "same-origin" });
      if (answer.status === 401) { location.reload(); return; }
      place.innerHTML = await answer.text(); // a fragment of our own, escaped by the server
      history.replaceState(null, "", address(form, form.getAttribute("action")));
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
      return;
    } finally {
      if (running === mine) place.setAttribute("aria-busy", "false");
    }
  }
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); ask(); });
}

function shorten(input) {
  const most = Number(input.dataset.most);
  input.addEventListener("change", () => {
    const file = input.files[0];
    if (!file || file.size <= most) return;
    const held = new DataTransfer();
    held.items.add(new File([file.slice(0, most)], file.name));
    input.files = held.files;
  });
}

for (const form of document.querySelectorAll("form[data-live]")) live(form);
for (const button of document.querySelectorAll("button[data-plain]")) button.hidden = true;
for (const input of document.querySelectorAll("input[data-most]")) shorten(input);
