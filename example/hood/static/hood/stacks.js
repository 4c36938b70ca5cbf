// The live picture of both stacks: their processes, requests a second, open connections.

const MOST = 30;
const sorryLine = document.querySelector("#hood-sorry");
const generation = document.querySelector("#hood-generation");
const cards = [...document.querySelectorAll("#hood-stacks article")];
const rates = new Map(cards.map((card) => [card, []]));

export function draw({ sorry, ...now }) {
  sorryLine.hidden = !sorry;
  sorryLine.textContent = sorry;
  document.querySelector("#hood-stacks").hidden = Boolean(sorry);
  if (sorry) return;
  const reloading = now.is_reloading ? ", a reload is on its way" : "";
  generation.textContent = `generation ${now.generation}, ${age(now.generation_age_s)}${reloading}`;
  for (const card of cards) drawStack(card, now);
}

function drawStack(card, now) {
  const { stack } = card.dataset;
  const own = now.processes.filter((process) => process.stack === stack);
  card.querySelector("ul").replaceChildren(...own.map(item));
  // What stands in front and beside is no stack, and has only its processes to show.
  if (!stack) return;
  const rate = now.requests_s[stack];
  card.querySelector('[data-figure="requests"]').textContent = rate ?? "?";
  const open = own.reduce((sum, { connections }) => sum + (connections ?? 0), 0);
  card.querySelector('[data-figure="open"]').textContent = open;
  drawRates(card, rate ?? 0);
}

function drawRates(card, rate) {
  const kept = rates.get(card);
  kept.push(rate);
  if (kept.length > MOST) kept.shift();
  const most = Math.max(...kept, 1);
  const first = MOST - kept.length;
  const points = kept.map((each, at) => `${((first + at) * 60) / (MOST - 1)},${15 - (each * 14) / most}`);
  card.querySelector("polyline").setAttribute("points", [`0,15 ${(first * 60) / MOST},15`, ...points].join(" "));
}

function item(process) {
  const made = document.createElement("li");
  const name = document.createElement("b");
  name.textContent = process.program;
  const state = document.createElement("span");
  state.className = "hood-state";
  state.dataset.state = process.state;
  state.textContent = process.state;
  const memory = process.memory_pss_mb ?? process.memory_rss_mb;
  const facts = [
    process.pid && `pid ${process.pid}`,
    memory && `${Math.round(memory)} MB`,
    process.what,
  ];
  made.append(name, " ", state, ` ${facts.filter(Boolean).join(" · ")}`);
  return made;
}

function age(seconds) {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
