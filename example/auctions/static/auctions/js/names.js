// What lots are called: from the cards where there are cards, else from the API, asked once.

import { ask } from "./ask.js";

const MOST_PAGES = 5;
const names = new Map();
let asked = null;

for (const card of document.querySelectorAll("[data-lot-card]")) {
  names.set(Number(card.dataset.lotCard), card.querySelector("[data-title]").textContent);
}

export async function nameOf(lot) {
  if (!names.has(lot)) await (asked ??= askAll());
  return names.get(lot);
}

async function askAll() {
  let next = "/api/lots/";
  for (let page = 0; next && page < MOST_PAGES; page += 1) {
    const response = await ask("API: lots", next).catch(() => null);
    if (!response?.ok) return;
    const answer = await response.json();
    for (const { id, title } of answer.results) names.set(id, title);
    next = answer.next && new URL(answer.next).pathname + new URL(answer.next).search;
  }
}
