// One bid over the API, sent again while nobody can say what became of it.

import { ask } from "./ask.js";
import { wait } from "./pause.js";

const TRY_AGAIN_AFTER_MS = [200, 600, 1800];
// The edge or a proxy says these when the server behind was not to be had.
const UNDECIDED = new Set([502, 503, 504]);

// The key of the bid that was last sent, as long as its fate is not known.
let open = { amount: null, key: null };

export async function place(path, amount, token) {
  if (open.amount !== amount) open = { amount, key: newKey() };
  const body = JSON.stringify(open);
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  const response = await sendUntilAnswered(path, { method: "POST", headers, body });
  if (!response) return { reason: "The house did not answer. Try again: it will be one bid." };
  open = { amount: null, key: null };
  const answer = await response.json().catch(() => ({}));
  return response.ok ? { bid: answer } : { reason: reasonOf(response, answer) };
}

async function sendUntilAnswered(path, options) {
  for (const pause of [...TRY_AGAIN_AFTER_MS, null]) {
    const response = await ask("API: bid", path, options).catch(() => null);
    if (response && !UNDECIDED.has(response.status)) return response;
    if (pause) await wait(pause);
  }
  return null;
}

function reasonOf({ status }, answer) {
  if (status === 401) return "You are signed out. Sign in to bid.";
  // The session changed in another tab, and with it the token that this page came with.
  if (status === 403) return "This page is out of date. Reload it, then bid again.";
  if (answer.detail) return [answer.detail].flat().join(" ");
  return Object.values(answer).flat().join(" ") || "The bid was not accepted.";
}

// Like crypto.randomUUID, which is only there on HTTPS and on localhost.
function newKey() {
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16));
}
