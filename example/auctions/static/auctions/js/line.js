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
  if (navigator.onLine && down.size) {
    pending ??= setTimeout(write, WORTH_A_WORD_MS, "lost", "Reconnecting…");
    return;
  }
  clearTimeout(pending);
  pending = null;
  if (!navigator.onLine) write("offline", "Offline: these are the last bids you had");
  else write("live", "Live");
}

function write(state, text) {
  shown.dataset.state = state;
  // It is read out whenever it is written, the same words too.
  if (shown.textContent !== text) shown.textContent = text;
}

addEventListener("online", say);
addEventListener("offline", say);
