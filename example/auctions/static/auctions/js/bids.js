// Bids as people read them.

const POUNDS = new Intl.NumberFormat("en-GB", { style: "currency", currency: "GBP" });

export function pounds(amount) {
  return POUNDS.format(amount);
}

export function bidItem(bid, onLot) {
  const made = document.createElement("li");
  const amount = document.createElement("b");
  const time = document.createElement("time");
  amount.textContent = pounds(bid.amount);
  time.dateTime = bid.created;
  time.textContent = new Date(bid.created).toLocaleTimeString("en-GB");
  made.dataset.sequence = bid.sequence;
  made.className = "new";
  made.append(amount, ` ${bid.bidder} `, ...(onLot ? [onLot, " "] : []), time);
  return made;
}
