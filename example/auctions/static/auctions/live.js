// Keeps the page live: the chosen lot over its WebSocket, all bids over the event stream.
// Without this file the page still works: the form posts, and a reload shows new bids.

const HISTORY = 10;
const TICKER = 20;
const WHEN = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
const lot = document.querySelector("[data-lot]");
const form = document.querySelector("#bid");
const connection = document.querySelector("#connection");

function bidItem(bid, title) {
  const item = document.createElement("li");
  const price = document.createElement("span");
  const time = document.createElement("time");
  price.className = "price";
  price.textContent = `£${bid.amount}`;
  time.className = "quiet";
  time.dateTime = bid.created;
  time.textContent = new Date(bid.created).toLocaleTimeString();
  item.className = "new";
  item.append(price, ` ${bid.bidder}${title ? ` on ${title}` : ""} `, time);
  return item;
}

function prepend(list, item, most) {
  list.prepend(item);
  while (list.children.length > most) list.lastElementChild.remove();
}

// The chosen lot

let sequence = Number(lot?.dataset.sequence ?? 0);
let attempts = 0;

function showBid(bid) {
  if (bid.sequence <= sequence) return;
  sequence = bid.sequence;
  document.querySelector("#price").textContent = bid.amount;
  document.querySelector("#bidder").textContent = bid.bidder;
  prepend(document.querySelector("#bids"), bidItem(bid), HISTORY);
}

function showClosed({ best_bid: best }) {
  form.hidden = true;
  document.querySelector("#closing").textContent = best ? `Closed: won by ${best.bidder}.` : "Closed.";
}

function hear(message) {
  if (message.type === "bid") showBid(message.bid);
  if (message.type === "lot") message.bids.forEach(showBid);
  if (message.lot?.status === "closed") showClosed(message.lot);
}

function listen() {
  const url = new URL(`/ws/lots/${lot.dataset.lot}/?after=${sequence}`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.onopen = () => {
    attempts = 0;
    connection.textContent = "Live";
  };
  socket.onmessage = ({ data }) => hear(JSON.parse(data));
  socket.onclose = ({ code }) => {
    if (code === 4404) {
      connection.textContent = "This lot is no longer there.";
      return;
    }
    connection.textContent = "Reconnecting…";
    const wait = Math.min(500 * 2 ** attempts++, 15000);
    setTimeout(listen, wait * (0.5 + Math.random() / 2));
  };
}

// The form

function notice(text, kind) {
  const line = document.createElement("p");
  line.className = kind;
  line.textContent = text;
  document.querySelector("#notice").replaceChildren(line);
}

function reasons(answer) {
  if (answer.detail) return answer.detail;
  return Object.values(answer).flat().join(" ") || "The bid was not accepted.";
}

async function placeBid(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const { csrfmiddlewaretoken, ...bid } = Object.fromEntries(new FormData(form));
    const response = await fetch(form.dataset.api, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfmiddlewaretoken },
      body: JSON.stringify(bid),
    });
    const answer = await response.json();
    if (!response.ok) return notice(reasons(answer), "bad");
    form.elements.amount.value = "";
    localStorage.setItem("bidder", bid.bidder);
    notice(`Your bid of £${answer.amount} is placed.`, "good");
  } catch {
    notice("The auction house did not answer. Try again in a moment.", "bad");
  } finally {
    button.disabled = false;
  }
}

// All lots

const heard = new Set();

function tick({ data }) {
  const bid = JSON.parse(data);
  if (heard.has(bid.id)) return;
  heard.add(bid.id);
  const row = document.querySelector(`[data-lot-row="${bid.lot}"]`);
  const price = row?.querySelector("[data-price]");
  if (price && Number(bid.amount) > Number(price.textContent)) price.textContent = bid.amount;
  const title = row?.querySelector(".title").textContent ?? `lot ${bid.lot}`;
  prepend(document.querySelector("#ticker"), bidItem(bid, title), TICKER);
}

for (const time of document.querySelectorAll("nav time, #closing time")) {
  time.textContent = new Date(time.dateTime).toLocaleString([], WHEN);
}
new EventSource(document.querySelector("[data-events]").dataset.events).addEventListener("bid", tick);
if (lot) {
  form.addEventListener("submit", placeBid);
  form.elements.bidder.value ||= localStorage.getItem("bidder") ?? "";
  listen();
}
