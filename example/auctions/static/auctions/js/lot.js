// On a lot's page: its bids, who watches, and how the visitor stands, over the lot's WebSocket.

import { bidItem, pounds } from "./bids.js";
import { keepBidding } from "./bidding.js";
import { offerDelivery } from "./delivery.js";
import { keepSocket } from "./socket.js";
import { say, toast } from "./tell.js";

const SHOWN = 50;
const STANDINGS = {
  winning: "You are winning.",
  outbid: "You are outbid.",
  won: "You won this lot.",
  lost: "It went to somebody else.",
  "": "",
};
const { me } = document.body.dataset;
const lot = document.querySelector("#lot");
const form = document.querySelector("form#bid");
const list = document.querySelector("#bids");
const line = document.querySelector("#standing");
const bidding = form && keepBidding(form, { placed, price: lot.dataset.price });

// The last bid before which none is missing, and the last one there is.
let reached = Number(lot.dataset.sequence);
let newest = reached;

function stand(how) {
  line.dataset.standing = how;
  line.textContent = STANDINGS[how];
}

function put(bid) {
  const items = [...list.children];
  if (items.some((item) => Number(item.dataset.sequence) === bid.sequence)) return;
  const older = items.find((item) => Number(item.dataset.sequence) < bid.sequence);
  list.querySelector("[data-none]")?.remove();
  list.insertBefore(bidItem(bid), older ?? null);
  while (list.children.length > SHOWN) list.lastElementChild.remove();
}

function show(bid) {
  put(bid);
  if (bid.sequence === reached + 1) reached = bid.sequence;
  if (bid.sequence <= newest) return false;
  newest = bid.sequence;
  document.querySelector("#price").textContent = pounds(bid.amount);
  document.querySelector("#leader").textContent = bid.bidder;
  document.querySelector("#highest").textContent = "Highest bid";
  bidding?.follow(bid.amount);
  return true;
}

function showBid({ bid, winning, outbid, closes_at: closesAt }) {
  const isNew = show(bid);
  showClosing(closesAt);
  if (!isNew) return;
  if (winning) stand("winning");
  else if (outbid || line.dataset.standing === "winning") showOutbid(bid);
  else say(`${pounds(bid.amount)} by ${bid.bidder}`);
}

function showOutbid(bid) {
  stand("outbid");
  toast(`${bid.bidder} has outbid you: ${pounds(bid.amount)}.`, "bad");
}

function showClosing(closesAt) {
  const time = document.querySelector("#closing time");
  if (time && closesAt && new Date(closesAt) > new Date(time.dateTime)) time.dateTime = closesAt;
}

function showClosed({ best_bid: best }) {
  const isMine = Boolean(me) && best?.bidder === me;
  document.querySelector("#highest").textContent = best ? "Sold" : "Not sold";
  document.querySelector("#closing").textContent = best ? `Closed: went to ${best.bidder}` : "Closed without a bid";
  if (isMine) stand("won");
  else if (line.dataset.standing) stand("lost");
  document.querySelector("#bid")?.remove();
  toast(isMine ? "Sold to you. Congratulations!" : "This lot is closed.", isMine ? "good" : "plain");
}

function showHammer({ lot: id, title, best_bid: best }) {
  if (String(id) === lot.dataset.lot) return;
  say(best ? `${title} went to ${best.bidder} for ${pounds(best.amount)}` : `${title} was not sold`);
}

function placed(bid) {
  if (show(bid)) stand("winning");
  toast(`Your bid of ${pounds(bid.amount)} is placed.`, "good");
}

function hear(message) {
  const isOpenHere = Boolean(document.querySelector("#closing time"));
  if (message.type === "bid") showBid(message);
  if (message.type === "hammer") showHammer(message);
  if (message.type === "presence") {
    document.querySelector("#watching").textContent = `${message.watching} watching`;
  }
  if (message.lot) showClosing(message.lot.closes_at);
  if (message.lot?.status === "closed" && isOpenHere) showClosed(message.lot);
}

offerDelivery(document.querySelector("#delivery"), document.querySelector("#delivery-quote"));
keepSocket({
  path: () => `/ws/lots/${lot.dataset.lot}/?after=${reached}`,
  hear,
  gone: () => toast("This lot is no longer there.", "bad"),
});
