// Whether the page is live, said quietly: a moment's break, as in a reload, is not worth a word.

const WORTH_A_WORD_MS = 1500;
const shown = document.querySelector("#line");
const down = new Set();
let pending = null;

export function setLine(name, isUp) {
  if (isUp) down.delete(name);
  else down.add(name);
  say();
}

function say() {
  if (down.size) {
    pending ??= setTimeout(writeDown, WORTH_A_WORD_MS);
    return;
  }
  clearTimeout(pending);
  pending = null;
  write("live", "Live");
}

// Only a page without its connections is offline, whatever the browser thinks of the network.
function writeDown() {
  if (navigator.onLine) write("lost", "Reconnecting…");
  else write("offline", "Offline: these are the last bids you had");
}

function write(state, text) {
  shown.dataset.state = state;
  // It is read out whenever it is written, the same words too.
  if (shown.textContent !== text) shown.textContent = text;
}

addEventListener("online", () => down.size && writeDown());
