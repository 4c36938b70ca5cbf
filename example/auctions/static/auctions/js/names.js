// The titles of lots: from the cards where there are cards, else from the API.

import { ask } from "./ask.js";

const MOST_PAGES = 5;
const names = new Map();
let listed = null;

for (const card of document.querySelectorAll("[data-lot-card]")) {
  names.set(Number(card.dataset.lotCard), card.querySelector("[data-title]").textContent);
}

export async function nameOf(lot) {
  if (!names.has(lot)) await (listed ??= list());
  // A lot that was put up later, or a list that failed.
  if (!names.has(lot)) await get(`/api/lots/${lot}/`).then((found) => found && names.set(lot, found.title));
  return names.get(lot);
}

async function list() {
  let next = "/api/lots/";
  for (let page = 0; next && page < MOST_PAGES; page += 1) {
    const answer = await get(next);
    if (!answer) return;
    for (const { id, title } of answer.results) names.set(id, title);
    next = answer.next && new URL(answer.next).pathname + new URL(answer.next).search;
  }
}

async function get(path) {
  const response = await ask("API: lots", path).catch(() => null);
  return response?.ok ? response.json() : null;
}
