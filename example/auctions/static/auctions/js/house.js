// On every page: all bids as they happen, on the cards and in the list, and the clocks.

import { bidItem, pounds } from "./bids.js";
import { startClock } from "./clock.js";
import { nameOf } from "./names.js";
import { keepStream } from "./stream.js";

const SHOWN = 20;
const { events, me } = document.body.dataset;
const ticker = document.querySelector("#ticker");
const heard = new Set();

function showOnCard(bid) {
  const card = document.querySelector(`[data-lot-card="${bid.lot}"]`);
  if (!card || bid.sequence <= Number(card.dataset.sequence)) return;
  card.dataset.sequence = bid.sequence;
  card.querySelector("[data-price]").textContent = pounds(bid.amount);
  card.querySelector("[data-leader]").textContent = bid.bidder;
  const standing = card.querySelector("[data-standing]");
  const isMine = bid.bidder === me;
  if (isMine || standing.dataset.standing) {
    standing.dataset.standing = isMine ? "winning" : "outbid";
    standing.textContent = isMine ? "You are winning" : "You are outbid";
  }
  card.classList.remove("moved");
  void card.offsetWidth;
  card.classList.add("moved");
}

function lotLink(bid) {
  const link = document.createElement("a");
  link.href = `/lots/${bid.lot}/`;
  link.textContent = "a lot";
  nameOf(bid.lot).then((name) => {
    link.textContent = name ?? link.textContent;
  });
  return link;
}

function hear(bid) {
  if (heard.has(bid.id)) return;
  if (!heard.size) ticker.replaceChildren();
  heard.add(bid.id);
  showOnCard(bid);
  ticker.prepend(bidItem(bid, lotLink(bid)));
  while (ticker.children.length > SHOWN) ticker.lastElementChild.remove();
}

startClock();
if (ticker) keepStream(events, hear);
