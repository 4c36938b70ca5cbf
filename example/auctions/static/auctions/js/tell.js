// Words to the visitor: a toast for what needs a look, and a quiet line for screen readers.

const TOAST_MS = 8000;
const SAY_EVERY_MS = 5000;
const toasts = document.querySelector("#toasts");

export function toast(text, kind) {
  const made = document.createElement("p");
  const close = document.createElement("button");
  made.className = "toast";
  made.dataset.kind = kind;
  made.textContent = text;
  close.className = "plain";
  close.textContent = "✕";
  close.setAttribute("aria-label", "Dismiss");
  close.onclick = () => made.remove();
  made.append(close);
  toasts.replaceChildren(made);
  setTimeout(() => made.remove(), TOAST_MS);
}

let waiting = null;
let next = "";

// Of many within a few seconds only the latest is said: in a bid war nobody could listen to all.
export function say(text) {
  next = text;
  waiting ??= setTimeout(() => {
    document.querySelector("#say").textContent = next;
    waiting = null;
  }, SAY_EVERY_MS);
}
